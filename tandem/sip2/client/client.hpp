// SPDX-License-Identifier: Apache-2.0
// A SIP2 client for programs that may wait: connect, ask, be answered. One thread at a time for
// each client. Errors are values; nothing throws but for want of memory.
//
//   auto c = client::connect({.host = "sip.library.example"});
//   if (c && c->login("user", "password")) auto item = c->ask(make_item_information(basics));
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/base/result.hpp>
#include <tandem/sip2/client/requests.hpp>
#include <tandem/sip2/protocol/message.hpp>
#include <tandem/sip2/protocol/wire_format.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace tandem::sip2 {

struct client_options {
  std::string host = "127.0.0.1"; ///< address, or name, which resolv.conf's domains may complete
  std::uint16_t port = 6001;
  bool has_tls = false;
  std::string ca_file = {};          ///< PEM; empty: the system's
  std::string certificate_file = {}; ///< PEM, to show to the server
  std::string key_file = {};
  std::string server_name = {}; ///< what the certificate must be for; empty: host
  bool detects_errors = false;  ///< AY and AZ
  wire_format wire = {};        ///< charset, delimiter, line end
  duration connect_limit = seconds{10};
  duration answer_limit = seconds{30}; ///< for one try
  unsigned retries = 0;                ///< how often a question is sent again; 3 is usual with AY
};

enum class client_errc : std::uint8_t {
  cannot_connect = 1, ///< name unknown, refused, unreachable, or no TLS
  connection_lost,    ///< the server hung up
  no_answer,          ///< none in time, or none that could be read, after all tries
};

struct client_error {
  client_errc code = client_errc::no_answer;
  std::string text;
};

class client {
 public:
  [[nodiscard]] static result<client, client_error> connect(const client_options& options);
  client(client&&) noexcept;
  client& operator=(client&&) noexcept;
  ~client();

  /// Sends a message and waits for its answer.
  [[nodiscard]] result<message, client_error> ask(const message& question);
  /// Sends a line as it is, without its end, and waits for a line.
  [[nodiscard]] result<message, client_error> ask_raw(std::string_view line);
  /// Sends a line as it is, in pieces that leave one after the other, and waits for a line.
  [[nodiscard]] result<message, client_error> ask_in_pieces(std::string_view line,
                                                            std::size_t piece);
  /// Logs in (93); whether the server said yes.
  [[nodiscard]] result<bool, client_error> login(std::string_view user, std::string_view password,
                                                 std::string_view location = {});

  /// The last lines as they went over the wire, without their ends.
  [[nodiscard]] const std::string& sent() const noexcept;
  [[nodiscard]] const std::string& received() const noexcept;

 private:
  class impl;
  explicit client(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

} // namespace tandem::sip2
