// SPDX-License-Identifier: Apache-2.0
#include <tandem/ctl/control_call.hpp>

#include <tandem/base/printable.hpp>
#include <tandem/base/text.hpp>
#include <tandem/control/json_rpc.hpp>
#include <tandem/ctl/completion.hpp>
#include <tandem/ctl/manual.hpp>
#include <tandem/ctl/table.hpp>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <optional>
#include <ostream>
#include <thread>

namespace tandem::ctl {

namespace {

using control::rpc_failure;
using words = std::vector<std::string>;

int tell(const rpc_failure& f, std::ostream& err) {
  err << "tandemctl: " << f.text << '\n';
  return control::exit_status_of(f.what);
}

int wrong(std::string text, std::ostream& err) {
  return tell({.what = rpc_failure::kind::wrong_usage, .text = std::move(text)}, err);
}

/// A command of the program, with what its answer looks like.
struct prepared {
  declared_command what;
  boost::json::object arguments;
};

result<prepared, rpc_failure> prepare(const asker& ask, const words& all) {
  const auto known = catalog::fetch(ask);
  if (!known) return fail(known.error());
  const auto found = known->find(all);
  if (!found) return fail(found.error());
  auto what = declared_command::fetch(ask, found->name);
  if (!what) return fail(what.error());
  const words rest{all.begin() + static_cast<std::ptrdiff_t>(found->words), all.end()};
  const auto given = control::arguments::from_words(what->parameters, rest);
  if (!given)
    return fail(rpc_failure{
        .what = rpc_failure::kind::wrong_usage,
        .text = fmt::format("{}; usage: {}; `tandemctl help {}` tells more", given.error(),
                            control::usage_of(as_words(found->name), what->parameters),
                            as_words(found->name))});
  return prepared{std::move(*what), given->as_json()};
}

int run_once(const asker& ask, const words& all, output_form form, std::ostream& out,
             std::ostream& err) {
  const auto ready = prepare(ask, all);
  if (!ready) return tell(ready.error(), err);
  const auto answer = ask(ready->what.name, ready->arguments);
  if (!answer) return tell(answer.error(), err);
  out << (form == output_form::json ? control::to_json_text(*answer) + "\n"
                                    : to_table(*answer, ready->what.reply));
  return 0;
}

int show_help(const asker& ask, const words& of, std::ostream& out, std::ostream& err) {
  const auto known = catalog::fetch(ask);
  if (!known) return tell(known.error(), err);
  if (of.empty()) return out << list_commands(*known), 0;
  const auto found = known->find(of);
  if (!found) return tell(found.error(), err);
  const auto what = declared_command::fetch(ask, found->name);
  if (!what) return tell(what.error(), err);
  out << page_of(*what);
  return 0;
}

/// What stands between `watch` and its command.
struct watch_options {
  std::uint32_t interval = 2; ///< seconds
  std::uint32_t rounds = 0;   ///< 0: until it is stopped
  words command;

  static std::optional<watch_options> read(const words& given) {
    watch_options made;
    std::size_t i = 0;
    for (; i < given.size() && (given[i] == "-n" || given[i] == "-c"); i += 2) {
      const auto number =
          i + 1 < given.size() ? parse_number<std::uint32_t>(given[i + 1]) : std::nullopt;
      if (!number || *number == 0) return std::nullopt;
      (given[i] == "-n" ? made.interval : made.rounds) = *number;
    }
    made.command = {given.begin() + static_cast<std::ptrdiff_t>(i), given.end()};
    if (made.command.empty()) return std::nullopt;
    return made;
  }
};

/// A server that is away for a moment is no reason to stop watching; a wrong command is.
int watch(const asker& ask, const control_call& call, const watch_options& how, std::ostream& out,
          std::ostream& err) {
  constexpr std::string_view clear = "\x1b[H\x1b[2J\x1b[3J";
  const int wrong_usage = control::exit_status_of(rpc_failure::kind::wrong_usage);
  for (std::uint32_t round = 1;; ++round) {
    if (call.clears_screen)
      out << clear
          << fmt::format("Every {} s: {}    {:%Y-%m-%d %H:%M:%S}\n\n", how.interval,
                         to_printable(fmt::format("{}", fmt::join(how.command, " "))),
                         fmt::localtime(std::time(nullptr)));
    else if (round > 1 && call.form == output_form::table)
      out << '\n';
    const int status = run_once(ask, how.command, call.form, out, err);
    out.flush();
    if (status == wrong_usage || !out || round == how.rounds) return status;
    std::this_thread::sleep_for(seconds{how.interval});
  }
}

} // namespace

int run(const asker& ask, const control_call& call, std::ostream& out, std::ostream& err) {
  if (call.words.empty())
    return wrong("name a command; `tandemctl help` lists those of the server", err);
  const words rest{call.words.begin() + 1, call.words.end()};
  const std::string& first = call.words.front();
  if (first == "help" && call.form == output_form::table) return show_help(ask, rest, out, err);
  if (first == "watch") {
    const auto how = watch_options::read(rest);
    if (!how) return wrong("usage: tandemctl watch [-n SECONDS] [-c ROUNDS] COMMAND...", err);
    return watch(ask, call, *how, out, err);
  }
  if (first == "completion") {
    const auto script = rest.size() == 1 ? completion_script(rest.front()) : std::nullopt;
    if (!script) return wrong("usage: tandemctl completion bash|zsh", err);
    out << *script;
    return 0;
  }
  if (first == "complete") { // for the scripts of `completion`
    const bool has_mark = !rest.empty() && rest.front() == "--";
    for (const std::string& one : complete(ask, {rest.begin() + (has_mark ? 1 : 0), rest.end()}))
      out << to_printable(one) << '\n';
    return 0;
  }
  return run_once(ask, call.words, call.form, out, err);
}

} // namespace tandem::ctl
