// SPDX-License-Identifier: Apache-2.0
#include <tandem/control/command_registry.hpp>

#include <tandem/base/log.hpp>
#include <tandem/base/text.hpp>

#include <cassert>
#include <exception>
#include <fmt/format.h>
#include <utility>

namespace tandem::control {

namespace json = boost::json;

namespace {

/// What a command throws ends that command alone.
void log_fault(const command& c, const std::exception& fault) {
  log_error("command {} failed: {}", c.name, fault.what());
}

} // namespace

command_call::command_call(arguments given, caller by, std::function<void(command_reply)> done)
    : given_{std::move(given)}, by_{std::move(by)}, done_{std::move(done)} {}

command_call::command_call(command_call&& other) noexcept
    : given_{std::move(other.given_)}, by_{std::move(other.by_)}, done_{std::exchange(other.done_,
                                                                                      nullptr)} {}

command_call::~command_call() {
  refuse(command_error::internal_error, "the command ended without an answer");
}

void command_call::answer(json::value value) {
  if (const auto done = std::exchange(done_, nullptr)) done(std::move(value));
}

void command_call::refuse(int code, std::string message) {
  if (const auto done = std::exchange(done_, nullptr))
    done(fail(command_error{.code = code, .message = std::move(message)}));
}

command_registry::command_registry(io::gather* shards) : shards_{shards} {
  add({.name = "help",
       .help = "Lists all commands, or tells the parameters and the reply of one.",
       .needs = role::user,
       .parameters = {{.name = "command", .is_required = false, .help = "name of a command"}},
       .reply = {{"name", value_type::text, "of the command, when one was asked for"},
                 {"parameters", value_type::object, "JSON Schema of its arguments"},
                 {"reply", value_type::object, "JSON Schema of its answer"},
                 {"*", value_type::text, "help of the command of that name"}},
       .run = [this](command_call call) {
         const auto name = call.text("command");
         if (!name) return call.answer(describe());
         auto one = describe(*name);
         if (one)
           call.answer(std::move(*one));
         else
           call.refuse(one.error().code, one.error().message);
       }});
}

void command_registry::add(command c) {
  assert(c.run || (c.on_shard && c.merge && shards_));
  std::string name = c.name;
  commands_.insert_or_assign(std::move(name), std::make_shared<const command>(std::move(c)));
}

command_error command_registry::unknown(std::string_view name) const {
  std::vector<std::string_view> names;
  for (const auto& [known, c] : commands_) names.push_back(known);
  const auto near = nearest_name(name, names);
  return {.code = command_error::unknown_command,
          .message = fmt::format("there is no command '{}'; {}", name,
                                 near.empty() ? std::string{"help lists them"}
                                              : fmt::format("did you mean '{}'?", near))};
}

void command_registry::call(std::string_view name, const json::value& given, caller by,
                            std::function<void(command_reply)> done) {
  start(
      name, [&](const std::vector<command_parameter>& p) { return arguments::from_json(p, given); },
      std::move(by), std::move(done));
}

void command_registry::call_in_words(std::string_view name, const std::vector<std::string>& words,
                                     caller by, std::function<void(command_reply)> done) {
  start(
      name,
      [&](const std::vector<command_parameter>& p) { return arguments::from_words(p, words); },
      std::move(by), std::move(done));
}

void command_registry::start(std::string_view name, const read_arguments& read, caller by,
                             std::function<void(command_reply)> done) {
  const auto found = commands_.find(name);
  if (found == commands_.end()) return done(fail(unknown(name)));
  const auto what = found->second;
  if (by.may < what->needs)
    return done(fail(
        command_error{.code = command_error::not_allowed,
                      .message = fmt::format("{} needs the role {}, and the token gives {}", name,
                                             to_string(what->needs), to_string(by.may))}));
  auto given = read(what->parameters);
  if (!given)
    return done(fail(command_error{
        .code = command_error::invalid_parameters,
        .message = fmt::format("{}; usage: {}", given.error(), usage_of(name, what->parameters))}));
  if (what->needs >= role::change)
    log_notice("command {} by {}", name, by.name);
  else
    log_info("command {} by {}", name, by.name);
#ifndef NDEBUG
  // What help tells of replies is true: no answer leaves that its declaration does not know.
  done = [what, done = std::move(done)](command_reply reply) {
    assert(!reply || fits(what->reply, *reply));
    done(std::move(reply));
  };
#endif
  command_call made{std::move(*given), std::move(by), std::move(done)};
  if (!what->run) return run_on_shards(what, std::move(made));
  try {
    what->run(std::move(made));
  } catch (const std::exception& fault) {
    log_fault(*what, fault); // the call is gone by now, and has said that it ended
  }
}

void command_registry::run_on_shards(const std::shared_ptr<const command>& what,
                                     command_call call) {
  const auto given = std::make_shared<const arguments>(call.given());
  const auto waiting = std::make_shared<command_call>(std::move(call));
  shards_->ask<json::value>(
      [what, given](io::shard& at) -> json::value {
        try {
          return what->on_shard(at, *given);
        } catch (const std::exception& fault) {
          log_fault(*what, fault);
          return nullptr; // which no command answers with
        }
      },
      shard_limit,
      [what, given, waiting](std::vector<std::optional<json::value>> answers) {
        std::vector<json::value> parts;
        for (std::size_t i = 0; i < answers.size(); ++i) {
          if (!answers[i])
            return waiting->refuse(
                command_error::failed,
                fmt::format("shard {} has not answered within {} s", i, shard_limit / seconds{1}));
          if (answers[i]->is_null())
            return waiting->refuse(
                command_error::internal_error,
                fmt::format("the command failed on shard {}; the log says why", i));
          parts.push_back(std::move(*answers[i]));
        }
        try {
          auto reply = what->merge(std::move(parts), *given);
          if (reply)
            waiting->answer(std::move(*reply));
          else
            waiting->refuse(reply.error().code, reply.error().message);
        } catch (const std::exception& fault) {
          log_fault(*what, fault);
          waiting->refuse(command_error::internal_error, "the command failed; the log says why");
        }
      });
}

json::value command_registry::describe() const {
  json::object all;
  for (const auto& [name, c] : commands_) all[name] = c->help;
  return all;
}

command_reply command_registry::describe(std::string_view name) const {
  const auto found = commands_.find(name);
  if (found == commands_.end()) return fail(unknown(name));
  const command& c = *found->second;
  return json::value{{"name", c.name},
                     {"help", c.help},
                     {"usage", usage_of(c.name, c.parameters)},
                     {"role", to_string(c.needs)},
                     {"parameters", schema_of(c.parameters)},
                     {"reply", schema_of(c.reply)}};
}

} // namespace tandem::control
