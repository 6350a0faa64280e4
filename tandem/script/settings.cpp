// SPDX-License-Identifier: Apache-2.0
// Values of parameters, with their defaults.
#include <tandem/script/settings.hpp>

#include <algorithm>
#include <stdexcept>

#include <tandem/base/text.hpp>

namespace tandem::script {

namespace {

const parameter_info& declared(const module_info& module, std::string_view name) {
  for (const parameter_info& p : module.parameters)
    if (p.name == name) return p;
  throw std::invalid_argument("module " + module.name + " declares no parameter " +
                              std::string(name));
}

} // namespace

const settings::value* settings::find(std::string_view module,
                                      std::string_view name) const noexcept {
  const auto found = values_.find(std::pair(module, name));
  return found == values_.end() ? nullptr : &found->second;
}

settings::value& settings::at(const module_info& module, const parameter_info& parameter,
                              span where) {
  value& v = values_[std::pair(module.name, parameter.name)];
  v.where = where;
  return v;
}

bool settings::is_set(std::string_view module, std::string_view name) const noexcept {
  return find(module, name) != nullptr;
}

span settings::where(std::string_view module, std::string_view name) const noexcept {
  const value* v = find(module, name);
  return v ? v->where : span{};
}

std::int64_t settings::number(const module_info& module, std::string_view name) const {
  const parameter_info& p = declared(module, name);
  const value* v = find(module.name, name);
  return v ? v->number : parse_signed_number<std::int64_t>(p.default_value).value_or(0);
}

std::string settings::text(const module_info& module, std::string_view name) const {
  const parameter_info& p = declared(module, name);
  const value* v = find(module.name, name);
  return v ? v->text : p.default_value;
}

std::span<const list_item> settings::list(const module_info& module, std::string_view name) const {
  (void)declared(module, name);
  const value* v = find(module.name, name);
  return v ? std::span<const list_item>{v->items} : std::span<const list_item>{};
}

bool settings::differs_from(const settings& other, const module_info& module,
                            const parameter_info& parameter) const {
  const std::string_view name = parameter.name;
  if (parameter.kind == parameter_kind::string)
    return text(module, name) != other.text(module, name);
  if (parameter.kind != parameter_kind::list)
    return number(module, name) != other.number(module, name);
  const auto mine = list(module, name);
  const auto its = other.list(module, name);
  return !std::equal(mine.begin(), mine.end(), its.begin(), its.end(),
                     [](const list_item& a, const list_item& b) { return a.text == b.text; });
}

void settings::set_number(const module_info& module, const parameter_info& parameter,
                          std::int64_t to, span at_place) {
  at(module, parameter, at_place).number = to;
}

void settings::set_text(const module_info& module, const parameter_info& parameter, std::string to,
                        span at_place) {
  at(module, parameter, at_place).text = std::move(to);
}

void settings::add_item(const module_info& module, const parameter_info& parameter,
                        list_item item) {
  at(module, parameter, item.where).items.push_back(std::move(item));
}

} // namespace tandem::script
