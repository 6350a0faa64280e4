// SPDX-License-Identifier: Apache-2.0
// Logs a session in again that its back-end has forgotten: the accepted login goes once more, then
// the message that was refused (login-again-on of a profile). A sans-I/O machine of one thread.
#pragma once

#include <tandem/base/secret.hpp>
#include <tandem/sip2/mediator/backend.hpp>
#include <tandem/sip2/protocol/json.hpp>

#include <cstdint>
#include <string_view>

namespace tandem::sip2 {

class relogin {
 public:
  /// A login was accepted. \param login as the back-end got it.
  void on_login(const message& login) { login_ = secret{to_json(login)}; }

  /// A message goes to the back-end for the first time.
  void on_message() noexcept { stage_ = stage::message; }

  /// The message failed.
  /// \param mark text in an error's body which means that the session is forgotten; empty: never.
  /// \return whether login() goes to the back-end now. The back-end has said that it knows no such
  /// session, hence has done nothing.
  [[nodiscard]] bool on_failure(const backend_error& error, message_code failed,
                                std::string_view mark) noexcept;
  /// The login is on its way.
  [[nodiscard]] bool is_pending() const noexcept { return stage_ == stage::login; }
  /// The back-end has answered it. \return whether the message goes once more.
  [[nodiscard]] bool on_reply(const backend_reply& reply);

  /// The login that was accepted.
  [[nodiscard]] message login() const;

 private:
  enum class stage : std::uint8_t {
    message, ///< the message is with the back-end, or none is
    login,   ///< the login is, for its sake
    again,   ///< the message is once more; a back-end that forgets at once is broken
  };
  stage stage_ = stage::message;
  secret login_; ///< as JSON
};

} // namespace tandem::sip2
