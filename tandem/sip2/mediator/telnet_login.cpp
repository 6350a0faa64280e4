// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/telnet_login.hpp>

#include <utility>

namespace tandem::sip2 {

std::optional<message> telnet_login::on_line(std::string text) {
  if (!name_) {
    name_ = std::move(text);
    return std::nullopt;
  }
  message login{code::login};
  login.add(field_id{"CN"}, *std::exchange(name_, std::nullopt)).add(field_id{"CO"}, text);
  return login;
}

telnet_login::reply telnet_login::on_answer(const message& answer) {
  if (answer.fixed.starts_with('1')) return {outcome::accepted, "Login OK.  Initiating SIP\r\n"};
  if (++tries_ < most_tries) return {outcome::again, "Invalid login\r\nlogin: "};
  return {outcome::out_of_tries, "Invalid login\r\n"};
}

} // namespace tandem::sip2
