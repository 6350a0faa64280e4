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
  json_notes notes;
  const auto m = from_json(*reply, rules, &notes);
  const bool is_usable = m && !notes.long_fixed && !notes.wrong_number;
  return is_usable && m->code == code::login_response && m->fixed == "1";
}

} // namespace tandem::sip2
