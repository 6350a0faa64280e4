// SPDX-License-Identifier: Apache-2.0
#include <tandem/control/command_registry.hpp>

#include <tandem/base/log.hpp>
#include <tandem/base/text.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace tandem::control {

namespace json = boost::json;

namespace {

constexpr std::string_view type_name(parameter_type type) noexcept {
  switch (type) {
  case parameter_type::text: return "string";
  case parameter_type::integer: return "integer";
  case parameter_type::flag: break;
  }
  return "boolean";
}

bool has_type(const json::value& value, parameter_type type) noexcept {
  switch (type) {
  case parameter_type::text: return value.is_string();
  case parameter_type::integer: return value.is_int64();
  case parameter_type::flag: break;
  }
  return value.is_bool();
}

std::string usage(const command& c) {
  std::string text = c.name;
  for (const command_parameter& p : c.parameters)
    text += p.is_required ? fmt::format(" {}", p.name) : fmt::format(" [{}]", p.name);
  return text;
}

command_error invalid(const command& c, std::string what) {
  return {.code = command_error::invalid_parameters,
          .message = std::move(what) + "; usage: " + usage(c)};
}

/// Arguments by position as arguments by name.
result<json::object, command_error> by_name(const command& c, const json::value& given) {
  if (given.is_null()) return json::object{};
  if (const json::object* object = given.if_object()) return *object;
  const json::array* array = given.if_array();
  if (!array) return fail(invalid(c, "the arguments must be an object or an array"));
  if (array->size() > c.parameters.size()) return fail(invalid(c, "too many arguments"));
  json::object named;
  for (std::size_t i = 0; i < array->size(); ++i) named[c.parameters[i].name] = (*array)[i];
  return named;
}

result<json::object, command_error> check(const command& c, const json::value& given) {
  auto named = by_name(c, given);
  if (!named) return named;
  std::vector<std::string_view> names;
  for (const command_parameter& p : c.parameters) {
    names.push_back(p.name);
    auto found = named->find(p.name);
    if (found != named->end() && found->value().is_null() && !p.is_required) {
      named->erase(found);
      found = named->end();
    }
    if (found == named->end()) {
      if (p.is_required) return fail(invalid(c, fmt::format("'{}' is missing", p.name)));
    } else if (!has_type(found->value(), p.type)) {
      return fail(invalid(c, fmt::format("'{}' must be {} {}", p.name,
                                         p.type == parameter_type::integer ? "an" : "a",
                                         type_name(p.type))));
    }
  }
  for (const auto& [key, value] : *named) {
    const std::string_view name{key.data(), key.size()};
    if (std::ranges::find(names, name) != names.end()) continue;
    const auto near = nearest_name(name, names);
    return fail(
        invalid(c, fmt::format("there is no parameter '{}'{}", name,
                               near.empty() ? "" : fmt::format("; did you mean '{}'?", near))));
  }
  return named;
}

} // namespace

command_call::command_call(json::object arguments, std::string caller,
                           std::function<void(command_reply)> done)
    : arguments_{std::move(arguments)}, caller_{std::move(caller)}, done_{std::move(done)} {}

command_call::command_call(command_call&& other) noexcept
    : arguments_{std::move(other.arguments_)}, caller_{std::move(other.caller_)},
      done_{std::exchange(other.done_, nullptr)} {}

command_call::~command_call() {
  refuse(command_error::internal_error, "the command ended without an answer");
}

std::optional<std::string_view> command_call::text(std::string_view name) const {
  const json::value* value = arguments_.if_contains(name);
  if (!value) return std::nullopt;
  const json::string& string = value->as_string();
  return std::string_view{string.data(), string.size()};
}

std::optional<std::int64_t> command_call::integer(std::string_view name) const {
  const json::value* value = arguments_.if_contains(name);
  return value ? std::optional{value->as_int64()} : std::nullopt;
}

std::optional<bool> command_call::flag(std::string_view name) const {
  const json::value* value = arguments_.if_contains(name);
  return value ? std::optional{value->as_bool()} : std::nullopt;
}

void command_call::answer(json::value value) {
  if (const auto done = std::exchange(done_, nullptr)) done(std::move(value));
}

void command_call::refuse(int code, std::string message) {
  if (const auto done = std::exchange(done_, nullptr))
    done(fail(command_error{.code = code, .message = std::move(message)}));
}

command_registry::command_registry() {
  add({.name = "help",
       .help = "Lists all commands, or tells the parameters of one.",
       .parameters = {{.name = "command", .is_required = false, .help = "name of a command"}},
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
  std::string name = c.name;
  commands_.insert_or_assign(std::move(name), std::move(c));
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

void command_registry::call(std::string_view name, const json::value& arguments, std::string caller,
                            std::function<void(command_reply)> done) {
  const auto found = commands_.find(name);
  if (found == commands_.end()) return done(fail(unknown(name)));
  auto checked = check(found->second, arguments);
  if (!checked) return done(fail(std::move(checked.error())));
  log_info("command {} by {}", name, caller);
  const auto run = found->second.run; // the command may replace itself
  run(command_call{std::move(*checked), std::move(caller), std::move(done)});
}

json::value command_registry::describe() const {
  json::object all;
  for (const auto& [name, c] : commands_) all[name] = c.help;
  return all;
}

command_reply command_registry::describe(std::string_view name) const {
  const auto found = commands_.find(name);
  if (found == commands_.end()) return fail(unknown(name));
  const command& c = found->second;
  json::object properties;
  json::array required;
  for (const command_parameter& p : c.parameters) {
    properties[p.name] = {{"type", type_name(p.type)}, {"description", p.help}};
    if (p.is_required) required.emplace_back(p.name);
  }
  return json::value{{"name", c.name},
                     {"help", c.help},
                     {"usage", usage(c)},
                     {"parameters",
                      {{"type", "object"},
                       {"properties", std::move(properties)},
                       {"required", std::move(required)},
                       {"additionalProperties", false}}}};
}

} // namespace tandem::control
