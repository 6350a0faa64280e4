// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/exec/exec.hpp>

#include <tandem/base/log.hpp>
#include <tandem/base/text.hpp>
#include <tandem/modules/exec/children.hpp>
#include <tandem/modules/exec/destinations.hpp>
#include <tandem/modules/exec/exec_state.hpp>
#include <tandem/modules/exec/settings.hpp>
#include <tandem/script/argument.hpp>
#include <tandem/server/parameters.hpp>
#include <tandem/sip/uri.hpp>

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace tandem::modules {

void exec_settings::apply_to(server::core& owner) const {
  owner.state<exec_state>().configure(*this);
}

namespace {

using process::child_command;
using process::run_outcome;
using process::run_output;
using process::run_result;
using script::argument_kind;
using script::outcome;
using server::message_context;
using server::routing_error;

exec_state& programs_of(message_context& m) { return m.core().state<exec_state>(); }

void set_error(message_context& m, const run_result& result) {
  m.set_error(result.outcome == run_outcome::overloaded ? routing_error::exec_overloaded
                                                        : routing_error::exec);
}

/// True when the program exits 0.
outcome by_status(message_context& m, run_result&& result) {
  if (result.succeeded()) return outcome::yes();
  set_error(m, result);
  return outcome::no();
}

outcome take_destinations(message_context& m, run_result&& result) {
  if (!result.succeeded()) {
    set_error(m, result);
    return outcome::no();
  }
  const std::size_t free = server::destination_set::limit - m.branches().size();
  const auto uris = read_destinations(result.output, free + 1);
  if (!uris) {
    log_notice("exec {}: the program of exec_dset wrote {}", m.message().call_id(),
               to_string(uris.error()));
    m.set_error(uris.error() == output_errc::too_many ? routing_error::too_many_branches
                                                      : routing_error::exec);
    return outcome::no();
  }
  if (!m.rewrite_uri(uris->front())) return outcome::no();
  m.reach().clear();
  for (std::size_t i = 1; i < uris->size(); ++i)
    if (!m.branches().append((*uris)[i])) break; // never: they were counted
  return outcome::yes();
}

/// Stands for the URI in a command of exec_dset(), which is made when the script is checked.
constexpr std::string_view place_of_uri = "\x01";

outcome exec_msg(script::call& c) {
  auto& m = c.as<message_context>();
  return programs_of(m).run(m, *c.prepared<child_command>(), exec_state::stdin_of::message,
                            run_output::discard, by_status);
}

outcome exec_dset(script::call& c) {
  auto& m = c.as<message_context>();
  // Nothing but a URI is handed to a shell, not even as "$1": the end of a command line may make it
  // the name of a program.
  if (!sip::uri::parse(m.uri())) {
    m.set_error(routing_error::bad_uri);
    return outcome::no();
  }
  child_command command = *c.prepared<child_command>();
  for (auto* const arguments : {&command.arguments, &command.direct})
    std::ranges::replace(*arguments, std::string{place_of_uri}, std::string{m.uri()});
  return programs_of(m).run(m, std::move(command), exec_state::stdin_of::nothing,
                            run_output::capture, take_destinations);
}

outcome exec_program(script::call& c) {
  auto& m = c.as<message_context>();
  if (c.kind(0) != argument_kind::array)
    // As it always was: true whatever happens.
    return programs_of(m).run(m, *c.prepared<child_command>(), exec_state::stdin_of::message,
                              run_output::discard,
                              [](message_context&, run_result&&) { return outcome::yes(); });
  child_command command;
  for (const std::string_view item : c.items(0)) command.arguments.emplace_back(item);
  return programs_of(m).run(m, std::move(command), exec_state::stdin_of::message,
                            run_output::discard, by_status);
}

// ---- when the script is checked

struct known_variable {
  std::string_view in_script;
  std::string_view in_shell;
};

constexpr std::array known_variables{
    known_variable{"$ru", "$SIP_RURI"},         known_variable{"$rU", "$SIP_USER"},
    known_variable{"$ou", "$SIP_ORURI"},        known_variable{"$oU", "$SIP_OUSER"},
    known_variable{"$si", "$SIP_SRCIP"},        known_variable{"$fu", "$SIP_HF_FROM"},
    known_variable{"$tu", "$SIP_HF_TO"},        known_variable{"$ci", "$SIP_HF_CALLID"},
    known_variable{"$ua", "$SIP_HF_USER_AGENT"}};

/// A command line has the shell's variables: the script's would put what a caller wrote into the
/// text of a command. Whoever means those gets a word of advice.
void check_variables(script::check& c) {
  const std::string_view text = c.text(0);
  for (const known_variable& known : known_variables) {
    const auto at = text.find(known.in_script);
    if (at == std::string_view::npos) continue;
    const auto next = at + known.in_script.size();
    if (next < text.size() && (is_alnum(text[next]) || text[next] == '_')) continue;
    c.warning(
        0, fmt::format("'{}' is a variable of the shell here, not of the script", known.in_script),
        fmt::format("write {} in the command, or run the program without a shell: "
                    "exec([\"program\", \"{}\"])",
                    known.in_shell, known.in_script));
  }
}

std::shared_ptr<const void> check_command(script::check& c) {
  check_variables(c);
  if (trim(c.text(0)).empty()) {
    c.error(0, "there is no command to run");
    return nullptr;
  }
  return std::make_shared<const child_command>(child_command::shell(c.text(0)));
}

std::shared_ptr<const void> check_dset_command(script::check& c) {
  if (!check_command(c)) return nullptr;
  const std::string_view text = trim(c.text(0));
  if (!text.empty() && std::string_view{";&|("}.find(text.back()) != std::string_view::npos)
    c.error(
        0, fmt::format("the URI is put behind the '{}' and would be run as a command", text.back()),
        "end the command with a program that takes the URI as its argument, or with "
        ";echo>/dev/null");
  return std::make_shared<const child_command>(
      child_command::shell(fmt::format("{} \"$1\"", text), {std::string{place_of_uri}}));
}

std::shared_ptr<const void> check_program(script::check& c) {
  if (c.at(0).kind != argument_kind::array) return check_command(c);
  constexpr const char* usage = "exec([\"/usr/bin/program\", \"argument $ru\"])";
  const std::vector<script::argument>& items = c.at(0).items;
  if (items.empty() || (items[0].pieces.empty() && trim(items[0].text).empty()))
    c.error(0, "there is no program to run", usage);
  else if (!items[0].pieces.empty()) // what a caller wrote would choose the program
    c.error(0, "the program itself must not come from a variable", usage);
  return nullptr;
}

// ---- declarations

const server::parameter_table<exec_settings>& table() {
  constexpr auto at_start = script::read_when::start;
  static const auto made =
      server::parameter_table<exec_settings>{}
          .add("setvars", &exec_settings::sets_variables,
               "programs find the message in SIP_ variables")
          .add("time_to_kill", &exec_settings::deadline, {.min = 1, .max = 86'400, .unit = "s"},
               "that a program may run; then TERM, two seconds later KILL, to all it started")
          .add(
              "max_running", [](auto& s) -> auto& { return s.bounds.most_running; },
              {.min = 1, .max = 4096}, "programs at a time, of each shard")
          .add(
              "max_waiting", [](auto& s) -> auto& { return s.bounds.most_waiting; },
              {.max = 100'000},
              "calls of each shard that wait for a program to end before theirs starts; more are "
              "refused with 503")
          .add("max_wait", &exec_settings::longest_wait, {.min = 1, .max = 3600, .unit = "s"},
               "of such a wait; then 503")
          .add("max_output", &exec_settings::output_limit,
               {.min = 1, .max = 16'777'216, .unit = "bytes"},
               "that a program of exec_dset may write; more end it")
          .add("max_log", &exec_settings::log_limit, {.max = 16'777'216, .unit = "bytes"},
               "of a program's standard error that go into the log")
          .add("user", &exec_settings::user, {.when = at_start},
               "user that programs are; without it the server's own, and nobody where that is root")
          .add("nice", &exec_settings::niceness, {.max = 19, .when = at_start},
               "how far programs stand back behind the server when both want the processor "
               "(nice(2))")
          .add("environment", &exec_settings::environment, {.when = at_start},
               "names of the variables that programs inherit from the server; LC_* is every name "
               "that begins so, * is all of them");
  return made;
}

script::module_info declare() {
  script::module_info info{.name = "exec", .help = "programs that scripts run"};
  info.functions = {
      {.name = "exec_msg",
       .arguments = {{"command", argument_kind::string}},
       .blocks = script::anywhere,
       .may_suspend = true,
       .help = "runs a shell command with the received message on its standard input; true when it "
               "exits 0",
       .run = exec_msg,
       .prepare = check_command},
      {.name = "exec_dset",
       .arguments = {{"command", argument_kind::string}},
       .blocks = script::in_request | script::in_failure,
       .may_suspend = true,
       .help = "runs a shell command with the Request-URI as its last argument; the URIs that it "
               "writes, one per line, become the Request-URI and the branches",
       .run = exec_dset,
       .prepare = check_dset_command},
  };
  info.parameters = table().declared();
  return info;
}

std::unique_ptr<const server::module> load(const server::module_setup& setup) {
  auto s = std::make_unique<exec_settings>();
  table().read(setup, *s);
  return s;
}

script::module_info declare_core() {
  script::module_info info{.name = "core", .help = "what every script can call"};
  info.functions = {
      {.name = "exec",
       .arguments = {{"command", argument_kind::string | argument_kind::array}},
       .blocks = script::anywhere,
       .may_suspend = true,
       .help = "[\"program\", \"argument $ru\"]: runs a program without a shell, true when it "
               "exits 0; \"command\": runs a shell command, true whatever happens",
       .run = exec_program,
       .prepare = check_program},
  };
  return info;
}

} // namespace

server::module_entry exec() {
  return {.declare = declare, .load = load, .prepare_children = prepare_children};
}

server::module_entry exec_core() { return {.declare = declare_core}; }

} // namespace tandem::modules
