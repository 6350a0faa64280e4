// SPDX-License-Identifier: Apache-2.0
// The table of core parameters, from core_parameters.def.
#include <tandem/script/core_parameters.hpp>

#include <array>
#include <fmt/format.h>
#include <utility>

namespace tandem::script {

namespace {

constexpr auto table = std::to_array<core_parameter_info>({
#define TANDEM_CORE_PARAMETER(id, kind, initial, state, least, most, help)                         \
  {core_parameter::id, #id, core_kind::kind, initial, core_state::state, least, most, help},
#include <tandem/script/core_parameters.def>
#undef TANDEM_CORE_PARAMETER
});

constexpr std::array<std::pair<std::string_view, core_parameter>, 10> synonyms{{
    {"uid", core_parameter::user},
    {"gid", core_parameter::group},
    {"wdir", core_parameter::workdir},
    {"tlslog", core_parameter::tls_log},
    {"tls_port", core_parameter::tls_port_no},
    {"stat_file", core_parameter::statistics},
    {"fifo_perm", core_parameter::fifo_mode},
    {"max_buffer", core_parameter::maxbuffer},
    {"log_level", core_parameter::debug},
    {"server_header", core_parameter::server_signature},
}};

std::string_view name_of(core_kind kind) {
  switch (kind) {
  case core_kind::boolean: return "yes/no";
  case core_kind::integer: return "number";
  case core_kind::string: return "string";
  case core_kind::list: return "list";
  }
  return "";
}

} // namespace

std::span<const core_parameter_info> core_parameters() noexcept { return table; }

const core_parameter_info& info_of(core_parameter id) noexcept {
  return table[static_cast<std::size_t>(id)];
}

const core_parameter_info* find_core_parameter(std::string_view name) noexcept {
  for (const core_parameter_info& p : table)
    if (p.name == name) return &p;
  for (const auto& [old, id] : synonyms)
    if (old == name) return &info_of(id);
  return nullptr;
}

std::string_view synonym_of_core_parameter(std::string_view name) noexcept {
  for (const auto& [old, id] : synonyms)
    if (old == name) return info_of(id).name;
  return {};
}

namespace {

std::string range_of(const core_parameter_info& p) {
  return p.kind == core_kind::integer ? fmt::format("{} to {}", p.min, p.max) : "";
}

std::string_view note_of(core_state state) {
  switch (state) {
  case core_state::active: return "";
  case core_state::at_start: return "(at start) ";
  case core_state::ignored: return "(no effect) ";
  }
  return "";
}

} // namespace

std::string list_core_parameters() {
  std::string out;
  for (const core_parameter_info& p : table)
    fmt::format_to(std::back_inserter(out), "{:<24} {:<7} {:<10} {:<18} {}{}\n", p.name,
                   name_of(p.kind), p.default_value.empty() ? "-" : p.default_value, range_of(p),
                   note_of(p.state), p.help);
  return out;
}

std::string core_parameters_as_markdown() {
  std::string out = "| parameter | kind | default | range | meaning |\n|---|---|---|---|---|\n";
  for (const core_parameter_info& p : table)
    fmt::format_to(std::back_inserter(out), "| `{}` | {} | {} | {} | {}{} |\n", p.name,
                   name_of(p.kind), p.default_value, range_of(p), note_of(p.state), p.help);
  return out;
}

} // namespace tandem::script
