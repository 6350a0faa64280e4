// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/admission.hpp>

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
    return {kind::refuse,
            name.empty() ? std::string{"no login name and password were found; does "
                                       "the terminal use another delimiter?"}
                         : fmt::format("no account '{}'", name),
            false};
  }
  if (known->password && !known->password->matches(login.value(login_password)))
    return {kind::refuse, fmt::format("wrong password for '{}'", known->login), false};
  if (known->password && !known->asks_backend) return {kind::accept, {}, true};
  if (known->backend_login) login.set(login_user, *known->backend_login);
  if (known->backend_password) login.set(login_password, known->backend_password->reveal());
  return {login_verdict::kind::relay, {}, known->password.has_value()};
}

std::optional<request_refusal> check_request(const message& request, const profile& p,
                                             login_state login) {
  const bool is_status = request.code == code::sc_status;
  if (p.needs_login && login == login_state::none && !(is_status && p.has_status_before_login))
    return request_refusal{"before a login", "This terminal is not logged in."};
  if (!is_status) return std::nullopt;
  const auto version = request.fixed_named("protocol version");
  if (version.starts_with(' ') || version >= p.minimum_version) return std::nullopt;
  return request_refusal{
      fmt::format("protocol version {} is less than {}", version, p.minimum_version),
      "This version of the protocol is not supported."};
}

} // namespace tandem::sip2
