// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/xlog.hpp>

#include <tandem/base/log.hpp>
#include <tandem/base/text.hpp>
#include <tandem/script/argument.hpp>
#include <tandem/server/core.hpp>

#include <array>
#include <optional>
#include <utility>

namespace tandem::modules {

namespace {

using script::argument_kind;
using script::outcome;

std::optional<log_level> level_of(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, log_level>, 8> names{{
      {"L_ALERT", log_level::alert},
      {"L_CRIT", log_level::critical},
      {"L_ERR", log_level::error},
      {"L_WARN", log_level::warning},
      {"L_WARNING", log_level::warning},
      {"L_NOTICE", log_level::notice},
      {"L_INFO", log_level::info},
      {"L_DBG", log_level::debug},
  }};
  for (const auto& [known, level] : names)
    if (iequals(known, name)) return level;
  return std::nullopt;
}

/// The text is a value, never a format, and the log ends its lines itself.
void write(log_level level, std::string_view text) { log(level, "{}", trim(text)); }

outcome xlog_text(script::call& c) {
  write(log_level::error, c.text(0));
  return outcome::yes();
}

outcome xlog_level_text(script::call& c) {
  write(*c.prepared<log_level>(), c.text(1));
  return outcome::yes();
}

outcome xdbg(script::call& c) {
  write(log_level::debug, c.text(0));
  return outcome::yes();
}

std::shared_ptr<const void> check_level(script::check& c) {
  const auto level = level_of(c.at(0).text);
  if (!level) {
    c.error(0, "this is not a level of the log",
            "L_ALERT, L_CRIT, L_ERR, L_WARN, L_NOTICE, L_INFO and L_DBG are");
    return nullptr;
  }
  return std::make_shared<const log_level>(*level);
}

script::module_info declare_xlog() {
  const script::argument_info text{"text", argument_kind::text};
  script::module_info info{.name = "xlog", .help = "log lines with variables"};
  info.functions = {
      {.name = "xlog",
       .arguments = {text},
       .blocks = script::anywhere,
       .help = "writes a line to the log, at level L_ERR",
       .run = xlog_text},
      {.name = "xlog",
       .arguments = {{"level", argument_kind::string}, text},
       .blocks = script::anywhere,
       .help = "writes a line to the log at a level, \"L_ALERT\" to \"L_DBG\"",
       .run = xlog_level_text,
       .prepare = check_level},
      {.name = "xdbg",
       .arguments = {text},
       .blocks = script::anywhere,
       .help = "writes a line to the log, at level L_DBG",
       .run = xdbg},
  };
  info.parameters = {{"buf_size", script::parameter_kind::integer, "4096", "longest line", 0,
                      65'536, "lines are as long as they are"}};
  return info;
}

outcome print_text(script::call& c) {
  c.as<server::message_context>().core().shared().standard_output.put(c.text(0));
  return outcome::yes();
}

script::module_info declare_print() {
  script::module_info info{.name = "print", .help = "text to standard output"};
  info.functions.push_back({
      .name = "print",
      .arguments = {{"text", argument_kind::text}},
      .blocks = script::anywhere,
      .help = "writes text to standard output",
      .run = print_text,
  });
  return info;
}

} // namespace

server::module_entry xlog() { return {.declare = declare_xlog}; }
server::module_entry print() { return {.declare = declare_print}; }

} // namespace tandem::modules
