// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/process_commands.hpp>

#include <tandem/base/text.hpp>
#include <tandem/server/running_server.hpp>

#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <sys/utsname.h>
#include <unistd.h>

namespace tandem::server {

namespace {

namespace json = boost::json;

using control::arguments;
using control::command_call;
using control::command_error;
using control::fifo_ok;
using control::fifo_text;
using control::role;
using control::value_type;

/// The texts of a list.
std::vector<std::string> texts_of(const json::object& of, std::string_view field) {
  std::vector<std::string> all;
  for (const json::value& one : of.at(field).as_array())
    all.emplace_back(one.as_string().data(), one.as_string().size());
  return all;
}

/// "Fri Dec  6 17:56:10 2002", as ctime() writes it.
std::string date_of(std::int64_t when) {
  const auto seconds = static_cast<std::time_t>(when);
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  char text[64];
  return {text, std::strftime(text, sizeof text, "%a %b %e %H:%M:%S %Y", &parts)};
}

/// The command line, each word as it was given.
json::array command_line() {
  std::ifstream in{"/proc/self/cmdline", std::ios::binary};
  const std::string all{std::istreambuf_iterator<char>{in}, {}};
  json::array words;
  for (std::size_t at = 0; at < all.size();) {
    const auto end = std::min(all.find('\0', at), all.size());
    words.emplace_back(std::string_view{all}.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

void add_print(control::command_registry& to) {
  to.add({.name = "print",
          .help = "Answers with the text that it is given: a test of the way there and back.",
          .needs = role::user,
          .parameters = {{.name = "text", .help = "any"}},
          .reply = {{"text", value_type::text}},
          .run =
              [](command_call call) {
                call.answer({{"text", *call.text("text")}});
              },
          .fifo = control::fifo_form{
              .name = "print", .parameters = {{"text"}}, .text = [](const json::object& r) {
                const json::string& text = r.at("text").as_string();
                return fifo_ok({std::string{text.data(), text.size()}}); // the very bytes
              }}});
}

void add_uptime(control::command_registry& to) {
  to.add({.name = "uptime",
          .help = "Since when the server runs.",
          .needs = role::read,
          .reply = {{"now", value_type::integer, "in seconds since 1970"},
                    {"since", value_type::integer, "the same"},
                    {"seconds", value_type::integer, "between the two"}},
          .run =
              [since = static_cast<std::int64_t>(std::time(nullptr)),
               started = tandem::now()](command_call call) {
                call.answer({{"now", static_cast<std::int64_t>(std::time(nullptr))},
                             {"since", since},
                             {"seconds", (tandem::now() - started) / seconds{1}}});
              },
          .fifo = control::fifo_form{
              .name = "uptime", .text = [](const json::object& r) {
                return fifo_ok({"Now: " + date_of(r.at("now").as_int64()),
                                "Up Since: " + date_of(r.at("since").as_int64()),
                                fmt::format("Up time: {} [sec]", r.at("seconds").as_int64())});
              }}});
}

void add_version(control::command_registry& to) {
  to.add({.name = "version",
          .help = "The name and version of the program.",
          .needs = role::user,
          .reply = {{"name", value_type::text}, {"version", value_type::text}},
          .run =
              [](command_call call) {
                call.answer({{"name", "tandemd"}, {"version", TANDEM_VERSION}});
              },
          .fifo = control::fifo_form{.name = "version", .text = [](const json::object&) {
                                       utsname system{};
                                       ::uname(&system);
                                       return fifo_ok({fmt::format("Server: Tandem ({} ({}/{}))\r",
                                                                   TANDEM_VERSION, system.machine,
                                                                   to_lower_copy(system.sysname))});
                                     }}});
}

void add_pwd(control::command_registry& to) {
  to.add({.name = "pwd",
          .help = "The working directory of the server.",
          .needs = role::read,
          .reply = {{"path", value_type::text}},
          .run =
              [](command_call call) {
                char path[4096];
                if (!::getcwd(path, sizeof path))
                  return call.refuse(command_error::failed, std::strerror(errno));
                call.answer({{"path", path}});
              },
          .fifo = control::fifo_form{.name = "pwd", .text = [](const json::object& r) {
                                       return fifo_ok({fifo_text(r, "path")});
                                     }}});
}

void add_arg(control::command_registry& to) {
  // Read once: with another root there may be no /proc.
  to.add({.name = "arg",
          .help = "The command line of the server.",
          .needs = role::read,
          .reply = {{"arguments", value_type::list}},
          .run =
              [words = command_line()](command_call call) {
                call.answer({{"arguments", words}});
              },
          .fifo = control::fifo_form{.name = "arg", .text = [](const json::object& r) {
                                       return fifo_ok(texts_of(r, "arguments"));
                                     }}});
}

void add_which(control::command_registry& to) {
  to.add({.name = "which",
          .help = "The commands of the FIFO, by the names that they have there.",
          .needs = role::user,
          .reply = {{"commands", value_type::list, "the last that was added first"}},
          .run =
              [&to](command_call call) {
                json::array names;
                to.for_each([&](const control::command& c) {
                  if (c.fifo) names.emplace_back(c.fifo->name);
                });
                call.answer({{"commands", std::move(names)}});
              },
          .fifo = control::fifo_form{.name = "which", .text = [](const json::object& r) {
                                       return fifo_ok(texts_of(r, "commands"));
                                     }}});
}

std::string describe_shard(const running_server& of, std::uint16_t shard) {
  std::string text = fmt::format("{}receiver child={}", shard == 0 ? "attendant, " : "", shard);
  const auto& listeners = of.listeners();
  for (std::uint32_t i = 0; i < listeners.size(); ++i)
    text += fmt::format("{} sock={} @ {}", i == 0 ? "" : ",", i, listeners[i].address.to_string());
  return text;
}

void add_ps(control::command_registry& to, running_server& of) {
  const std::vector<control::reply_field> row{{"index", value_type::integer},
                                              {"id", value_type::integer, "of the thread"},
                                              {"description", value_type::text}};
  to.add({.name = "ps",
          .help = "The threads that serve.",
          .needs = role::read,
          .reply = {{"processes", value_type::list, "a thread", row}},
          .on_shard = [](io::shard&, const arguments&) -> json::value {
            return static_cast<std::int64_t>(::gettid());
          },
          .merge = [&of](std::vector<json::value> ids, const arguments&) -> control::command_reply {
            json::array rows;
            const auto add = [&rows](const json::value& id, const std::string& what) {
              rows.push_back({{"index", rows.size()}, {"id", id}, {"description", what}});
            };
            for (std::size_t i = 0; i < ids.size(); ++i)
              add(ids[i], describe_shard(of, static_cast<std::uint16_t>(i)));
            if (const auto fifo = of.fifo_thread())
              add(static_cast<std::int64_t>(*fifo), "fifo server");
            return json::value{{"processes", std::move(rows)}};
          },
          .fifo = control::fifo_form{.name = "ps", .text = [](const json::object& r) {
                                       std::vector<std::string> lines;
                                       for (const json::value& one : r.at("processes").as_array()) {
                                         const json::object& p = one.as_object();
                                         lines.push_back(fmt::format(
                                             "{}\t{}\t{}", p.at("index").to_number<std::int64_t>(),
                                             p.at("id").as_int64(), fifo_text(p, "description")));
                                       }
                                       return fifo_ok(lines);
                                     }}});
}

void add_kill(control::command_registry& to) {
  to.add({.name = "kill",
          .help = "Stops the server, as TERM does: what is in progress has a moment to end.",
          .needs = role::admin,
          .reply = {{"stopping", value_type::flag}},
          .run =
              [](command_call call) {
                call.answer({{"stopping", true}});
                ::kill(::getpid(), SIGTERM);
              },
          .fifo = control::fifo_form{.name = "kill", .text = [](const json::object&) {
                                       return std::string{"200 killing now...\n"};
                                     }}});
}

} // namespace

void add_process_commands(control::command_registry& to, running_server& of) {
  add_print(to);
  add_uptime(to);
  add_version(to);
  add_pwd(to);
  add_arg(to);
  add_which(to);
  add_ps(to, of);
  add_kill(to);
}

} // namespace tandem::server
