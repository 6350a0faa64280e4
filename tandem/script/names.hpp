// SPDX-License-Identifier: Apache-2.0
// The names that one script can use: the core's and those of the modules that it loads. Made while
// a script is checked; views of the registry.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <tandem/script/diagnostics.hpp>
#include <tandem/script/registry.hpp>

namespace tandem::script {

class names {
 public:
  explicit names(const registry& known);

  /// Makes a module's names usable.
  void load(const module_info& module);
  [[nodiscard]] bool is_loaded(const module_info& module) const noexcept;
  [[nodiscard]] std::span<const module_info* const> loaded() const noexcept { return loaded_; }

  /// The function of that name that takes so many arguments. Complains and returns null when there
  /// is none; warns about an old name.
  const function_info* find_function(std::string_view name, std::size_t arguments, span where,
                                     diagnostics& found) const;
  /// Null when there is none.
  [[nodiscard]] const variable_info* find_variable(std::string_view name) const noexcept;
  [[nodiscard]] std::string_view nearest_variable(std::string_view name) const;

 private:
  void add(const module_info& module);
  void unknown(std::string_view name, span where, diagnostics& found) const;

  const registry& registry_;
  std::vector<const module_info*> loaded_;
  std::unordered_map<std::string_view, std::vector<const function_info*>> functions_;
  std::unordered_map<std::string_view, const variable_info*> variables_;
  std::unordered_map<std::string_view, std::string_view> aliases_;
};

} // namespace tandem::script
