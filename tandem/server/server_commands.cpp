// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/server_commands.hpp>

#include <tandem/base/log.hpp>
#include <tandem/server/process_commands.hpp>
#include <tandem/server/running_server.hpp>
#include <tandem/server/transaction_rows.hpp>

#include <boost/json.hpp>
#include <cmath>
#include <fmt/format.h>

namespace tandem::server {

namespace {

namespace json = boost::json;

using control::arguments;
using control::command_call;
using control::command_error;
using control::role;
using control::value_type;

json::value number(double value) {
  constexpr double exact = 9007199254740992.0; // 2^53
  if (std::nearbyint(value) == value && std::abs(value) < exact)
    return static_cast<std::int64_t>(value);
  return value;
}

void add_stats(control::command_registry& to, running_server& of) {
  to.add({.name = "stats",
          .help = "The metrics, as /metrics has them, of all shards together.",
          .needs = role::read,
          .parameters = {{.name = "prefix",
                          .is_required = false,
                          .help = "only names that begin so, such as tandem_sip_"}},
          .reply = {{"*", value_type::integer, "value of the metric, with its labels"}},
          .run = [&of](command_call call) {
            const auto waiting = std::make_shared<command_call>(std::move(call));
            of.refresh_metrics([&of, waiting] {
              const std::string_view prefix = waiting->text("prefix").value_or("");
              json::object all;
              of.shared().metrics.for_each(
                  [&](std::string_view name, std::string_view labels, double value) {
                    if (!name.starts_with(prefix)) return;
                    std::string key{name};
                    if (!labels.empty()) key.append("{").append(labels).append("}");
                    all[key] = number(value);
                  });
              waiting->answer(std::move(all));
            });
          }});
}

void add_loglevel(control::command_registry& to) {
  to.add({.name = "loglevel",
          .help = "Sets the level of the log until the next reload, as `debug` in the script does.",
          .needs = role::change,
          .parameters = {{.name = "level",
                          .type = value_type::integer,
                          .is_required = false,
                          .help = "-3 alert, -2 critical, -1 error, 1 warning, 2 notice, 3 info, 4 "
                                  "debug; without it nothing changes"}},
          .reply = {{"level", value_type::integer, "that counts now"}},
          .run = [](command_call call) {
            if (const auto level = call.integer("level")) {
              if (*level < -3 || *level > 4)
                return call.refuse(command_error::invalid_parameters,
                                   "'level' must be from -3 to 4");
              set_log_level(log_level_of(*level));
            }
            call.answer({{"level", static_cast<int>(current_log_level())}});
          }});
}

const std::vector<control::reply_field> reload_fields{
    {"complaints", value_type::lines, "errors and warnings with their lines, as -c prints them"},
    {"needs_restart", value_type::list, "parameters that differ and are fixed at start-up"}};

void tell(command_call& call, const reload_result& r) {
  if (!r.is_good) return call.refuse(command_error::failed, r.complaints);
  json::array fixed;
  for (const std::string& name : r.needs_restart) fixed.emplace_back(name);
  call.answer({{"complaints", r.complaints}, {"needs_restart", std::move(fixed)}});
}

void add_reload(control::command_registry& to, running_server& of) {
  to.add({.name = "config.check",
          .help = "Checks the script as it is on disk now; fails with what a reload would refuse.",
          .needs = role::read,
          .reply = reload_fields,
          .run = [&of](command_call call) {
            const auto waiting = std::make_shared<command_call>(std::move(call));
            of.scripts().check([waiting](const reload_result& r) { tell(*waiting, r); });
          }});
  to.add({.name = "config.reload",
          .help = "Reads the script again; with a fault the old one stays.",
          .needs = role::change,
          .reply = reload_fields,
          .run = [&of](command_call call) {
            const auto waiting = std::make_shared<command_call>(std::move(call));
            of.scripts().reload([waiting](const reload_result& r) { tell(*waiting, r); });
          }});
}

void add_tls_reload(control::command_registry& to, running_server& of) {
  to.add({.name = "tls.reload",
          .help = "Reads certificates, keys and authorities of TLS again; with a fault those that "
                  "are used stay.",
          .needs = role::change,
          .reply = {{"days", value_type::integer, "until the first certificate expires"}},
          .run = [&of](command_call call) {
            certificate_renewal* const certificates = of.certificates();
            if (!certificates) return call.refuse(command_error::failed, "TLS is not listened for");
            const auto waiting = std::make_shared<command_call>(std::move(call));
            certificates->reload([certificates, waiting](const std::string& problem) {
              if (!problem.empty()) return waiting->refuse(command_error::failed, problem);
              waiting->answer({{"days", static_cast<std::int64_t>(
                                            std::floor(certificates->days_left().value_or(0)))}});
            });
          }});
}

void add_tm_list(control::command_registry& to, running_server& of) {
  to.add({.name = "tm.list",
          .help = "Transactions in progress, of all shards.",
          .needs = role::read,
          .parameters = {{.name = "limit",
                          .type = value_type::integer,
                          .is_required = false,
                          .help = "most rows; without it all"}},
          .reply = {{"count", value_type::integer, "how many there are"},
                    {"transactions", value_type::list, "", transaction_fields()}},
          .rows_on_shard =
              [&of](io::shard& at, const arguments&, std::uint64_t from, std::size_t most) {
                return list_transactions(of.at(at).transactions(), at.index(), from, most);
              },
          .list = "transactions"});
}

void add_drain(control::command_registry& to, running_server& of) {
  static constexpr std::int64_t usual = running_server::usual_drain / seconds{1};
  static constexpr std::int64_t most = 86'400;
  to.add(
      {.name = "drain",
       .help = "Refuses new requests, and stops the server once what is in progress has ended.",
       .needs = role::admin,
       .parameters = {{.name = "seconds",
                       .type = value_type::integer,
                       .is_required = false,
                       .help = fmt::format("to wait at most, up to a day; {} without it", usual)}},
       .reply = {{"seconds", value_type::integer, "that it waits at most"}},
       .run = [&of](command_call call) {
         const std::int64_t limit = call.integer("seconds").value_or(usual);
         if (limit < 0 || limit > most)
           return call.refuse(command_error::invalid_parameters,
                              fmt::format("'seconds' must be from 0 to {}", most));
         if (!of.drain(fmt::format("drain by {}", call.by().name), seconds{limit}))
           return call.refuse(command_error::failed, "the server is stopping already");
         call.answer({{"seconds", limit}});
       }});
}

} // namespace

void add_server_commands(control::command_registry& to, running_server& of) {
  add_stats(to, of);
  add_loglevel(to);
  add_reload(to, of);
  add_tls_reload(to, of);
  add_tm_list(to, of);
  add_drain(to, of);
  add_process_commands(to, of);
}

} // namespace tandem::server
