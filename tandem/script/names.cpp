// SPDX-License-Identifier: Apache-2.0
// Looks names of functions and variables up, and knows the nearest one.
#include <tandem/script/names.hpp>

#include <algorithm>
#include <fmt/format.h>

#include <tandem/base/text.hpp>

namespace tandem::script {

namespace {

/// Words that the language itself calls.
constexpr std::string_view language_words[] = {"route", "break", "drop", "return",
                                               "exit",  "if",    "else"};

bool declares(const module_info& module, std::string_view name) {
  const auto is_it = [&](const function_info& f) {
    return f.name == name ||
           std::find(f.synonyms.begin(), f.synonyms.end(), name) != f.synonyms.end();
  };
  return std::any_of(module.functions.begin(), module.functions.end(), is_it) ||
         std::any_of(module.aliases.begin(), module.aliases.end(),
                     [&](const alias_info& a) { return a.old_name == name; });
}

} // namespace

names::names(const registry& known) : registry_(known) { add(known.core()); }

void names::add(const module_info& module) {
  for (const function_info& f : module.functions) {
    functions_[f.name].push_back(&f);
    for (const std::string& s : f.synonyms) functions_[s].push_back(&f);
  }
  for (const variable_info& v : module.variables) variables_.try_emplace(v.name, &v);
  for (const alias_info& a : module.aliases) aliases_.try_emplace(a.old_name, a.name);
}

void names::load(const module_info& module) {
  if (is_loaded(module)) return;
  loaded_.push_back(&module);
  add(module);
}

bool names::is_loaded(const module_info& module) const noexcept {
  return std::find(loaded_.begin(), loaded_.end(), &module) != loaded_.end();
}

const function_info* names::find_function(std::string_view name, std::size_t arguments, span where,
                                          diagnostics& found) const {
  auto all = functions_.find(name);
  if (all == functions_.end()) {
    const auto alias = aliases_.find(name);
    if (alias != aliases_.end()) {
      all = functions_.find(alias->second);
      if (all != functions_.end())
        found.warning(where, fmt::format("{} is the old name", name),
                      fmt::format("write {}", alias->second));
    }
  }
  if (all == functions_.end()) {
    unknown(name, where, found);
    return nullptr;
  }
  for (const function_info* f : all->second)
    if (arguments >= f->min_count() && arguments <= f->max_count()) return f;

  std::string usages;
  for (const function_info* f : all->second)
    usages += (usages.empty() ? "" : " or ") + usage_of(*f);
  found.error(where, fmt::format("wrong number of arguments to {} ({})", name, arguments),
              "usage: " + usages);
  return nullptr;
}

void names::unknown(std::string_view name, span where, diagnostics& found) const {
  // A module that is known but not loaded is the likelier slip than a typing error.
  for (const auto& module : registry_.modules())
    if (!is_loaded(*module) && declares(*module, name))
      return found.error(
          where,
          fmt::format("{} is a function of the module {}, which is not loaded", name, module->name),
          fmt::format("add loadmodule \"{}.so\"", module->name));
  std::vector<std::string_view> all(std::begin(language_words), std::end(language_words));
  for (const auto& [known, functions] : functions_) all.push_back(known);
  for (const auto& module : registry_.modules())
    for (const function_info& f : module->functions) all.push_back(f.name);
  std::sort(all.begin(), all.end()); // the same answer in each run
  found.error(where, fmt::format("unknown function '{}'", name),
              did_you_mean(nearest_name(name, all)));
}

const variable_info* names::find_variable(std::string_view name) const noexcept {
  const auto found = variables_.find(name);
  return found == variables_.end() ? nullptr : found->second;
}

std::string_view names::nearest_variable(std::string_view name) const {
  std::vector<std::string_view> all;
  for (const auto& [known, info] : variables_) all.push_back(known);
  std::sort(all.begin(), all.end());
  return nearest_name(name, all);
}

} // namespace tandem::script
