// SPDX-License-Identifier: Apache-2.0
#include <tandem/ctl/manual.hpp>

#include <tandem/base/printable.hpp>

#include <algorithm>
#include <boost/json.hpp>
#include <fmt/format.h>

namespace tandem::ctl {

namespace {

namespace json = boost::json;
using control::value_type;

std::string_view type_name(value_type type) noexcept {
  switch (type) {
  case value_type::text: return "text";
  case value_type::lines: return "text of several lines";
  case value_type::integer: return "integer";
  case value_type::flag: return "yes or no";
  case value_type::list: return "list, with commas between";
  case value_type::object: break;
  }
  return "object";
}

std::string_view type_of(const json::object& schema) noexcept {
  const json::value* type = schema.if_contains("type");
  if (!type || !type->is_string()) return "any";
  const auto& name = type->get_string();
  if (name == "array") return "list";
  if (name == "string") return "text";
  if (name == "boolean") return "yes or no";
  return {name.data(), name.size()};
}

void entry(std::string& to, std::size_t indent, std::string_view name, std::string_view what,
           std::string_view help) {
  const std::string in(indent, ' ');
  to += fmt::format("{}{:<14} {}\n", in, to_printable(name), what);
  if (!help.empty()) to += fmt::format("{}    {}\n", in, to_printable(help));
}

/// The fields of an answer, and within lists those of their rows.
void fields(std::string& to, const json::object& schema, std::size_t indent) {
  const auto one = [&](std::string_view name, const json::value& v) {
    const json::object* of = v.if_object();
    if (!of) return;
    const json::value* help = of->if_contains("description");
    entry(to, indent, name, type_of(*of),
          help && help->is_string()
              ? std::string_view{help->get_string().data(), help->get_string().size()}
              : std::string_view{});
    const json::value* items = of->if_contains("items");
    if (items && items->is_object()) fields(to, items->get_object(), indent + 4);
    fields(to, *of, indent + 4);
  };
  if (const json::value* all = schema.if_contains("properties"); all && all->is_object())
    for (const auto& [key, value] : all->get_object()) one({key.data(), key.size()}, value);
  if (const json::value* any = schema.if_contains("additionalProperties")) one("(name)", *any);
}

} // namespace

std::string list_commands(const catalog& all) {
  std::size_t width = 0;
  for (const auto& [name, help] : all.all()) width = std::max(width, width_of(name));
  std::string text;
  for (const auto& [name, help] : all.all())
    text += fmt::format("{:<{}}  {}\n", to_printable(as_words(name)), width, to_printable(help));
  return text;
}

std::string page_of(const declared_command& of) {
  std::string text = fmt::format("NAME\n    {} - {}\n\nUSAGE\n    tandemctl {}\n",
                                 to_printable(of.name), to_printable(of.help),
                                 to_printable(control::usage_of(as_words(of.name), of.parameters)));
  if (!of.parameters.empty()) {
    text += "\nARGUMENTS, in this order or as NAME=VALUE\n";
    for (const auto& p : of.parameters)
      entry(text, 4, p.name,
            fmt::format("{}{}", type_name(p.type), p.is_required ? "" : ", optional"), p.help);
  }
  std::string answer;
  fields(answer, of.reply, 4);
  if (!answer.empty()) text += "\nANSWER\n" + answer;
  return text + fmt::format("\nROLE\n    {}\n", to_printable(of.role));
}

} // namespace tandem::ctl
