// SPDX-License-Identifier: Apache-2.0
// The tables [upstream.NAME] of the configuration file.
#include <tandem/sip2/mediator/upstream_profile.hpp>

#include <array>
#include <fmt/format.h>

namespace tandem::sip2 {
namespace {

upstream_profile read_upstream(const config_table& t) {
  upstream_profile p;
  read_wire_format(t, p.wire);
  constexpr std::array<std::string_view, 2> dialogues{"raw", "telnet"};
  t.read_choice("dialogue", dialogues, p.dialogue);
  std::string login;
  t.read("login", login);
  if (!login.empty()) p.login = std::move(login);
  t.read("password", p.password);
  if (!p.login && !p.password.empty()) t.complain("password", "a password belongs to a 'login'");
  if (p.login && p.password.empty()) t.complain("login", "a login needs a 'password'");
  t.read("location", p.location);
  t.read("status-after-login", p.asks_status);
  constexpr std::array<std::string_view, 2> sessions{"own", "shared"};
  t.read_choice("sessions", sessions, p.sessions);
  constexpr std::array<std::string_view, 3> dates{"kept", "local", "utc"};
  t.read_choice("dates", dates, p.dates);
  if (t.has("echoes")) {
    std::vector<std::string> ids;
    t.read("echoes", ids);
    p.echoes.clear();
    for (const auto& id : ids)
      if (id.size() == 2)
        p.echoes.push_back(field_id::of(id));
      else
        t.complain("echoes", fmt::format("'{}': a field has two characters, like AB", id));
  }
  return p;
}

} // namespace

std::map<std::string, std::shared_ptr<const upstream_profile>, std::less<>>
read_upstream_profiles(const config_table& root) {
  std::map<std::string, std::shared_ptr<const upstream_profile>, std::less<>> all;
  for (const auto& [name, t] : root.named_tables("upstream"))
    all[name] = std::make_shared<const upstream_profile>(read_upstream(t));
  if (!all.contains("default")) all["default"] = std::make_shared<const upstream_profile>();
  return all;
}

} // namespace tandem::sip2
