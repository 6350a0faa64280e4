// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/relogin.hpp>

#include <tandem/sip2/protocol/json.hpp>

#include <utility>

namespace tandem::sip2 {

bool relogin::on_failure(const backend_error& error, message_code failed,
                         std::string_view mark) noexcept {
  if (stage_ != stage::message || failed == code::login || login_.empty() || mark.empty() ||
      error.kind != backend_failure::status || error.body.find(mark) == std::string::npos)
    return false;
  stage_ = stage::login;
  return true;
}

bool relogin::on_reply(const backend_reply& reply) {
  stage_ = stage::again;
  if (!reply) return false;
  const bool is_usable = !reply->notes.long_fixed && !reply->notes.wrong_number;
  return is_usable && reply->content.code == code::login_response && reply->content.fixed == "1";
}

message relogin::login() const {
  auto m = from_json(login_.reveal());
  return m ? std::move(*m) : message{code::login};
}

} // namespace tandem::sip2
