// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/login_check.hpp>

#include <tandem/sip2/protocol/redact.hpp>

#include <fmt/format.h>

namespace tandem::sip2 {
namespace {

constexpr field_id login_user{"CN"};
constexpr field_id login_password{"CO"};

} // namespace

login_verdict check_login(message& login, const terminal_rules& rules) {
  using kind = login_verdict::kind;
  const auto name = login_name_of(login);
  const auto* known = rules.find_account(login.value(login_user));
  if (!known) {
    if (!rules.only_known_accounts) return {};
    return {kind::refuse, name.empty() ? std::string{"no login name and password were found; does "
                                                     "the terminal use another delimiter?"}
                                       : fmt::format("no account '{}'", name)};
  }
  if (known->password && !known->password->matches(login.value(login_password)))
    return {kind::refuse, fmt::format("wrong password for '{}'", known->login)};
  if (known->password && !known->asks_backend) return {kind::accept, {}};
  if (known->backend_login) login.set(login_user, *known->backend_login);
  if (known->backend_password) login.set(login_password, known->backend_password->reveal());
  return {};
}

} // namespace tandem::sip2
