// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/loaded_script.hpp>

#include <tandem/server/core_functions/core_functions.hpp>
#include <tandem/server/core_settings.hpp>
#include <tandem/server/privileges.hpp>
#include <tandem/server/script_file.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <stdexcept>

namespace tandem::server {

void parameter_values::refuse(std::string_view parameter, std::string_view why) const {
  const auto where = program.parameters().where(info.name, parameter);
  const std::string written = info.name == program.core().name
                                  ? std::string{parameter}
                                  : fmt::format("modparam(\"{}\", \"{}\")", info.name, parameter);
  throw start_error{fmt::format("{}: {}: {}", program.text().place(where), written, why)};
}

script_loader::script_loader(std::span<const module_entry> modules) {
  auto names = std::make_shared<script::registry>();
  names->add_core(core_functions());
  names->add_core(core_parameters());
  for (const module_entry& entry : modules) {
    script::module_info declared = entry.declare();
    modules_.push_back({entry, declared});
    if (declared.name == names->core().name)
      names->add_core(std::move(declared));
    else
      names->add(std::move(declared));
  }
  names_ = std::move(names);
}

script::compilation script_loader::check(const std::string& path) const {
  return script::compile(std::make_shared<script::source>(path, read_script(path)), names_);
}

script::compilation script_loader::check_settled(const std::string& path) const {
  return script::compile(std::make_shared<script::source>(path, read_settled_script(path)), names_);
}

void script_loader::prepare_children(const script::program& program, services& shared,
                                     process::spawner_options& children) const {
  for (const auto& [entry, info] : modules_) {
    if (!entry.prepare_children) continue;
    entry.prepare_children({{program, info}, shared}, children);
  }
}

void script_loader::add_module_commands(control::command_registry& to,
                                        const module_surroundings& on) const {
  for (const auto& [entry, info] : modules_)
    if (entry.commands)
      for (control::command& c : entry.commands(on)) to.add(std::move(c));
}

std::vector<std::unique_ptr<module_work>>
script_loader::start_modules(const module_surroundings& on) const {
  std::vector<std::unique_ptr<module_work>> all;
  for (const auto& [entry, info] : modules_)
    if (entry.start) all.push_back(entry.start(on));
  return all;
}

std::shared_ptr<const loaded_script>
script_loader::load(std::shared_ptr<const script::program> program, services& shared) const {
  return std::make_shared<loaded_script>(std::move(program), modules_, shared);
}

loaded_script::loaded_script(std::shared_ptr<const script::program> program,
                             std::span<const declared_module> modules, services& shared)
    : program_{std::move(program)}, core_settings_{core_settings::of(*program_)},
      names_{shared.names}, hosts_{shared.condition_hosts} {
  for (const auto& [entry, info] : modules) {
    if (!entry.load) continue;
    auto made = entry.load({{*program_, info}, shared});
    const module& of = *made;
    if (settings_.find(typeid(of)))
      throw std::logic_error{fmt::format("module {} keeps settings of another module", info.name)};
    if (program_->has_module(info.name))
      settings_.add(typeid(of), std::move(made));
    else
      unloaded_.push_back(std::move(made));
  }
}

bool loaded_script::is_host(std::string_view name, const ip_address& address) const {
  const auto it = hosts_.find(name);
  return it != hosts_.end() &&
         std::find(it->second.begin(), it->second.end(), address) != it->second.end();
}

void loaded_script::apply_to(core& owner) const {
  for (const auto& module : unloaded_) module->apply_to(owner);
  settings_.for_each([&](const module& of) { of.apply_to(owner); });
}

} // namespace tandem::server
