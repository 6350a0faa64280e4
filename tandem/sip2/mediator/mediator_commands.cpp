// SPDX-License-Identifier: Apache-2.0
// What operators ask the mediator for: its commands and its metrics.
#include <tandem/sip2/mediator/mediator.hpp>

#include <boost/json.hpp>

namespace tandem::sip2 {
namespace {

namespace bj = boost::json;
using control::command_call;
using control::command_error;
using control::role;
using control::value_type;

std::int64_t in_seconds(duration d) {
  return std::chrono::duration_cast<std::chrono::seconds>(d).count();
}

bj::object to_object(const terminal_info& t) {
  return {{"id", t.id},
          {"peer", t.peer},
          {"listener", t.listener},
          {"account", t.account},
          {"profile", t.profile},
          {"session", t.session},
          {"connected", in_seconds(t.connected)},
          {"idle", in_seconds(t.idle)},
          {"messages", t.messages},
          {"waiting", t.is_waiting},
          {"traced", t.is_traced}};
}

constexpr std::string_view no_terminal = "there is no terminal of that id";

const std::vector<control::reply_field> terminal_fields{
    {"id", value_type::text},
    {"peer", value_type::text, "its address"},
    {"listener", value_type::text, "where it came in"},
    {"account", value_type::text, "of its login; empty before"},
    {"profile", value_type::text},
    {"session", value_type::text, "as the back-end knows it"},
    {"connected", value_type::integer, "seconds"},
    {"idle", value_type::integer, "seconds"},
    {"messages", value_type::integer, "that it sent"},
    {"waiting", value_type::flag, "for an answer of the back-end"},
    {"traced", value_type::flag}};

const std::vector<control::reply_field> status_fields{
    {"version", value_type::text},
    {"ready", value_type::text, "yes, or why not"},
    {"terminals", value_type::integer},
    {"requests", value_type::integer},
    {"answers", value_type::integer},
    {"failures", value_type::integer, "answers made here because the back-end gave none"},
    {"logins", value_type::integer},
    {"reloads", value_type::integer},
    {"failed_reloads", value_type::integer},
    {"backends",
     value_type::list,
     "",
     {{"url", value_type::text},
      {"up", value_type::flag},
      {"in_flight", value_type::integer},
      {"connections", value_type::integer},
      {"requests", value_type::integer},
      {"failures", value_type::integer},
      {"last_problem", value_type::lines}}}};

} // namespace

void mediator::add_commands() {
  const control::command_parameter id{.name = "id", .help = "as terminal.list shows it"};
  commands_.add({.name = "terminal.list",
                 .help = "The terminals that are connected.",
                 .needs = role::read,
                 .reply = {{"terminals", value_type::list, "", terminal_fields}},
                 .run = [this](command_call call) {
                   bj::array all;
                   for (const auto& t : terminals_->list()) all.push_back(to_object(t));
                   call.answer(bj::object{{"terminals", std::move(all)}});
                 }});
  commands_.add({.name = "terminal.kick",
                 .help = "Closes a terminal's connection.",
                 .needs = role::change,
                 .parameters = {id},
                 .reply = {{"kicked", value_type::flag}},
                 .run = [this](command_call call) {
                   if (terminals_->kick(*call.text("id")))
                     call.answer(bj::object{{"kicked", true}});
                   else
                     call.refuse(command_error::not_found, std::string{no_terminal});
                 }});
  commands_.add(
      {.name = "terminal.trace",
       .help = "Lines that a terminal sent and got since line `from`, without passwords; the "
               "first call starts the trace.",
       .needs = role::change,
       .parameters = {id, {"from", value_type::integer, false, "`next` of the last answer"}},
       .reply = {{"next", value_type::integer, "number of the line that comes next"},
                 {"lines", value_type::list}},
       .run = [this](command_call call) {
         const auto from = call.integer("from").value_or(0);
         const auto t =
             terminals_->trace(*call.text("id"), from > 0 ? static_cast<std::uint64_t>(from) : 0);
         if (!t) return call.refuse(command_error::not_found, std::string{no_terminal});
         bj::array lines;
         for (const auto& line : t->lines) lines.emplace_back(line);
         call.answer(bj::object{{"next", t->next}, {"lines", std::move(lines)}});
       }});
  commands_.add({.name = "terminal.untrace",
                 .help = "Ends a terminal's trace.",
                 .needs = role::change,
                 .parameters = {id},
                 .reply = {{"traced", value_type::flag}},
                 .run = [this](command_call call) {
                   if (terminals_->stop_trace(*call.text("id")))
                     call.answer(bj::object{{"traced", false}});
                   else
                     call.refuse(command_error::not_found, std::string{no_terminal});
                 }});
  commands_.add({.name = "mediator.status",
                 .help = "Numbers of the mediator and its back-ends.",
                 .needs = role::read,
                 .reply = status_fields,
                 .run = [this](command_call call) { call.answer(status()); }});
  commands_.add({.name = "mediator.reload",
                 .help = "Reads the configuration and certificates again.",
                 .needs = role::change,
                 .reply = {{"reloaded", value_type::flag}},
                 .run = [this](command_call call) {
                   if (auto fault = reload(); !fault.empty())
                     call.refuse(command_error::failed, std::move(fault));
                   else
                     call.answer(bj::object{{"reloaded", true}});
                 }});
  commands_.add({.name = "mediator.drain",
                 .help = "Finishes what is in progress, then ends.",
                 .reply = {{"draining", value_type::flag}},
                 .run = [this](command_call call) {
                   call.answer(bj::object{{"draining", true}});
                   loop_.post([this] { drain(config_.drain_limit); });
                 }});
}

bj::value mediator::status() const {
  const auto& c = terminals_->counters();
  bj::array systems;
  for (const auto& s : library_->states())
    systems.push_back(bj::object{{"url", s.url},
                                 {"up", s.is_up},
                                 {"in_flight", s.in_flight},
                                 {"connections", s.connections},
                                 {"requests", s.requests},
                                 {"failures", s.failures},
                                 {"last_problem", s.last_problem}});
  const auto ready = why_not_ready();
  return bj::object{{"version", TANDEM_VERSION},
                    {"ready", ready.empty() ? "yes" : ready},
                    {"terminals", terminals_->connected()},
                    {"requests", c.requests},
                    {"answers", c.answers},
                    {"failures", c.failures},
                    {"logins", c.logins},
                    {"reloads", reloads_},
                    {"failed_reloads", failed_reloads_},
                    {"backends", std::move(systems)}};
}

void mediator::count() {
  observe::add_process_metrics(metrics_);
  constexpr std::string_view no_memory = "What memory ran out for: it was lost, or refused.";
  metrics_.add("sip2_out_of_memory_total", no_memory, {{"what", "event"}}, loop_.lost());
  metrics_.add("sip2_out_of_memory_total", no_memory, {{"what", "timer"}}, loop_.timers().lost());
  const auto& c = terminals_->counters();
  const auto& s = terminals_->server_counts();
  const auto add = [this](std::string_view name, std::string_view help, const std::uint64_t& cell,
                          const observe::label_list& labels = {}) {
    metrics_.add_counter(name, help, labels, [&cell] { return static_cast<double>(cell); });
  };
  metrics_.add_gauge("sip2_terminals", "Terminals that are connected.", {},
                     [this] { return static_cast<double>(terminals_->connected()); });
  add("sip2_connections_total", "Connections accepted.", s.accepted);
  constexpr std::string_view refused = "Connections refused, by reason.";
  add("sip2_connections_refused_total", refused, s.refused_full, {{"reason", "full"}});
  add("sip2_connections_refused_total", refused, s.refused_address, {{"reason", "address"}});
  add("sip2_connections_displaced_total",
      "Connections that were closed for a newcomer: without a login when all places were taken, or "
      "without a "
      "PROXY header when too many waited for theirs.",
      s.displaced);
  add("sip2_requests_total", "Intact messages from terminals and at the door.", c.requests);
  add("sip2_answers_total", "Answers to terminals and at the door.", c.answers);
  add("sip2_failure_answers_total", "Answers made here because the back-end gave none.",
      c.failures);
  add("sip2_unusable_answers_total", "Answers of the back-end that were none to the request.",
      c.bad_answers);
  add("sip2_bad_checksums_total", "Messages whose checksum is wrong, or missing.", c.bad_checksums);
  add("sip2_resends_total", "Answers repeated for a 97.", c.resends);
  add("sip2_duplicates_total", "Requests that came twice and were executed once.", c.duplicates);
  add("sip2_unknown_codes_total", "Messages whose code SIP2 does not have.", c.unknown_codes);
  add("sip2_refused_requests_total", "Messages before a login, or of too old a version.",
      c.refused_requests);
  constexpr std::string_view logins = "Logins, by outcome.";
  add("sip2_logins_total", logins, c.logins, {{"outcome", "accepted"}});
  add("sip2_logins_total", logins, c.refused_logins, {{"outcome", "refused"}});
  add("sip2_idle_closes_total", "Connections closed for silence.", c.idle_closes);
  add("sip2_overflows_total", "Connections closed for a line without end.", c.overflows);
  for (std::size_t i = 0; i < c.backend_failures.size(); ++i)
    add("sip2_backend_failures_total", "Requests without an answer, by cause.",
        c.backend_failures[i], {{"cause", std::string{to_text(static_cast<backend_failure>(i))}}});
  add("sip2_reloads_total", "Configurations taken over.", reloads_);
  add("sip2_failed_reloads_total", "Configurations refused for their faults.", failed_reloads_);
}

} // namespace tandem::sip2
