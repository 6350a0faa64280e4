// SPDX-License-Identifier: Apache-2.0
// The parameters that a script sets, those of the core (module "core") and of modules, with where
// it sets them, so that a later complaint can point at the line. Part of a program: immutable then,
// any thread.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tandem/script/registry.hpp>
#include <tandem/script/source.hpp>

namespace tandem::script {

/// One item of a list parameter: "192.0.2.1", "udp:192.0.2.1:5060", "eth0", "example.com".
struct list_item {
  std::string text;
  span where;
};

/// Which of two behaviours holds where the original server and the RFCs differ.
enum class compatibility : std::uint8_t { classic, rfc };

/// Values of parameters; those that the script does not set have their declared default. Asking a
/// module for a parameter that it does not declare throws std::invalid_argument.
class settings {
 public:
  [[nodiscard]] bool is_set(std::string_view module, std::string_view name) const noexcept;
  /// Where it was set last; an empty span when it was not.
  [[nodiscard]] span where(std::string_view module, std::string_view name) const noexcept;

  /// Of a boolean or integer parameter.
  [[nodiscard]] std::int64_t number(const module_info& module, std::string_view name) const;
  [[nodiscard]] bool is_on(const module_info& module, std::string_view name) const {
    return number(module, name) != 0;
  }
  [[nodiscard]] std::string text(const module_info& module, std::string_view name) const;
  /// In the order of the script.
  [[nodiscard]] std::span<const list_item> list(const module_info& module,
                                                std::string_view name) const;

  /// The parameter `compat` when set, else classic for a script that begins with `#!SER` or loads
  /// modules by the paths of the original.
  [[nodiscard]] compatibility compat() const noexcept { return compat_; }

  /// The other has another value of it; where it was set makes no difference.
  [[nodiscard]] bool differs_from(const settings& other, const module_info& module,
                                  const parameter_info& parameter) const;

  void set_number(const module_info& module, const parameter_info& parameter, std::int64_t to,
                  span at);
  void set_text(const module_info& module, const parameter_info& parameter, std::string to,
                span at);
  void add_item(const module_info& module, const parameter_info& parameter, list_item item);
  void set_compat(compatibility which) noexcept { compat_ = which; }

 private:
  struct value {
    std::int64_t number = 0;
    std::string text;
    std::vector<list_item> items;
    span where;
  };

  /// So that a lookup by views makes no strings.
  struct before {
    using is_transparent = void;
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const noexcept {
      const int order = std::string_view(a.first).compare(std::string_view(b.first));
      return order != 0 ? order < 0 : std::string_view(a.second) < std::string_view(b.second);
    }
  };

  [[nodiscard]] const value* find(std::string_view module, std::string_view name) const noexcept;
  value& at(const module_info& module, const parameter_info& parameter, span where);

  std::map<std::pair<std::string, std::string>, value, before> values_;
  compatibility compat_ = compatibility::rfc;
};

} // namespace tandem::script
