// SPDX-License-Identifier: Apache-2.0
#include <tandem/control/command_registry.hpp>

#include <tandem/base/log.hpp>
#include <tandem/base/text.hpp>

#include <algorithm>
#include <cassert>
#include <exception>
#include <fmt/format.h>
#include <limits>
#include <utility>

namespace tandem::control {

namespace json = boost::json;

namespace {

constexpr auto no_limit = std::numeric_limits<std::size_t>::max();

void log_fault(const command& c, const char* what) {
  log_error("command {} failed: {}", c.name, what);
}

json::object reply_of(const std::string& field, json::array&& rows, json::object&& rest) {
  json::object reply = std::move(rest);
  reply[field] = std::move(rows);
  return reply;
}

/// Puts a list together for a door that wants it whole.
struct collected_rows : std::enable_shared_from_this<collected_rows> {
  list_reply of;
  std::function<void(command_reply)> done;

  void go_on() {
    of.more->next([self = shared_from_this()](result<row_piece, command_error> piece) {
      self->take(std::move(piece));
    });
  }
  void take(result<row_piece, command_error> piece) {
    if (!piece) return done(fail(std::move(piece.error())));
    if (of.first.size() + piece->rows.size() > reply_taker::most_collected)
      return done(fail(command_error{
          .code = command_error::invalid_parameters,
          .message = fmt::format("the list has more than {} rows, which cannot be sent this way; "
                                 "give a limit",
                                 reply_taker::most_collected)}));
    for (json::value& row : piece->rows) of.first.push_back(std::move(row));
    if (!piece->rest) return go_on();
    done(reply_of(of.field, std::move(of.first), std::move(*piece->rest)));
  }
};

/// The first rows are there: of a short list all.
void deliver(const reply_taker& to, std::string&& field, std::shared_ptr<row_source>&& rows,
             result<row_piece, command_error>&& first) {
  if (!first) return to.whole(fail(std::move(first.error())));
  if (first->rest)
    return to.whole(reply_of(field, std::move(first->rows), std::move(*first->rest)));
  list_reply reply{std::move(field), std::move(first->rows), std::move(rows)};
  if (to.in_pieces) return to.in_pieces(std::move(reply));
  const auto all = std::make_shared<collected_rows>();
  all->of = std::move(reply);
  all->done = to.whole;
  all->go_on();
}

} // namespace

command_call::command_call(arguments given, caller by, reply_taker done)
    : given_{std::move(given)}, by_{std::move(by)}, done_{std::move(done)} {}

command_call::command_call(command_call&& other) noexcept
    : given_{std::move(other.given_)}, by_{std::move(other.by_)}, done_{std::exchange(
                                                                      other.done_, std::nullopt)} {}

command_call::~command_call() {
  refuse(command_error::internal_error, "the command ended without an answer");
}

void command_call::answer(json::value value) {
  if (const auto done = std::exchange(done_, std::nullopt)) done->whole(std::move(value));
}

void command_call::answer_rows(std::string field, std::shared_ptr<row_source> rows) {
  auto done = std::exchange(done_, std::nullopt);
  if (!done) return;
  row_source& of = *rows;
  of.next([to = std::move(*done), field = std::move(field),
           rows = std::move(rows)](result<row_piece, command_error> first) mutable {
    deliver(to, std::move(field), std::move(rows), std::move(first));
  });
}

void command_call::refuse(int code, std::string message) {
  if (const auto done = std::exchange(done_, std::nullopt))
    done->whole(fail(command_error{.code = code, .message = std::move(message)}));
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
  assert(c.run || ((c.rows_on_shard || (c.on_shard && c.merge)) && shards_));
  std::string name = c.name;
  if (!commands_.contains(name)) order_.push_back(name);
  commands_.insert_or_assign(std::move(name), std::make_shared<const command>(std::move(c)));
}

std::shared_ptr<const command> command_registry::find_for_fifo(std::string_view name) const {
  for (const auto& [own, c] : commands_)
    if (c->fifo && iequals(c->fifo->name, name)) return c;
  for (const auto& [own, c] : commands_)
    if (iequals(own, name)) return c;
  return nullptr;
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
                            reply_taker done) {
  start(
      name, [&](const std::vector<command_parameter>& p) { return arguments::from_json(p, given); },
      std::move(by), std::move(done));
}

void command_registry::call_in_words(std::string_view name, const std::vector<std::string>& words,
                                     caller by, reply_taker done) {
  start(
      name,
      [&](const std::vector<command_parameter>& p) { return arguments::from_words(p, words); },
      std::move(by), std::move(done));
}

void command_registry::start(std::string_view name, const read_arguments& read, caller by,
                             reply_taker done) {
  const auto found = commands_.find(name);
  if (found == commands_.end()) return done.whole(fail(unknown(name)));
  const auto what = found->second;
  if (by.may < what->needs)
    return done.whole(fail(
        command_error{.code = command_error::not_allowed,
                      .message = fmt::format("{} needs the role {}, and the caller has {}", name,
                                             to_string(what->needs), to_string(by.may))}));
  auto given = read(what->parameters);
  if (!given)
    return done.whole(fail(command_error{
        .code = command_error::invalid_parameters,
        .message = fmt::format("{}; usage: {}", given.error(), usage_of(name, what->parameters))}));
  if (what->needs >= role::change)
    log_notice("command {} by {}", name, by.name);
  else
    log_info("command {} by {}", name, by.name);
#ifndef NDEBUG
  // What help tells of replies is true: no answer leaves that its declaration does not know.
  done.whole = [what, whole = std::move(done.whole)](command_reply reply) {
    assert(!reply || fits(what->reply, *reply));
    whole(std::move(reply));
  };
#endif
  command_call made{std::move(*given), std::move(by), std::move(done)};
  guard(*what, [&] { run(what, std::move(made)); });
}

/// What a command throws ends that command alone: its call is gone by then, and has said that it
/// ended.
template <typename F>
void command_registry::guard(const command& what, F&& f) {
  try {
    return f();
  } catch (const std::exception& fault) {
    log_fault(what, fault.what());
  } catch (...) {
    log_fault(what, "it has thrown something");
  }
  ++faults_;
}

void command_registry::run(const std::shared_ptr<const command>& what, command_call call) {
  if (what->run) return what->run(std::move(call));
  if (what->rows_on_shard) return list_of_shards(what, std::move(call));
  run_on_shards(what, std::move(call));
}

void command_registry::list_of_shards(const std::shared_ptr<const command>& what,
                                      command_call call) {
  const auto given = std::make_shared<const arguments>(call.given());
  const bool has_limit = std::ranges::any_of(
      what->parameters, [](const command_parameter& p) { return p.name == "limit"; });
  const auto limit = has_limit ? given->integer("limit") : std::nullopt;
  const std::size_t most =
      limit ? static_cast<std::size_t>(std::max<std::int64_t>(*limit, 1)) : no_limit;
  call.answer_rows(what->list, std::make_shared<shard_rows>(
                                   *shards_,
                                   [what, given](io::shard& at, std::uint64_t from, std::size_t n) {
                                     return what->rows_on_shard(at, *given, from, n);
                                   },
                                   most, faults_));
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
          log_fault(*what, fault.what());
        } catch (...) {
          log_fault(*what, "it has thrown something");
        }
        return nullptr; // which no command answers with
      },
      shard_limit,
      [this, what, given, waiting](std::vector<std::optional<json::value>> answers) {
        std::vector<json::value> parts;
        for (std::size_t i = 0; i < answers.size(); ++i) {
          if (!answers[i])
            return waiting->refuse(
                command_error::failed,
                fmt::format("shard {} has not answered within {} s", i, shard_limit / seconds{1}));
          if (answers[i]->is_null()) {
            ++faults_;
            return waiting->refuse(
                command_error::internal_error,
                fmt::format("the command failed on shard {}; the log says why", i));
          }
          parts.push_back(std::move(*answers[i]));
        }
        guard(*what, [&] {
          command_call mine{std::move(*waiting)}; // ends without an answer where merge() throws
          auto reply = what->merge(std::move(parts), *given);
          if (reply)
            mine.answer(std::move(*reply));
          else
            mine.refuse(reply.error().code, reply.error().message);
        });
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
