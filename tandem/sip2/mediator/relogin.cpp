// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/relogin.hpp>

namespace tandem::sip2 {

bool relogin::on_failure(const backend_error& error, message_code failed,
                         std::string_view mark) noexcept {
  if (stage_ != stage::message || failed == code::login || login_.empty() || mark.empty() ||
      error.kind != backend_failure::status || error.body.find(mark) == std::string::npos)
    return false;
  stage_ = stage::login;
  return true;
}

bool relogin::on_reply(const backend_reply& reply, const json_rules& rules) {
  stage_ = stage::again;
  if (!reply) return false;
  const auto m = from_json(*reply, rules);
  return m && m->code == code::login_response && m->fixed.starts_with('1');
}

} // namespace tandem::sip2
