// SPDX-License-Identifier: Apache-2.0
#include <tandem/ctl/table.hpp>

#include <tandem/base/text.hpp>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cstdint>
#include <vector>

namespace tandem::ctl {

namespace {

namespace json = boost::json;

constexpr std::string_view between = "  ";

using line = std::vector<std::string>;

std::string_view view(json::string_view text) { return {text.data(), text.size()}; }

/// A value in one cell.
std::string cell(const json::value& v) {
  if (v.is_null()) return {};
  if (v.is_string()) return to_printable(view(v.get_string()));
  if (v.is_bool()) return v.get_bool() ? "yes" : "no";
  if (const json::array* all = v.if_array()) {
    std::string joined;
    for (const json::value& one : *all) joined += (joined.empty() ? "" : ", ") + cell(one);
    return joined;
  }
  return to_printable(json::serialize(v));
}

bool is_rows(const json::value& v) noexcept {
  const json::array* all = v.if_array();
  return all && !all->empty() &&
         std::ranges::all_of(*all, [](const json::value& one) { return one.is_object(); });
}

/// The columns of rows: those of the schema in its order, then what else the rows have.
line columns_of(const std::vector<json::object>& rows, const json::object& schema) {
  line all;
  const auto add = [&all](std::string_view name) {
    if (std::ranges::find(all, name) == all.end()) all.emplace_back(name);
  };
  const auto has_any = [&rows](std::string_view name) {
    return std::ranges::any_of(rows, [name](const json::object& r) { return r.contains(name); });
  };
  const auto add_declared = [&](const auto& self, const json::object& of) -> void {
    const json::value* properties = of.if_contains("properties");
    if (!properties || !properties->is_object()) return;
    for (const auto& [key, value] : properties->get_object()) {
      if (has_any(view(key))) add(view(key));
      const json::value* items =
          value.is_object() ? value.get_object().if_contains("items") : nullptr;
      if (items && items->is_object()) self(self, items->get_object()); // of an inner list
    }
  };
  add_declared(add_declared, schema);
  for (const json::object& row : rows)
    for (const auto& [key, value] : row) add(view(key));
  return all;
}

/// Each row of an inner list as a row of its own, with what stands beside the list.
std::vector<json::object> flatten(const json::array& rows) {
  std::vector<json::object> flat;
  for (const json::value& v : rows) {
    json::object outer;
    for (const auto& [key, value] : v.get_object())
      if (const json::array* list = value.if_array(); !list || !list->empty()) outer[key] = value;
    const auto inner =
        std::ranges::find_if(outer, [](const auto& f) { return is_rows(f.value()); });
    if (inner == outer.end()) {
      flat.push_back(std::move(outer));
      continue;
    }
    const json::array within = inner->value().get_array();
    outer.erase(inner);
    for (const json::value& one : within) {
      json::object row = outer;
      for (const auto& [key, value] : one.get_object())
        if (!row.contains(key)) row[key] = value;
      flat.push_back(std::move(row));
    }
  }
  return flat;
}

std::string heading(std::string_view name) {
  std::string text = to_printable(name);
  for (char& c : text) c = c == '_' ? ' ' : to_upper(c);
  return text;
}

void write(std::string& to, const std::vector<line>& lines) {
  std::vector<std::size_t> widths;
  for (const line& one : lines) {
    widths.resize(std::max(widths.size(), one.size()));
    for (std::size_t i = 0; i < one.size(); ++i) widths[i] = std::max(widths[i], width_of(one[i]));
  }
  for (const line& one : lines) {
    std::string text;
    for (std::size_t i = 0; i < one.size(); ++i) {
      text += one[i];
      if (i + 1 < one.size()) text.append(widths[i] - width_of(one[i]), ' ').append(between);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    to += text + "\n";
  }
}

json::object schema_of_items(const json::object& reply, std::string_view field) {
  const json::value* properties = reply.if_contains("properties");
  const json::value* of =
      properties && properties->is_object() ? properties->get_object().if_contains(field) : nullptr;
  const json::value* items =
      of && of->is_object() ? of->get_object().if_contains("items") : nullptr;
  return items && items->is_object() ? items->get_object() : json::object{};
}

void write_rows(std::string& to, const json::array& rows, const json::object& schema) {
  const auto flat = flatten(rows);
  const line columns = columns_of(flat, schema);
  std::vector<line> lines(1);
  for (const std::string& name : columns) lines[0].push_back(heading(name));
  for (const json::object& row : flat) {
    line made;
    for (const std::string& name : columns) {
      const json::value* value = row.if_contains(name);
      made.push_back(value ? cell(*value) : "");
    }
    lines.push_back(std::move(made));
  }
  write(to, lines);
}

/// A text of several lines, each made printable.
void write_lines(std::string& to, std::string_view text) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    to += to_printable(text.substr(0, end)) + "\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

} // namespace

std::string to_table(const json::value& answer, const json::object& reply) {
  std::string text;
  const json::object* fields = answer.if_object();
  if (!fields) return cell(answer) + "\n";
  std::vector<line> values;
  std::string after;
  for (const auto& [key, value] : *fields) {
    const std::string_view name = view(key);
    if (is_rows(value)) {
      write_rows(text, value.get_array(), schema_of_items(reply, name));
    } else if (value.is_array()) {
      for (const json::value& one : value.get_array()) after += cell(one) + "\n";
    } else if (value.is_string() && view(value.get_string()).find('\n') != std::string_view::npos) {
      write_lines(after, view(value.get_string()));
    } else if (!(value.is_string() && value.get_string().empty())) {
      values.push_back({to_printable(name), cell(value)});
    }
  }
  write(text, values);
  return text + after;
}

namespace {

/// The length of the UTF-8 character that the text begins with (RFC 3629 4), when it is one that is
/// printed; 0 for a byte that begins none, and for a control character.
std::size_t printable_length(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80U) return first >= 0x20U && first != 0x7fU ? 1 : 0;
  const std::size_t length = first >= 0xf0U ? 4 : first >= 0xe0U ? 3 : 2;
  if (first < 0xc2U || first > 0xf4U || text.size() < length) return 0;
  std::uint32_t code = first & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80U) return 0;
    code = (code << 6U) | (byte(i) & 0x3fU);
  }
  constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < least[length] || code > 0x10ffffU || (code >= 0xd800U && code < 0xe000U)) return 0;
  const bool is_control = code < 0xa0U;                             // C1
  const bool is_direction = (code >= 0x200eU && code <= 0x200fU) || // they turn a line
                            (code >= 0x2028U && code <= 0x202eU) || // around, or break it
                            (code >= 0x2066U && code <= 0x2069U);
  return is_control || is_direction ? 0 : length;
}

} // namespace

std::string to_printable(std::string_view text) {
  std::string made;
  made.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = printable_length(text);
    made += length == 0 ? std::string_view{"?"} : text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return made;
}

std::size_t width_of(std::string_view text) noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

} // namespace tandem::ctl
