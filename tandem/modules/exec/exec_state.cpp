// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/exec/exec_state.hpp>

#include <tandem/io/shard.hpp>
#include <tandem/modules/exec/environment.hpp>
#include <tandem/modules/exec/settings.hpp>

namespace tandem::modules {

using process::run_outcome;
using server::message_context;

namespace {

/// A peer's Call-ID may have 60 KB; this many bytes of it stand in a log line.
constexpr std::size_t longest_tag = 128;

const exec_settings& settings_of(const message_context& m) {
  static const exec_settings defaults;
  const auto* const found = m.script().find_settings_of<exec_settings>();
  return found ? *found : defaults;
}

/// What stands before a line about the program in the log: the call, and the transaction as the
/// program knows it from SIP_TID.
std::string tag_of(const message_context& m, std::string_view transaction) {
  std::string tag{m.message().call_id().substr(0, longest_tag)};
  tag += ' ';
  return tag += transaction;
}

} // namespace

exec_state::exec_state(server::core& owner)
    : core_{owner}, runner_{owner.on().shard, owner.on().spawner} {
  observe::metrics& all = owner.shared().metrics;
  const process::runner_statistics& n = runner_.statistics();
  constexpr std::string_view ended = "Programs that scripts run, by their end.";
  all.add("tandem_exec_started_total", "Programs that scripts have run.", {}, n.started);
  all.add("tandem_exec_ended_total", ended, {{"how", "exit_0"}}, n.succeeded);
  all.add("tandem_exec_ended_total", ended, {{"how", "failed"}}, n.failed);
  all.add("tandem_exec_ended_total", ended, {{"how", "not_started"}}, n.not_started);
  all.add("tandem_exec_deadline_total", "Programs ended at their deadline; they have failed, too.",
          {}, n.timed_out);
  all.add("tandem_exec_refused_total", "Programs refused at a bound.", {}, n.overloaded);
  all.add("tandem_exec_running", "Programs that run.", {}, n.running);
  all.add("tandem_exec_waiting", "Calls that wait for a program to start.", {}, n.waiting);
}

void exec_state::configure(const exec_settings& settings) {
  runner_.set_options(settings.bounds);
  runner_.connect();
}

script::outcome exec_state::run(message_context& m, process::child_command command, stdin_of input,
                                process::run_output output, verdict decide) {
  const exec_settings& s = settings_of(m);
  // The script's edits are no part of what it tells a program.
  const sip::message& received = m.arrived();
  const std::string transaction = transaction_id(received, m.core().shared().secret);
  if (s.sets_variables)
    command.environment = make_environment({.request = received,
                                            .current_uri = m.uri(),
                                            .source = m.source_ip(),
                                            .transaction = transaction});
  process::run_options options{.deadline = s.deadline,
                               .longest_wait = s.longest_wait,
                               .output = output,
                               .output_limit = s.output_limit,
                               .log_limit = s.log_limit,
                               .log_tag = tag_of(m, transaction)};
  runner_.run(
      command, input == stdin_of::message ? m.received() : std::string_view{}, std::move(options),
      core_.wait<process::run_result>(m, [this, decide = std::move(decide)](
                                             message_context& then, process::run_result&& result) {
        complain(then, result);
        return decide(then, std::move(result));
      }));
  return script::outcome::suspended();
}

void exec_state::complain(const message_context& m, const process::run_result& result) {
  // What a program's exit status says is the script's affair; the rest is a fault.
  if (result.outcome == run_outcome::exited) return;
  complaints_.warning(core_.on().shard.now(), "exec {}: the program {} ({}) after {} ms",
                      m.message().call_id().substr(0, longest_tag), to_string(result.outcome),
                      result.code, result.run_time / milliseconds{1});
}

} // namespace tandem::modules
