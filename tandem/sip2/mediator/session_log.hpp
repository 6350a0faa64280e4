// SPDX-License-Identifier: Apache-2.0
// How a session is shown in the log, in traces and to the back-end: each line with its peer, its
// account and the id of its request, and no password anywhere. A value of one thread.
#pragma once

#include <tandem/sip2/protocol/redact.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::sip2 {

class session_log {
 public:
  /// \param peer address and port. \param session 32 hexadecimal digits.
  session_log(std::string peer, std::string session, log_privacy privacy);

  /// From here on it is about another request.
  void begin_request() noexcept { ++requests_; }
  /// The session is that of an account. \param name may be empty.
  void use_account(std::string_view name) { account_ = name; }
  /// The values that no line may show, until the next message, the next login.
  void hide_message(const message& m);
  /// \param as_sent by the terminal. \param as_relayed with what the back-end wants instead.
  void hide_login(const message& as_sent, const message& as_relayed);

  /// Names the present request towards the back-end and in the log.
  [[nodiscard]] std::string request_id() const;
  /// What a line of the log begins with.
  [[nodiscard]] std::string label() const;
  /// A message as it may be shown. \param tail AY and AZ, as on the wire.
  [[nodiscard]] std::string line_of(const message& m, char delimiter, std::string_view tail) const;
  /// A text of the back-end as it may be shown.
  [[nodiscard]] std::string without_secrets(std::string_view text) const;

 private:
  std::string peer_;
  std::string session_;
  log_privacy privacy_;
  std::string account_;
  std::uint64_t requests_ = 0;
  std::vector<std::string> secrets_; ///< of the login, then of the message
  std::size_t login_secrets_ = 0;
};

} // namespace tandem::sip2
