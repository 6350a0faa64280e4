// SPDX-License-Identifier: Apache-2.0
// setflag, resetflag, isflagset, len_gt, log; $rc.
#include <tandem/script/core_functions.hpp>

#include <fmt/format.h>

#include <tandem/base/log.hpp>
#include <tandem/script/argument.hpp>

namespace tandem::script {

namespace {

outcome setflag(call& c) {
  c.message().set_flag(static_cast<unsigned>(c.number(0)), true);
  return outcome::yes();
}

outcome resetflag(call& c) {
  c.message().set_flag(static_cast<unsigned>(c.number(0)), false);
  return outcome::yes();
}

outcome isflagset(call& c) {
  return outcome::of(c.message().flag(static_cast<unsigned>(c.number(0))));
}

outcome len_gt(call& c) {
  return outcome::of(static_cast<std::int64_t>(c.message().message_length()) >= c.number(0));
}

/// The text goes in as a value, never as a format. A newline at its end ends the line anyway.
void write(std::int64_t level, std::string_view text) {
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  log(log_level_of(level), "{}", text);
}

outcome log_text(call& c) {
  write(static_cast<int>(log_level::debug), c.text(0));
  return outcome::yes();
}

outcome log_level_text(call& c) {
  write(c.number(0), c.text(1));
  return outcome::yes();
}

} // namespace

module_info language_core() {
  const argument_info flag{"flag", argument_kind::flag};
  const argument_info text{"text", argument_kind::text};
  module_info core{.name = "core", .help = "what every script can call"};
  core.functions = {
      {.name = "setflag",
       .arguments = {flag},
       .blocks = anywhere,
       .help = "sets a flag of the message; it stays with the transaction",
       .run = setflag},
      {.name = "resetflag",
       .arguments = {flag},
       .blocks = anywhere,
       .help = "clears a flag of the message",
       .run = resetflag},
      {.name = "isflagset",
       .arguments = {flag},
       .blocks = anywhere,
       .help = "true when the flag is set",
       .run = isflagset},
      {.name = "len_gt",
       .arguments = {{"length", argument_kind::size}},
       .blocks = anywhere,
       .help = "true when the message has at least so many bytes; max_len is 65535",
       .run = len_gt},
      {.name = "log",
       .arguments = {text},
       .blocks = anywhere,
       .help = "writes a line to the log, at level 4 (debug)",
       .run = log_text},
      {.name = "log",
       .arguments = {{"level", argument_kind::integer}, text},
       .blocks = anywhere,
       .help = "writes a line to the log at a level, -3 alert to 4 debug",
       .run = log_level_text},
  };
  core.variables = {
      {.name = "rc",
       .help = "what the last function or route returned",
       .read =
           [](variable_read& r) {
             fmt::format_to(std::back_inserter(r.out()), "{}", r.last_value());
             return true;
           }},
      {.name = "retcode",
       .help = "the same as $rc",
       .read =
           [](variable_read& r) {
             fmt::format_to(std::back_inserter(r.out()), "{}", r.last_value());
             return true;
           }},
  };
  core.parameters = {{.name = compat_parameter,
                      .kind = parameter_kind::string,
                      .help = "where the original and the RFCs differ; without it classic for "
                              "scripts of the original, else rfc",
                      .words = {"classic", "rfc"}}};
  return core;
}

} // namespace tandem::script
