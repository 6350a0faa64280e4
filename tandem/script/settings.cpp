// SPDX-License-Identifier: Apache-2.0
// Values of parameters, with their defaults.
#include <tandem/script/settings.hpp>

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace tandem::script {

namespace {

std::int64_t to_number(std::string_view text) noexcept {
  if (text == "yes") return 1;
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

} // namespace

bool settings::is_set(core_parameter id) const noexcept { return values_.contains(id); }

span settings::where(core_parameter id) const noexcept {
  const auto found = values_.find(id);
  return found == values_.end() ? span{} : found->second.where;
}

std::int64_t settings::number(core_parameter id) const noexcept {
  const auto found = values_.find(id);
  return found == values_.end() ? to_number(info_of(id).default_value) : found->second.number;
}

std::string_view settings::text(core_parameter id) const noexcept {
  const auto found = values_.find(id);
  return found == values_.end() ? info_of(id).default_value : std::string_view(found->second.text);
}

std::span<const list_item> settings::list(core_parameter id) const noexcept {
  const auto found = values_.find(id);
  if (found == values_.end()) return {};
  return found->second.items;
}

bool settings::differs_from(const settings& other, core_parameter id) const {
  const core_kind kind = info_of(id).kind;
  if (kind == core_kind::string) return text(id) != other.text(id);
  if (kind != core_kind::list) return number(id) != other.number(id);
  const auto mine = list(id);
  const auto its = other.list(id);
  return !std::equal(mine.begin(), mine.end(), its.begin(), its.end(),
                     [](const list_item& a, const list_item& b) { return a.text == b.text; });
}

void settings::set_number(core_parameter id, std::int64_t to, span at) {
  value& v = values_[id];
  v.number = to;
  v.where = at;
}

void settings::set_text(core_parameter id, std::string to, span at) {
  value& v = values_[id];
  v.text = std::move(to);
  v.where = at;
}

void settings::add_item(core_parameter id, list_item item) {
  value& v = values_[id];
  v.where = item.where;
  v.items.push_back(std::move(item));
}

namespace {

const parameter_info& declared(const module_info& module, std::string_view name) {
  for (const parameter_info& p : module.parameters)
    if (p.name == name) return p;
  throw std::invalid_argument("module " + module.name + " declares no parameter " +
                              std::string(name));
}

} // namespace

bool module_settings::is_set(std::string_view module, std::string_view name) const noexcept {
  return values_.contains(std::pair(module, name));
}

span module_settings::where(std::string_view module, std::string_view name) const noexcept {
  const auto found = values_.find(std::pair(module, name));
  return found == values_.end() ? span{} : found->second.where;
}

std::int64_t module_settings::number(const module_info& module, std::string_view name) const {
  const parameter_info& p = declared(module, name);
  const auto found = values_.find(std::pair(std::string_view(module.name), name));
  return found == values_.end() ? to_number(p.default_value) : found->second.number;
}

std::string module_settings::text(const module_info& module, std::string_view name) const {
  const parameter_info& p = declared(module, name);
  const auto found = values_.find(std::pair(std::string_view(module.name), name));
  return found == values_.end() ? p.default_value : found->second.text;
}

void module_settings::set(const module_info& module, const parameter_info& parameter,
                          std::int64_t number, std::string text, span at) {
  values_[std::pair(module.name, parameter.name)] = {number, std::move(text), at};
}

} // namespace tandem::script
