// SPDX-License-Identifier: Apache-2.0
#include <tandem/control/declaration.hpp>

#include <tandem/base/split.hpp>
#include <tandem/base/text.hpp>

#include <algorithm>
#include <boost/json/value.hpp>
#include <fmt/format.h>
#include <utility>

namespace tandem::control {

namespace json = boost::json;

namespace {

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }

/// What a parameter must be, for people.
std::string_view wanted(value_type type) noexcept {
  switch (type) {
  case value_type::text: return "a string of one line";
  case value_type::lines: return "a string";
  case value_type::integer: return "an integer";
  case value_type::flag: return "true or false";
  case value_type::list: return "a list of strings";
  case value_type::object: break;
  }
  return "an object";
}

/// Its name in JSON Schema.
std::string_view schema_name(value_type type) noexcept {
  switch (type) {
  case value_type::text:
  case value_type::lines: return "string";
  case value_type::integer: return "integer";
  case value_type::flag: return "boolean";
  case value_type::list: return "array";
  case value_type::object: break;
  }
  return "object";
}

bool is_one_line(std::string_view text) noexcept {
  return text.find_first_of(std::string_view{"\r\n\0", 3}) == text.npos;
}

bool is_text(const json::value& value) noexcept {
  return value.is_string() && is_one_line(view(value.get_string()));
}

bool has_type(const json::value& value, value_type type) noexcept {
  switch (type) {
  case value_type::text: return is_text(value);
  case value_type::lines: return value.is_string();
  case value_type::integer: return value.is_int64();
  case value_type::flag: return value.is_bool();
  case value_type::list: {
    const json::array* all = value.if_array();
    return all && std::ranges::all_of(*all, is_text);
  }
  case value_type::object: break;
  }
  return value.is_object();
}

result<json::object, std::string> by_name(const std::vector<command_parameter>& declared,
                                          const json::value& given) {
  if (given.is_null()) return json::object{};
  if (const json::object* object = given.if_object()) return *object;
  const json::array* array = given.if_array();
  if (!array) return fail(std::string{"the arguments must be an object or an array"});
  if (array->size() > declared.size()) return fail(std::string{"too many arguments"});
  json::object named;
  for (std::size_t i = 0; i < array->size(); ++i) named[declared[i].name] = (*array)[i];
  return named;
}

std::string no_parameter(std::string_view name, const std::vector<command_parameter>& declared) {
  std::vector<std::string_view> names;
  names.reserve(declared.size());
  for (const command_parameter& p : declared) names.push_back(p.name);
  const auto near = nearest_name(name, names);
  return fmt::format("there is no parameter '{}'{}", name,
                     near.empty() ? "" : fmt::format("; did you mean '{}'?", near));
}

const command_parameter* find(const std::vector<command_parameter>& declared,
                              std::string_view name) {
  const auto found = std::ranges::find(declared, name, &command_parameter::name);
  return found == declared.end() ? nullptr : &*found;
}

} // namespace

json::value read_word(value_type type, std::string_view word) {
  if (type == value_type::integer)
    if (const auto number = parse_signed_number<std::int64_t>(word)) return json::value(*number);
  if (type == value_type::flag) {
    if (word == "true" || word == "yes" || word == "1") return json::value(true);
    if (word == "false" || word == "no" || word == "0") return json::value(false);
  }
  if (type == value_type::list) {
    json::array all;
    for (const std::string_view one : split(word, ',')) all.emplace_back(one);
    return all;
  }
  return json::value(json::string{word});
}

result<arguments, std::string> arguments::from_json(const std::vector<command_parameter>& declared,
                                                    const json::value& given) {
  auto named = by_name(declared, given);
  if (!named) return fail(std::move(named.error()));
  for (const command_parameter& p : declared) {
    auto found = named->find(p.name);
    if (found != named->end() && found->value().is_null() && !p.is_required) {
      named->erase(found);
      found = named->end();
    }
    if (found == named->end()) {
      if (p.is_required) return fail(fmt::format("'{}' is missing", p.name));
    } else if (!has_type(found->value(), p.type)) {
      return fail(fmt::format("'{}' must be {}", p.name, wanted(p.type)));
    }
  }
  for (const auto& [key, value] : *named)
    if (const std::string_view name{key.data(), key.size()}; !find(declared, name))
      return fail(no_parameter(name, declared));
  return arguments{std::move(*named)};
}

result<arguments, std::string> arguments::from_words(const std::vector<command_parameter>& declared,
                                                     const std::vector<std::string>& words) {
  json::object values;
  auto next = declared.begin();
  for (const std::string& word : words) {
    const auto equals = word.find('=');
    const auto name = std::string_view{word}.substr(0, equals);
    const command_parameter* p = equals == word.npos ? nullptr : find(declared, name);
    std::string_view text = word;
    if (p) {
      text.remove_prefix(equals + 1);
    } else {
      while (next != declared.end() && values.contains(next->name)) ++next;
      if (next == declared.end())
        return fail(equals == word.npos ? fmt::format("'{}' is one argument too many", word)
                                        : no_parameter(name, declared));
      p = &*next;
    }
    values[p->name] = read_word(p->type, text);
  }
  return from_json(declared, values);
}

std::optional<std::string_view> arguments::text(std::string_view name) const {
  const json::value* value = values_.if_contains(name);
  return value ? std::optional{view(value->as_string())} : std::nullopt;
}

std::optional<std::int64_t> arguments::integer(std::string_view name) const {
  const json::value* value = values_.if_contains(name);
  return value ? std::optional{value->as_int64()} : std::nullopt;
}

std::optional<bool> arguments::flag(std::string_view name) const {
  const json::value* value = values_.if_contains(name);
  return value ? std::optional{value->as_bool()} : std::nullopt;
}

std::vector<std::string_view> arguments::list(std::string_view name) const {
  std::vector<std::string_view> all;
  if (const json::value* value = values_.if_contains(name))
    for (const json::value& one : value->as_array()) all.push_back(view(one.as_string()));
  return all;
}

std::string usage_of(std::string_view command, const std::vector<command_parameter>& declared) {
  std::string text{command};
  for (const command_parameter& p : declared)
    text += p.is_required ? fmt::format(" {}", p.name) : fmt::format(" [{}]", p.name);
  return text;
}

json::object schema_of(const std::vector<command_parameter>& declared) {
  json::object properties;
  json::array required;
  for (const command_parameter& p : declared) {
    json::object one{{"type", schema_name(p.type)}, {"description", p.help}};
    if (p.type == value_type::lines) one["contentMediaType"] = "text/plain";
    if (p.type == value_type::list) one["items"] = {{"type", "string"}};
    properties[p.name] = std::move(one);
    if (p.is_required) required.emplace_back(p.name);
  }
  return {{"type", "object"},
          {"properties", std::move(properties)},
          {"required", std::move(required)},
          {"additionalProperties", false}};
}

std::vector<command_parameter> parameters_of(const json::object& schema) {
  std::vector<command_parameter> all;
  const json::value* properties = schema.if_contains("properties");
  const json::object* named = properties ? properties->if_object() : nullptr;
  if (!named) return all;
  for (const auto& [name, value] : *named) {
    command_parameter p{.name = std::string{name}, .is_required = false};
    const json::object* of = value.if_object();
    const json::value* type = of ? of->if_contains("type") : nullptr;
    const json::value* help = of ? of->if_contains("description") : nullptr;
    if (help && help->is_string()) p.help = view(help->get_string());
    if (type && type->is_string())
      for (const value_type t : {value_type::integer, value_type::flag, value_type::list})
        if (view(type->get_string()) == schema_name(t)) p.type = t;
    if (p.type == value_type::text && of && of->contains("contentMediaType"))
      p.type = value_type::lines;
    all.push_back(std::move(p));
  }
  const json::value* required = schema.if_contains("required");
  if (required && required->is_array())
    for (const json::value& name : required->get_array())
      if (name.is_string())
        if (const auto found =
                std::ranges::find(all, view(name.get_string()), &command_parameter::name);
            found != all.end())
          found->is_required = true;
  return all;
}

json::object schema_of(const std::vector<reply_field>& declared) {
  json::object properties;
  json::object made{{"type", "object"}};
  for (const reply_field& f : declared) {
    json::object one;
    if (f.type == value_type::object && !f.fields.empty()) {
      one = schema_of(f.fields);
    } else {
      one["type"] = schema_name(f.type);
      if (f.type == value_type::list)
        one["items"] = f.fields.empty() ? json::object{{"type", "string"}} : schema_of(f.fields);
    }
    one["description"] = f.help;
    if (f.name == "*")
      made["additionalProperties"] = std::move(one);
    else
      properties[f.name] = std::move(one);
  }
  made["properties"] = std::move(properties);
  return made;
}

namespace {

bool fits_field(const reply_field& declared, const json::value& value) noexcept {
  if (declared.type == value_type::object && !declared.fields.empty())
    return fits(declared.fields, value);
  if (declared.type == value_type::text) return value.is_string(); // with what a peer put into it
  if (declared.type != value_type::list || declared.fields.empty())
    return declared.type == value_type::integer ? value.is_number()
                                                : has_type(value, declared.type);
  const json::array* rows = value.if_array();
  return rows && std::ranges::all_of(
                     *rows, [&](const json::value& row) { return fits(declared.fields, row); });
}

} // namespace

bool fits(const std::vector<reply_field>& declared, const json::value& reply) noexcept {
  const json::object* object = reply.if_object();
  if (!object) return false;
  const auto open = std::ranges::find(declared, "*", &reply_field::name);
  for (const auto& [key, value] : *object) {
    const std::string_view name{key.data(), key.size()};
    auto found = std::ranges::find(declared, name, &reply_field::name);
    if (found == declared.end()) found = open;
    if (found == declared.end() || !fits_field(*found, value)) return false;
  }
  return true;
}

} // namespace tandem::control
