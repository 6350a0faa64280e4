// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/client/admin_client.hpp>

#include <tandem/base/clock.hpp>
#include <tandem/control/rpc_client.hpp>
#include <tandem/names/search_list.hpp>

#include <ostream>
#include <thread>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace tandem::sip2 {
namespace {

namespace bj = boost::json;

constexpr int done = 0;
const int wrong_usage = control::exit_status_of(control::rpc_failure::kind::wrong_usage);
const int no_answer = control::exit_status_of(control::rpc_failure::kind::no_answer);

int tell(const control::rpc_failure& f, std::ostream& err) {
  err << f.text;
  if (f.what == control::rpc_failure::kind::not_allowed) err << " (--token, or SIP2_ADMIN_TOKEN)";
  err << '\n';
  return control::exit_status_of(f.what);
}

std::string text_of(const bj::value& v, std::string_view key) {
  const auto* object = v.if_object();
  const auto* value = object ? object->if_contains(key) : nullptr;
  if (!value || value->is_null()) return "-";
  if (value->is_string())
    return value->get_string().empty() ? "-" : std::string{value->get_string()};
  return bj::serialize(*value);
}

void print_list(const bj::value& result, std::ostream& out) {
  constexpr const char* row = "{:<10} {:<22} {:<12} {:<16} {:<12} {:>10} {:>8} {:>9}  {}\n";
  out << fmt::format(fmt::runtime(row), "ID", "TERMINAL", "LISTENER", "ACCOUNT", "PROFILE",
                     "CONNECTED", "IDLE", "MESSAGES", "SESSION");
  const auto* object = result.if_object();
  const auto* list = object ? object->if_contains("terminals") : nullptr;
  if (!list || !list->is_array()) return;
  for (const auto& t : list->get_array())
    out << fmt::format(fmt::runtime(row), text_of(t, "id"), text_of(t, "peer"),
                       text_of(t, "listener"), text_of(t, "account"), text_of(t, "profile"),
                       text_of(t, "connected") + "s", text_of(t, "idle") + "s",
                       text_of(t, "messages"), text_of(t, "session"));
}

void print_status(const bj::value& result, std::ostream& out) {
  const auto* object = result.if_object();
  if (!object) return;
  for (const auto& [name, value] : *object)
    if (!value.is_array())
      out << fmt::format("{:<16} {}\n", std::string_view{name}, text_of(result, name));
  const auto* list = object->if_contains("backends");
  if (!list || !list->is_array()) return;
  constexpr const char* row = "{:<44} {:<5} {:>9} {:>11} {:>9} {:>9}  {}\n";
  out << '\n'
      << fmt::format(fmt::runtime(row), "BACK-END", "UP", "IN FLIGHT", "CONNECTIONS", "REQUESTS",
                     "FAILURES", "LAST PROBLEM");
  for (const auto& b : list->get_array())
    out << fmt::format(fmt::runtime(row), text_of(b, "url"),
                       text_of(b, "up") == "true" ? "yes" : "no", text_of(b, "in_flight"),
                       text_of(b, "connections"), text_of(b, "requests"), text_of(b, "failures"),
                       text_of(b, "last_problem"));
}

/// Fetches the lines of a trace until the terminal is gone or the program is stopped.
int follow(control::rpc_client& registry, const std::string& id, std::ostream& out,
           std::ostream& err) {
  std::uint64_t from = 0;
  for (;;) {
    const auto result = registry.ask("terminal.trace", {{"id", id}, {"from", from}});
    if (!result) return tell(result.error(), err);
    const auto* object = result->if_object();
    const auto* lines = object ? object->if_contains("lines") : nullptr;
    const auto* next = object ? object->if_contains("next") : nullptr;
    if (!lines || !lines->is_array() || !next || !next->is_number()) return no_answer;
    for (const auto& line : lines->get_array())
      if (line.is_string()) out << std::string_view{line.get_string()} << '\n';
    out.flush();
    from = next->to_number<std::uint64_t>();
    std::this_thread::sleep_for(milliseconds{300});
  }
}

} // namespace

int run_admin_call(const admin_call& call, std::ostream& out, std::ostream& err) {
  auto registry = control::rpc_client::make({.url = call.url,
                                             .token = call.token,
                                             .ca_file = call.ca_file,
                                             .search = names::search_list::read()});
  if (!registry) return tell(registry.error(), err);
  const bool wants_id = call.command == "kick" || call.command == "trace";
  if (wants_id && call.arguments.empty())
    return err << call.command << " needs the ID of a terminal; `list` shows them\n", wrong_usage;
  if (call.command == "trace") return follow(*registry, call.arguments.front(), out, err);

  const bool is_short = call.command.find('.') == std::string::npos && call.command != "help";
  const bool is_terminals = wants_id || call.command == "list" || call.command == "untrace";
  const auto method =
      !is_short ? call.command : (is_terminals ? "terminal." : "mediator.") + call.command;
  const auto result = registry->ask_in_words(method, call.arguments);
  if (!result) return tell(result.error(), err);
  if (call.command == "list" && !call.is_json)
    print_list(*result, out);
  else if (call.command == "status" && !call.is_json)
    print_status(*result, out);
  else
    out << bj::serialize(*result) << '\n';
  return done;
}

} // namespace tandem::sip2
