// SPDX-License-Identifier: Apache-2.0
// Profiles and accounts of the mediator's configuration.
#include <tandem/sip2/mediator/config.hpp>

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace tandem::sip2 {
namespace {

void read_charset(const config_table& t, std::string_view key, charset& to) {
  std::string name;
  t.read(key, name);
  if (name.empty()) return;
  if (const auto c = find_charset(name))
    to = *c;
  else
    t.complain(key,
               fmt::format("'{}' is not one of ascii, iso-8859-1, cp850, cp1252, utf-8", name));
}

void read_character(const config_table& t, std::string_view key, char& to) {
  std::string text;
  t.read(key, text);
  if (text.empty()) return;
  if (text.size() == 1 && text[0] > ' ' && text[0] < 0x7f)
    to = text[0];
  else
    t.complain(key, fmt::format("'{}' must be one printable ASCII character", key));
}

} // namespace

void read_wire_format(const config_table& t, wire_format& wire) {
  read_charset(t, "charset", wire.text);
  read_charset(t, "fallback-charset", wire.fallback);
  if (wire.fallback == charset::utf8 || wire.fallback == charset::ascii)
    t.complain("fallback-charset", "a fallback must be a set of single bytes, like iso-8859-1");
  read_character(t, "replacement", wire.replacement);
  read_character(t, "delimiter", wire.delimiter);
  constexpr std::array<std::string_view, 3> ends{"cr", "lf", "crlf"};
  t.read_choice("terminator", ends, wire.end);
  constexpr std::array<std::string_view, 3> accepted{"any", "cr", "lf"};
  t.read_choice("accept-terminator", accepted, wire.accepts);
  constexpr std::array<std::string_view, 3> detection{"auto", "required", "off"};
  t.read_choice("error-detection", detection, wire.detection);
  t.read("longest-value", wire.longest_value, 0, 60000);
}

namespace {

std::optional<field_filter> read_filter(const config_table& t) {
  field_filter f;
  constexpr std::array<std::string_view, 3> actions{"strip", "replace", "add"};
  t.require("action");
  t.read_choice("action", actions, f.what);
  std::string id;
  t.require("field");
  t.read("field", id);
  t.read("value", f.value);
  if (t.has("only-if")) t.read("only-if", f.only_if.emplace());
  constexpr std::array<std::string_view, 2> ways{"request", "answer"};
  t.read_choice("direction", ways, f.way);
  std::vector<std::string> codes;
  t.read("messages", codes);
  for (const auto& code : codes)
    if (code.size() == 2 && find_message(message_code::of(code)))
      f.messages.push_back(message_code::of(code));
    else
      t.complain("messages", fmt::format("'{}' is not a SIP2 message", code));
  if (id.size() != 2) {
    t.complain("field", "a field has two characters, like AF");
    return std::nullopt;
  }
  f.id = field_id::of(id);
  return f;
}

profile read_profile(const std::string& name, const config_table& t, login_rule usual) {
  profile p;
  p.name = name;
  p.needs_login = usual == login_rule::required;
  read_wire_format(t, p.wire);
  t.read("language-in-17", p.wire.has_language_in_17);
  t.read("forward-error-detection", p.forwards_error_detection);
  constexpr std::array<std::string_view, 3> policies{"ignore", "resend", "close"};
  t.read_choice("unknown-code", policies, p.unknown);
  constexpr std::array<std::string_view, 2> orders{"kept", "sorted"};
  t.read_choice("field-order", orders, p.order);
  constexpr std::array<std::string_view, 2> nulls{"drop", "empty"};
  t.read_choice("null-fields", nulls, p.nulls);
  t.read("require-login", p.needs_login);
  t.read("status-before-login", p.has_status_before_login);
  t.read("fill-required", p.fills_required);
  t.read("minimum-version", p.minimum_version);
  if (p.minimum_version != "1.00" && p.minimum_version != "2.00")
    t.complain("minimum-version", "a version is 1.00 or 2.00");
  t.read_duration("idle-timeout", p.idle_limit);
  t.read_duration("login-timeout", p.login_limit);
  t.read_duration("backend-timeout", p.backend_deadline);
  if (p.backend_deadline < milliseconds{100})
    t.complain("backend-timeout", "a back-end needs some time; give at least 100 ms");
  t.read_duration("repeat-window", p.repeat_window);
  t.read("supported-messages", p.supported_mask);
  if (p.supported_mask.find_first_not_of("YN") != std::string::npos || p.supported_mask.size() > 16)
    t.complain("supported-messages", "this is up to 16 times Y or N, as in the field BX");
  t.read("offline-message", p.offline_text);
  t.read("refused-message", p.refused_text);
  t.read("unsure-message", p.unsure_text);
  t.read("login-again-on", p.relogin_on);
  if (t.has("institution")) p.institutions = t.table("institution").text_entries();
  for (const auto& f : t.tables("filter"))
    if (auto filter = read_filter(f)) p.filters.push_back(std::move(*filter));
  return p;
}

} // namespace

void read_profiles(const config_table& root, terminal_rules& rules, login_rule usual) {
  for (const auto& [name, t] : root.named_tables("profile"))
    rules.profiles[name] = std::make_shared<const profile>(read_profile(name, t, usual));
  if (rules.profiles.contains("default")) return;
  profile plain;
  plain.needs_login = usual == login_rule::required;
  rules.profiles["default"] = std::make_shared<const profile>(std::move(plain));
}

void read_accounts(const config_table& root, terminal_rules& rules) {
  for (const auto& t : root.tables("account")) {
    account a;
    t.require("login");
    t.read("login", a.login);
    if (t.has("password")) t.read("password", a.password.emplace());
    t.read("profile", a.profile);
    if (!a.profile.empty() && !rules.profiles.contains(a.profile))
      t.complain("profile", fmt::format("there is no [profile.{}]", a.profile));
    if (t.has("backend-login")) t.read("backend-login", a.backend_login.emplace());
    if (t.has("backend-password")) t.read("backend-password", a.backend_password.emplace());
    t.read("ask-backend", a.asks_backend);
    if (!a.asks_backend && !a.password)
      t.complain("ask-backend", "an account that is not asked for needs a 'password' here");
    t.read("transient", a.is_transient);
    const auto login = a.login;
    if (!rules.accounts.emplace(login, std::move(a)).second)
      t.complain("login", fmt::format("the account '{}' is there already", login));
  }
}

} // namespace tandem::sip2
