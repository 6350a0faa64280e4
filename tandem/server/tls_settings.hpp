// SPDX-License-Identifier: Apache-2.0
// What a script says about TLS, and the contexts that its files make. Values; reading files blocks.
#pragma once

#include <tandem/script/program.hpp>
#include <tandem/transport/listen_point.hpp>
#include <tandem/transport/tls_contexts.hpp>

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace tandem::server {

struct tls_settings {
  bool is_disabled = false;
  std::uint16_t port = transport::sips_port; ///< of listeners that name none
  std::string method = "TLSv1.2+";
  bool verifies_clients = false;
  bool requires_certificate = false;
  /// PEM. The first is shown to whoever asks for no other name, and to servers that ask for one.
  std::vector<script::list_item> certificates;
  std::vector<script::list_item> keys; ///< in their order; none: with the certificates
  std::string authorities;             ///< PEM; empty: those of the system, for servers alone
};

/// One of the points is secure, so that there must be a certificate.
[[nodiscard]] bool need_tls(std::span<const transport::listen_point> points) noexcept;

/// Where the server finds a file that the script names.
using find_file = std::function<std::string(const std::string& path)>;

/// Reads the files. Throws start_error with the place in the script, the reason and the remedy.
[[nodiscard]] transport::tls_contexts read_tls(const script::program& program,
                                               const find_file& find);

/// Every file that read_tls() would read.
[[nodiscard]] std::vector<std::string> tls_files(const script::program& program,
                                                 const find_file& find);

} // namespace tandem::server
