// SPDX-License-Identifier: Apache-2.0
// Core parameters, loadmodule, modparam.
#include <tandem/script/configuration.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <optional>

#include <tandem/base/text.hpp>
#include <tandem/script/core_functions.hpp>
#include <tandem/script/pattern.hpp>

namespace tandem::script {

namespace {

/// A number as it may be written: digits, a constant (yes, off), or digits in quotes.
std::optional<std::int64_t> number_of(const token& t) {
  if (t.kind == token_kind::number) return t.number;
  if (t.kind == token_kind::string) {
    if (const auto value = parse_signed_number<std::int64_t>(t.text)) return value;
  }
  if (const std::int64_t* constant = find_constant(t.text)) return *constant;
  return std::nullopt;
}

/// A value as it is written for a parameter of one value.
struct written_value {
  const token& first;
  std::int64_t sign; ///< -1 where a minus stands before it
  span where;
};

void apply_number(const module_info& module, const parameter_info& p, const std::string& name,
                  const written_value& v, settings& to, diagnostics& found) {
  const bool is_yes_or_no = p.kind == parameter_kind::boolean;
  const auto number = number_of(v.first);
  if (!number)
    return found.error(v.where, fmt::format("{} is {}; expected {}", name, describe(v.first),
                                            is_yes_or_no ? "yes or no" : "a number"));
  const std::int64_t value = *number * v.sign;
  // Other constants are numbers too: `fork=tls` would be a yes.
  if (is_yes_or_no && value != 0 && value != 1)
    return found.error(v.where, fmt::format("{} is {}; expected yes or no", name, value));
  if (!is_yes_or_no && (value < p.min || value > p.max))
    return found.error(v.where, fmt::format("{} is {}; expected {} to {}{}{}", name, value, p.min,
                                            p.max, p.unit.empty() ? "" : " ", p.unit));
  to.set_number(module, p, value, v.where);
}

void apply_text(const module_info& module, const parameter_info& p, const std::string& name,
                std::string text, span where, settings& to, diagnostics& found) {
  if (!p.words.empty() && std::ranges::find(p.words, text) == p.words.end())
    found.error(where,
                fmt::format("{} is '{}'; expected {}", name, text, fmt::join(p.words, " or ")),
                did_you_mean(nearest_name(text, p.words)));
  to.set_text(module, p, std::move(text), where);
}

void warn_of_no_effect(const parameter_info& p, const std::string& name, span where,
                       diagnostics& found) {
  if (!p.without_effect.empty())
    found.warning(where, fmt::format("{} has no effect: {}", name, p.without_effect));
}

void apply(const module_info& core, const parameter_info& p, const assignment_syntax& a,
           settings& to, diagnostics& found) {
  warn_of_no_effect(p, a.name.text, a.name.where, found);
  const value_syntax& v = a.values.front();
  if (p.kind == parameter_kind::list) {
    for (const value_syntax& item : a.values) to.add_item(core, p, {item.text, item.where});
  } else if (p.kind == parameter_kind::string) {
    apply_text(core, p, p.name, v.text, v.where, to, found);
  } else {
    apply_number(core, p, p.name, {v.first, 1, v.where}, to, found);
  }
}

} // namespace

void apply_parameters(const script_syntax& script, const registry& known, settings& to,
                      diagnostics& found) {
  for (const assignment_syntax& a : script.assignments) {
    const std::string& name = a.name.text;
    if (const parameter_info* p = known.find_parameter(name)) {
      apply(known.core(), *p, a, to, found);
      continue;
    }
    std::vector<std::string_view> all;
    for (const parameter_info& p : known.core().parameters) all.push_back(p.name);
    found.error(a.name.where, fmt::format("unknown parameter '{}'", name),
                did_you_mean(nearest_name(name, all)));
  }
}

namespace {

/// "/usr/lib/ser/modules/tm.so" -> "tm"
std::string_view module_name(std::string_view path) {
  if (const auto slash = path.rfind('/'); slash != path.npos) path.remove_prefix(slash + 1);
  if (path.ends_with(".so")) path.remove_suffix(3);
  return path;
}

} // namespace

void load_modules(const script_syntax& script, const registry& known, names& to,
                  diagnostics& found) {
  for (const load_syntax& load : script.loads) {
    const std::string_view name = module_name(load.path.text);
    const module_info* module = known.find_module(name);
    if (module == nullptr) {
      std::vector<std::string_view> all;
      for (const auto& m : known.modules()) all.push_back(m->name);
      found.error(load.path.where, fmt::format("unknown module '{}'", name),
                  did_you_mean(nearest_name(name, all)));
      continue;
    }
    if (!module->stub.empty() && !to.is_loaded(*module))
      found.warning(load.path.where, fmt::format("module {} does nothing: {}", name, module->stub));
    to.load(*module);
  }
}

namespace {

void apply(const module_info& module, const parameter_info& p, const modparam_syntax& m,
           settings& to, diagnostics& found) {
  const std::string name = fmt::format("{} of {}", p.name, module.name);
  warn_of_no_effect(p, name, m.name.where, found);
  if (p.kind != parameter_kind::string)
    return apply_number(module, p, name, {m.value, m.is_negative ? -1 : 1, m.value.where}, to,
                        found);
  if (m.value.kind == token_kind::string)
    return apply_text(module, p, name, m.value.text, m.value.where, to, found);
  found.error(m.value.where, fmt::format("{} is a string, found {}", name, describe(m.value)),
              fmt::format("write \"{}\"", m.value.text));
}

bool is_called(const module_info& module, const pattern& wanted) {
  return wanted.matches(module.name) ||
         std::any_of(module.other_names.begin(), module.other_names.end(),
                     [&](const std::string& other) { return wanted.matches(other); });
}

void complain_of_module(const modparam_syntax& m, const names& loaded, diagnostics& found) {
  std::vector<std::string_view> all;
  for (const module_info* module : loaded.loaded()) all.push_back(module->name);
  found.error(m.module.where, fmt::format("no loaded module is named '{}'", m.module.text),
              did_you_mean(nearest_name(m.module.text, all)));
}

} // namespace

void apply_modparams(const script_syntax& script, const names& loaded, settings& to,
                     diagnostics& found) {
  for (const modparam_syntax& m : script.modparams) {
    const auto wanted = pattern::compile_whole(m.module.text);
    if (!wanted) {
      found.error(m.module.where, fmt::format("bad regular expression: {}", wanted.error()));
      continue;
    }
    bool any_module = false;
    bool any_stub = false;
    bool applied = false;
    std::vector<std::string_view> parameters;
    for (const module_info* module : loaded.loaded()) {
      if (!is_called(*module, *wanted)) continue;
      any_module = true;
      any_stub = any_stub || !module->stub.empty();
      for (const parameter_info& p : module->parameters) parameters.push_back(p.name);
      if (const parameter_info* p = find_parameter(module->parameters, m.name.text)) {
        apply(*module, *p, m, to, found);
        applied = true;
      }
    }
    if (!any_module) {
      complain_of_module(m, loaded, found);
    } else if (!applied && any_stub) {
      found.warning(m.name.where, fmt::format("parameter '{}' is ignored", m.name.text));
    } else if (!applied) {
      found.error(m.name.where,
                  fmt::format("module '{}' has no parameter '{}'", m.module.text, m.name.text),
                  did_you_mean(nearest_name(m.name.text, parameters)));
    }
  }
}

namespace {

/// The original's scripts name modules by path: "/usr/lib/ser/modules/tm.so", "modules/tm/tm.so",
/// "../sip_router/modules/tm/tm.so". Those of its descendants say so in the path.
bool is_original_path(std::string_view path) {
  for (const std::string_view other : {"kamailio", "openser", "opensips", "tandem"})
    if (path.find(other) != path.npos) return false;
  return path.ends_with(".so") &&
         (path.find("modules/") != path.npos || path.find("/ser/") != path.npos);
}

} // namespace

compatibility detect_compatibility(const script_syntax& script, const registry& known,
                                   const settings& set) {
  if (set.is_set(known.core().name, compat_parameter))
    return set.text(known.core(), compat_parameter) == "classic" ? compatibility::classic
                                                                 : compatibility::rfc;
  const bool original =
      script.begins_with_ser ||
      std::any_of(script.loads.begin(), script.loads.end(),
                  [](const load_syntax& l) { return is_original_path(l.path.text); });
  return original ? compatibility::classic : compatibility::rfc;
}

} // namespace tandem::script
