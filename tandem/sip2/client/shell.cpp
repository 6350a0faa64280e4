// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/client/shell.hpp>

#include <tandem/base/text.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <istream>
#include <iterator>
#include <ostream>
#include <sstream>

namespace tandem::sip2 {
namespace {

struct named_value {
  std::string_view name;
  std::string& (*in)(scenario&);
};

constexpr named_value values[] = {
    {"item", [](scenario& s) -> std::string& { return s.basics.item; }},
    {"patron", [](scenario& s) -> std::string& { return s.basics.patron; }},
    {"pin", [](scenario& s) -> std::string& { return s.basics.patron_password; }},
    {"location", [](scenario& s) -> std::string& { return s.current_location; }},
    {"pickup", [](scenario& s) -> std::string& { return s.pickup_location; }},
    {"amount", [](scenario& s) -> std::string& { return s.pays.amount; }},
    {"summary", [](scenario& s) -> std::string& { return s.summary; }},
};

std::string help() {
  auto text = messages_help() + "Values stay until they change:";
  for (const auto& v : values)
    text += fmt::format("{} {}=...", v.name == values[0].name ? "" : ",", v.name);
  return text + " after a message or after `set`.\n";
}

/// Takes NAME=VALUE words over, all or none. \return the name that is not known; empty: all are.
std::string set_values(std::istringstream& words, scenario& s) {
  auto changed = s;
  for (std::string word; words >> word;) {
    const auto equals = word.find('=');
    const auto name = std::string_view{word}.substr(0, equals);
    const auto* known = std::ranges::find(values, name, &named_value::name);
    if (equals == std::string::npos || known == std::end(values)) return std::string{name};
    known->in(changed) = word.substr(equals + 1);
  }
  changed.summary.resize(10, ' ');
  s = std::move(changed);
  return {};
}

} // namespace

shell::step shell::on_line(std::string_view line) {
  using action = step::action;
  constexpr std::string_view raw = "raw";
  line = trim(line);
  if (line.starts_with(raw) && (line.size() == raw.size() || line[3] == ' ' || line[3] == ':')) {
    line.remove_prefix(std::min(raw.size() + 1, line.size()));
    if (line.empty()) return {action::say, "Give the line to send: raw 9909992.00\n"};
    return {action::ask_raw, std::string{line}};
  }
  std::istringstream words{std::string{line}};
  std::string name;
  if (!(words >> name)) return {};
  if (name == "quit" || name == "exit") return {action::quit};
  if (name == "help") return {action::say, help()};
  if (name != "set" && !find_named_message(name))
    return {action::say, fmt::format("There is no message '{}'; see help.\n", name)};
  if (const auto unknown = set_values(words, s_); !unknown.empty())
    return {action::say, fmt::format("There is no value '{}'; see help.\n", unknown)};
  if (name == "set") return {};
  return {action::ask, {}, *make_named(name, s_)};
}

run_end run_shell(const scenario& s, printer& print, std::istream& in, std::ostream& out,
                  std::ostream& err) {
  const auto fault = [&err](std::string_view text, run_end end) {
    err << text << '\n';
    return end;
  };
  auto connected = client::connect(s.server);
  if (!connected) return fault(connected.error().text, run_end::cannot_connect);
  client c = std::move(*connected);
  const auto accepted = c.login(s.user, s.password, s.login_location);
  if (!accepted) return fault(accepted.error().text, run_end::no_answer);
  if (!*accepted) return fault("*SIP login failed*", run_end::login_refused);
  out << "Logged in. A message's name sends it, `help` lists them, `quit` ends.\n";
  shell lines{s};
  for (std::string line; out << "sip2> " << std::flush, std::getline(in, line);) {
    const auto step = lines.on_line(line);
    if (step.what == shell::step::action::quit) break;
    if (step.what == shell::step::action::say) out << step.text;
    const bool is_raw = step.what == shell::step::action::ask_raw;
    if (!is_raw && step.what != shell::step::action::ask) continue;
    const auto begin = now();
    auto answer = is_raw ? c.ask_raw(step.text) : c.ask(step.question);
    if (!answer) return fault(answer.error().text, run_end::no_answer);
    exchange e;
    e.took = now() - begin;
    e.sent = c.sent();
    e.received = c.received();
    e.question = step.question;
    e.answer = std::move(*answer);
    e.is_ok = says_ok(e.answer);
    print.received(e);
  }
  return run_end::done;
}

} // namespace tandem::sip2
