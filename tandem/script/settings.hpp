// SPDX-License-Identifier: Apache-2.0
// The parameters that a script sets, with where it sets them, so that a later complaint can point
// at the line. Part of a program: immutable then, any thread.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tandem/script/core_parameters.hpp>
#include <tandem/script/registry.hpp>
#include <tandem/script/source.hpp>

namespace tandem::script {

/// One item of a list parameter: "192.0.2.1", "udp:192.0.2.1:5060", "eth0", "example.com".
struct list_item {
  std::string text;
  span where;
};

/// D14: which of two behaviours holds where the original server and the RFCs differ.
enum class compatibility : std::uint8_t { classic, rfc };

/// Values of core parameters; those that the script does not set have their default.
class settings {
 public:
  [[nodiscard]] bool is_set(core_parameter id) const noexcept;
  /// Where it was set last; an empty span when it was not.
  [[nodiscard]] span where(core_parameter id) const noexcept;

  /// Of a boolean or integer parameter.
  [[nodiscard]] std::int64_t number(core_parameter id) const noexcept;
  [[nodiscard]] bool is_on(core_parameter id) const noexcept { return number(id) != 0; }
  /// Of a string parameter, empty when unset without default.
  [[nodiscard]] std::string_view text(core_parameter id) const noexcept;
  /// Of a list parameter, in the order of the script.
  [[nodiscard]] std::span<const list_item> list(core_parameter id) const noexcept;

  /// The parameter `compat` when set, else classic for a script that begins with `#!SER` or loads
  /// modules by the paths of the original.
  [[nodiscard]] compatibility compat() const noexcept { return compat_; }

  /// The other has another value of it; where it was set makes no difference.
  [[nodiscard]] bool differs_from(const settings& other, core_parameter id) const;

  void set_number(core_parameter id, std::int64_t to, span at);
  void set_text(core_parameter id, std::string to, span at);
  void add_item(core_parameter id, list_item item);
  void set_compat(compatibility which) noexcept { compat_ = which; }

 private:
  struct value {
    std::int64_t number = 0;
    std::string text;
    std::vector<list_item> items;
    span where;
  };

  std::map<core_parameter, value> values_;
  compatibility compat_ = compatibility::rfc;
};

/// Values of module parameters; those that the script does not set have their declared default.
class module_settings {
 public:
  [[nodiscard]] bool is_set(std::string_view module, std::string_view name) const noexcept;
  [[nodiscard]] span where(std::string_view module, std::string_view name) const noexcept;
  [[nodiscard]] std::int64_t number(const module_info& module, std::string_view name) const;
  [[nodiscard]] bool is_on(const module_info& module, std::string_view name) const {
    return number(module, name) != 0;
  }
  [[nodiscard]] std::string text(const module_info& module, std::string_view name) const;

  void set(const module_info& module, const parameter_info& parameter, std::int64_t number,
           std::string text, span at);

 private:
  struct value {
    std::int64_t number = 0;
    std::string text;
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

  std::map<std::pair<std::string, std::string>, value, before> values_;
};

} // namespace tandem::script
