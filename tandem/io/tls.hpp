// SPDX-License-Identifier: Apache-2.0
// TLS contexts: certificates, keys and whom to trust, read from files. TLS 1.2 and newer. A context
// is a counted reference, made on any thread and used on any; connections keep the one they began
// with, so that reloading certificates means to make another and hand it to the listener.
#pragma once

#include <tandem/base/result.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

struct ssl_ctx_st;
struct ssl_st;

namespace tandem::io {

/// Which of its versions are spoken. Older ones never are (RFC 8996).
enum class tls_versions : std::uint8_t { from_1_2, only_1_2, only_1_3 };

/// Files of a certificate.
struct tls_identity {
  std::string certificate_file; ///< PEM: the certificate, then those above it
  std::string key_file = {};    ///< PEM, without a pass phrase; empty: in certificate_file
};

struct tls_server_options {
  std::string certificate_file = {};   ///< PEM: the server's certificate, then those above it
  std::string key_file = {};           ///< PEM, without a pass phrase; empty: in certificate_file
  std::string client_ca_file = {};     ///< PEM; if given, clients must show a certificate of it
  bool may_clients_be_unknown = false; ///< then they may also show none
  /// Shown in place of the first to clients that ask for a name that they hold (SNI, RFC 6066 3).
  std::vector<tls_identity> by_name = {};
  tls_versions versions = tls_versions::from_1_2;
};

/// Whom a server's certificate must name.
enum class tls_name_rule : std::uint8_t {
  web, ///< the host, also by a wildcard (RFC 9525)
  sip, ///< the domain, written out (RFC 5922 7)
};

struct tls_client_options {
  std::string ca_file = {};          ///< PEM; empty: the system's certificate authorities
  std::string certificate_file = {}; ///< PEM, to show to the server; empty: none
  std::string key_file = {};         ///< PEM; empty: in certificate_file
  tls_name_rule names = tls_name_rule::web;
  tls_versions versions = tls_versions::from_1_2;
};

class tls_context {
 public:
  /// No context: plain TCP.
  tls_context() noexcept = default;

  /// \return the context, or what is wrong with which file and what to do about it.
  [[nodiscard]] static result<tls_context, std::string> server(const tls_server_options& options);
  [[nodiscard]] static result<tls_context, std::string> client(const tls_client_options& options);

  [[nodiscard]] explicit operator bool() const noexcept { return context_ != nullptr; }
  [[nodiscard]] ssl_ctx_st* native() const noexcept { return context_.get(); }

  /// When the first of its own certificates expires; nothing without one.
  [[nodiscard]] std::optional<std::chrono::system_clock::time_point> expires() const noexcept {
    return expires_;
  }

 private:
  explicit tls_context(std::shared_ptr<ssl_ctx_st> context);

  std::shared_ptr<ssl_ctx_st> context_;
  std::optional<std::chrono::system_clock::time_point> expires_;
};

/// Whether the connection ended without close_notify, for which anybody on the way may have closed
/// it. \param reason what SSL_get_error() said.
[[nodiscard]] bool has_unexpected_end(int reason) noexcept;

/// Why a handshake failed, for the log: the verdict on the peer's certificate with its remedy, or
/// what OpenSSL said. Empties OpenSSL's queue of errors.
[[nodiscard]] std::string explain_tls_failure(const ssl_st* connection);

/// Has the client check the server's certificate against `host` (a name or an address) by the rule
/// of its context, and name it in the handshake (SNI, RFC 6066 3). False when the name is none.
[[nodiscard]] bool expect_tls_host(ssl_st* connection, const std::string& host);

/// The peer of an established connection has shown a certificate that an authority has signed which
/// we trust.
[[nodiscard]] bool is_peer_verified(const ssl_st* connection);

/// The same, and it names `name`, as certifies_sip_domain() says (RFC 5922 7).
[[nodiscard]] bool has_peer_proved(const ssl_st* connection, const std::string& name);

/// Makes the session of a connection over a descriptor, which stays the caller's; null when memory
/// is short. Writing to a closed connection raises no signal.
[[nodiscard]] ssl_st* make_tls_session(const tls_context& context, int fd);
void free_tls_session(ssl_st* connection) noexcept;

} // namespace tandem::io
