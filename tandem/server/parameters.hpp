// SPDX-License-Identifier: Apache-2.0
// The parameters of the core or of a module, each bound to the field of the settings that it sets.
// One row says name, field, unit, range, when and help; type and default are those of the field, so
// that what the documentation says and what counts are one. Built once, then immutable; any thread.
//
//   const auto table = parameter_table<exec_settings>{}
//       .add("setvars", &exec_settings::sets_variables, "programs find the message in variables")
//       .add("time_to_kill", &exec_settings::deadline, {.min = 1, .max = 86'400, .unit = "s"},
//            "that a program may run");
//   info.parameters = table.declared();       // for the language, the documentation, -c, reload
//   table.read(setup, settings);              // in load()
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/script/registry.hpp>
#include <tandem/server/module.hpp>

#include <chrono>
#include <cstdint>
#include <fmt/format.h>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace tandem::server {

/// What a row says beside name, field and help.
struct parameter_options {
  std::int64_t min = 0;
  std::int64_t max = std::numeric_limits<std::int32_t>::max();
  std::string unit = {}; ///< of a number: "s", "ms", "bytes"; a duration is counted in "s" or "ms"
  script::read_when when = script::read_when::reload;
  std::vector<std::string> words = {};    ///< the only values of a text
  std::vector<std::string> synonyms = {}; ///< other names
};

template <typename Settings>
class parameter_table {
 public:
  /// \param field a pointer to a member, or a function that returns a reference to what is deeper
  /// in: a flag, a number, a duration, a text, a list, or an optional number, for which -1 is none
  template <typename Field>
  parameter_table add(std::string_view name, Field field, parameter_options more,
                      std::string_view help) && {
    Settings fresh{};
    using type = std::remove_cvref_t<decltype(std::invoke(field, fresh))>;
    script::parameter_info info{.name = std::string{name},
                                .kind = kind_of<type>(),
                                .default_value = to_text(std::invoke(field, fresh), more.unit),
                                .help = std::string{help},
                                .min = more.min,
                                .max = more.max,
                                .unit = more.unit,
                                .when = more.when,
                                .words = std::move(more.words),
                                .synonyms = std::move(more.synonyms)};
    read_.push_back([field, name = info.name,
                     unit = std::move(more.unit)](const parameter_values& setup, Settings& to) {
      set<type>(setup, name, unit, std::invoke(field, to));
    });
    declared_.push_back(std::move(info));
    return std::move(*this);
  }
  template <typename Field>
  parameter_table add(std::string_view name, Field field, std::string_view help) && {
    return std::move(*this).add(name, field, {}, help);
  }

  /// A parameter of the past: accepted, and a warning says why it has no effect.
  parameter_table without_effect(std::string name, script::parameter_kind kind, std::string why,
                                 std::vector<std::string> synonyms = {}) && {
    const bool is_text = kind == script::parameter_kind::string;
    declared_.push_back({.name = std::move(name),
                         .kind = kind,
                         .default_value = is_text ? "" : "0",
                         .help = {},
                         .without_effect = std::move(why),
                         .synonyms = std::move(synonyms)});
    return std::move(*this);
  }

  /// For module_info::parameters.
  [[nodiscard]] const std::vector<script::parameter_info>& declared() const noexcept {
    return declared_;
  }

  /// Sets every bound field to what the script says, or to its default.
  void read(const parameter_values& setup, Settings& to) const {
    for (const auto& one : read_) one(setup, to);
  }

 private:
  template <typename T>
  static constexpr bool is_duration = requires(T t) {
    std::chrono::duration_cast<duration>(t);
  };
  template <typename T>
  static constexpr bool is_optional = std::is_same_v<T, std::optional<unsigned>>;
  template <typename T>
  static constexpr bool is_list = std::is_same_v<T, std::vector<script::list_item>>;

  template <typename T>
  static consteval script::parameter_kind kind_of() {
    if constexpr (std::is_same_v<T, bool>)
      return script::parameter_kind::boolean;
    else if constexpr (is_list<T>)
      return script::parameter_kind::list;
    else if constexpr (std::is_same_v<T, std::string>)
      return script::parameter_kind::string;
    else
      return script::parameter_kind::integer;
  }

  static duration one(std::string_view unit) noexcept {
    return unit == "ms" ? duration{milliseconds{1}} : duration{seconds{1}};
  }

  template <typename T>
  static std::string to_text(const T& value, std::string_view unit) {
    if constexpr (is_list<T>)
      return {};
    else if constexpr (std::is_same_v<T, std::string>)
      return value;
    else if constexpr (is_duration<T>)
      return fmt::format("{}", value / one(unit));
    else if constexpr (is_optional<T>)
      return value ? fmt::format("{}", *value) : "-1";
    else
      return fmt::format("{:d}", value);
  }

  template <typename T>
  static void set(const parameter_values& setup, const std::string& name, std::string_view unit,
                  T& to) {
    if constexpr (is_list<T>)
      to = setup.list(name);
    else if constexpr (std::is_same_v<T, std::string>)
      to = setup.text(name);
    else if constexpr (std::is_same_v<T, bool>)
      to = setup.is_on(name);
    else if constexpr (is_duration<T>)
      to = setup.number(name) * one(unit);
    else if constexpr (is_optional<T>)
      to = setup.number(name) < 0 ? T{} : T{static_cast<unsigned>(setup.number(name))};
    else
      to = static_cast<T>(setup.number(name));
  }

  std::vector<script::parameter_info> declared_;
  std::vector<std::function<void(const parameter_values&, Settings&)>> read_;
};

} // namespace tandem::server
