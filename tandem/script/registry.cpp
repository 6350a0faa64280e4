// SPDX-License-Identifier: Apache-2.0
// Collects what the core and the modules declare, and lists it for people.
#include <tandem/script/registry.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <limits>
#include <stdexcept>

#include <tandem/base/text.hpp>
#include <tandem/script/core_functions.hpp>

namespace tandem::script {

std::string_view to_string(block_kind kind) noexcept {
  switch (kind) {
  case block_kind::request: return "route";
  case block_kind::failure: return "failure_route";
  case block_kind::onreply: return "onreply_route";
  }
  return "";
}

std::string usage_of(const function_info& function) {
  std::string out = fmt::format("{}(", function.name);
  for (std::size_t i = 0; i < function.arguments.size(); ++i) {
    const bool optional = i >= function.min_count();
    out += optional ? (i == 0 ? "[" : "[, ") : (i == 0 ? "" : ", ");
    out += function.arguments[i].name;
  }
  out.append(function.max_count() - function.min_count(), ']');
  out += ')';
  return out;
}

namespace {

[[noreturn]] void refuse(const module_info& module, std::string_view what, std::string_view why) {
  throw std::invalid_argument(fmt::format("module {}: {}: {}", module.name, what, why));
}

bool overlap(const function_info& a, const function_info& b) {
  return a.name == b.name && a.min_count() <= b.max_count() && b.min_count() <= a.max_count();
}

/// What is wrong in a declaration is a mistake of the program, found at its first start.
void validate(const module_info& module) {
  if (module.name.empty()) refuse(module, "module", "has no name");
  for (std::size_t i = 0; i < module.functions.size(); ++i) {
    const function_info& f = module.functions[i];
    if (f.name.empty() || !f.run) refuse(module, f.name, "has no name or no callback");
    if (f.arguments.size() > function_info::max_arguments)
      refuse(module, f.name, "too many arguments");
    if (f.min_count() > f.max_count()) refuse(module, f.name, "requires more than it takes");
    if (f.help.empty()) refuse(module, f.name, "has no help");
    for (std::size_t k = 0; k < i; ++k)
      if (overlap(f, module.functions[k])) refuse(module, f.name, "is declared twice");
  }
  for (const variable_info& v : module.variables)
    if (v.name.empty() || !v.read) refuse(module, v.name, "variable without name or callback");
  for (const parameter_info& p : module.parameters) {
    if (p.kind == parameter_kind::string || p.kind == parameter_kind::list) continue;
    const auto value = parse_signed_number<std::int64_t>(p.default_value);
    if (!value) refuse(module, p.name, "the default is not a number");
    if (p.kind == parameter_kind::integer && (*value < p.min || *value > p.max))
      refuse(module, p.name, "the default is out of range");
  }
}

template <typename T>
void append(std::vector<T>& to, std::vector<T>& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

} // namespace

registry::registry() : core_(language_core()) { validate(core_); }

void registry::add_core(module_info declared) {
  append(core_.functions, declared.functions);
  append(core_.variables, declared.variables);
  append(core_.aliases, declared.aliases);
  append(core_.parameters, declared.parameters);
  validate(core_);
}

void registry::add(module_info declared) {
  validate(declared);
  if (find_module(declared.name) != nullptr) refuse(declared, "module", "is declared twice");
  modules_.push_back(std::make_unique<module_info>(std::move(declared)));
}

const parameter_info* find_parameter(std::span<const parameter_info> in,
                                     std::string_view name) noexcept {
  for (const parameter_info& p : in)
    if (p.name == name || std::ranges::find(p.synonyms, name) != p.synonyms.end()) return &p;
  return nullptr;
}

const parameter_info* registry::find_parameter(std::string_view name) const noexcept {
  return script::find_parameter(core_.parameters, name);
}

const module_info* registry::find_module(std::string_view name) const noexcept {
  for (const auto& m : modules_) {
    if (m->name == name) return m.get();
    if (std::find(m->other_names.begin(), m->other_names.end(), name) != m->other_names.end())
      return m.get();
  }
  return nullptr;
}

namespace {

std::string blocks_of(const function_info& f) {
  std::string out;
  for (const block_kind kind : {block_kind::request, block_kind::failure, block_kind::onreply})
    if ((f.blocks & static_cast<block_mask>(kind)) != 0)
      out += fmt::format("{}{}", out.empty() ? "" : " ", to_string(kind));
  return out;
}

std::string help_of(const function_info& f) {
  std::string out = f.help;
  if (!f.synonyms.empty()) out += fmt::format(" (also {})", fmt::join(f.synonyms, ", "));
  return out;
}

void list_module(const module_info& m, std::string& out) {
  for (const function_info& f : m.functions)
    fmt::format_to(std::back_inserter(out), "{:<10} {:<44} {:<34} {}\n", m.name, usage_of(f),
                   blocks_of(f), help_of(f));
}

std::string_view name_of(parameter_kind kind) {
  switch (kind) {
  case parameter_kind::integer: return "number";
  case parameter_kind::boolean: return "yes/no";
  case parameter_kind::string: return "text";
  case parameter_kind::list: break;
  }
  return "list";
}

std::string default_of(const parameter_info& p) {
  if (p.kind == parameter_kind::boolean) return p.default_value == "0" ? "no" : "yes";
  return p.default_value;
}

/// "1 to 3600 s", "classic, rfc".
std::string range_of(const parameter_info& p) {
  if (p.kind == parameter_kind::string) return fmt::format("{}", fmt::join(p.words, ", "));
  if (p.kind != parameter_kind::integer) return {};
  const bool is_open = p.max == std::numeric_limits<std::int32_t>::max();
  std::string text =
      is_open ? fmt::format("from {}", p.min) : fmt::format("{} to {}", p.min, p.max);
  return p.unit.empty() ? text : text + " " + p.unit;
}

std::string meaning_of(const parameter_info& p) {
  if (!p.without_effect.empty())
    return p.help.empty() ? fmt::format("no effect: {}", p.without_effect)
                          : fmt::format("{} (no effect: {})", p.help, p.without_effect);
  std::string text = p.help;
  if (!p.synonyms.empty()) text += fmt::format(" (also {})", fmt::join(p.synonyms, ", "));
  if (p.when == read_when::start) text += " (fixed at start-up)";
  return text;
}

void list_parameters_of(const module_info& m, std::string& out) {
  for (const parameter_info& p : m.parameters) {
    const std::string initial = default_of(p);
    fmt::format_to(std::back_inserter(out), "{:<10} {:<24} {:<7} {:<10} {:<24} {}\n", m.name,
                   p.name, name_of(p.kind), initial.empty() ? "-" : initial,
                   p.without_effect.empty() ? range_of(p) : "", meaning_of(p));
  }
}

void describe_module(const module_info& m, std::string& out) {
  auto to = std::back_inserter(out);
  fmt::format_to(to, "## {}\n\n{}\n", m.name, m.help);
  if (!m.stub.empty()) fmt::format_to(to, "\nDoes nothing: {}\n", m.stub);
  if (!m.functions.empty()) out += "\n| function | in | |\n|---|---|---|\n";
  for (const function_info& f : m.functions)
    fmt::format_to(to, "| `{}` | {} | {} |\n", usage_of(f), blocks_of(f), help_of(f));
  if (!m.variables.empty()) out += "\n| variable | |\n|---|---|\n";
  for (const variable_info& v : m.variables)
    fmt::format_to(to, "| `${}{}` | {} |\n", v.name,
                   v.takes == variable_info::argument::required ? "(Name)" : "", v.help);
  if (!m.parameters.empty())
    out += "\n| parameter | kind | default | range | |\n|---|---|---|---|---|\n";
  for (const parameter_info& p : m.parameters)
    fmt::format_to(to, "| `{}` | {} | {} | {} | {} |\n", p.name, name_of(p.kind),
                   p.without_effect.empty() ? default_of(p) : "",
                   p.without_effect.empty() ? range_of(p) : "", meaning_of(p));
  if (!m.aliases.empty()) out += "\n| old name | now |\n|---|---|\n";
  for (const alias_info& a : m.aliases) fmt::format_to(to, "| `{}` | `{}` |\n", a.old_name, a.name);
  out += '\n';
}

} // namespace

std::string registry::list_functions() const {
  std::string out;
  list_module(core_, out);
  for (const auto& m : modules_) list_module(*m, out);
  return out;
}

std::string registry::list_parameters() const {
  std::string out;
  list_parameters_of(core_, out);
  for (const auto& m : modules_) list_parameters_of(*m, out);
  return out;
}

std::string registry::functions_as_markdown() const {
  std::string out;
  describe_module(core_, out);
  for (const auto& m : modules_) describe_module(*m, out);
  return out;
}

} // namespace tandem::script
