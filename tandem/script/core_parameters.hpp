// SPDX-License-Identifier: Apache-2.0
// The parameters of the server itself (`debug=3`): declared once in core_parameters.def; names,
// kinds, defaults and the docs page come from there. Constant data, any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tandem::script {

/// One for each row of core_parameters.def.
enum class core_parameter : std::uint8_t {
#define TANDEM_CORE_PARAMETER(id, kind, initial, state, least, most, help) id,
#include <tandem/script/core_parameters.def>
#undef TANDEM_CORE_PARAMETER
};

enum class core_kind : std::uint8_t {
  boolean, ///< yes no on off true false enable disable 1 0
  integer, ///< a decimal number, may be negative
  string,  ///< "text", or a bare word
  list,    ///< addresses or names, several; a second assignment adds
};

enum class core_state : std::uint8_t {
  active,   ///< a reload follows it
  at_start, ///< read when the server starts; a reload that finds another value says so
  ignored,  ///< known and harmless: a warning says that it has no effect here
};

struct core_parameter_info {
  core_parameter id;
  std::string_view name;
  core_kind kind;
  std::string_view default_value; ///< as it would be written; empty: unset
  core_state state;
  std::int64_t min, max; ///< of an integer
  std::string_view help;
};

[[nodiscard]] std::span<const core_parameter_info> core_parameters() noexcept;
[[nodiscard]] const core_parameter_info& info_of(core_parameter id) noexcept;
/// By name or by an older name of it (uid, gid, wdir, tlslog ...); null when there is none.
[[nodiscard]] const core_parameter_info* find_core_parameter(std::string_view name) noexcept;
/// The name that stands for an older one; empty when `name` is none.
[[nodiscard]] std::string_view synonym_of_core_parameter(std::string_view name) noexcept;

/// A text table (`tandemd --list-parameters`).
[[nodiscard]] std::string list_core_parameters();
/// The same as a table of the documentation.
[[nodiscard]] std::string core_parameters_as_markdown();

} // namespace tandem::script
