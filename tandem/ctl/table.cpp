// SPDX-License-Identifier: Apache-2.0
#include <tandem/ctl/table.hpp>

#include <tandem/base/printable.hpp>
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

} // namespace tandem::ctl
