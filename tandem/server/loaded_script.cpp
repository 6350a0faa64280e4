// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/loaded_script.hpp>

#include <tandem/server/core_functions/core_functions.hpp>
#include <tandem/server/privileges.hpp>
#include <tandem/server/services.hpp>

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <sstream>

namespace tandem::server {

namespace {

std::string read_file(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  std::ostringstream text;
  if (in) text << in.rdbuf();
  if (!in || in.bad())
    throw start_error{fmt::format("cannot read the script '{}': {}; name another one with -f", path,
                                  std::strerror(errno))};
  return std::move(text).str();
}

} // namespace

void module_setup::refuse(std::string_view parameter, std::string_view why) const {
  const auto where = program.module_parameters().where(info.name, parameter);
  throw start_error{fmt::format("{}: modparam(\"{}\", \"{}\"): {}", program.text().place(where),
                                info.name, parameter, why)};
}

script_loader::script_loader(std::span<const module_entry> modules) : modules_{modules} {
  auto names = std::make_shared<script::registry>();
  names->add_core(core_functions());
  for (const module_entry& entry : modules_) {
    script::module_info declared = entry.declare();
    if (declared.name == names->core().name)
      names->add_core(std::move(declared));
    else
      names->add(std::move(declared));
  }
  names_ = std::move(names);
}

script::compilation script_loader::check(const std::string& path) const {
  return script::compile(std::make_shared<script::source>(path, read_file(path)), names_);
}

void script_loader::prepare_children(const script::program& program, services& shared,
                                     process::spawner_options& children) const {
  for (const module_entry& entry : modules_) {
    if (!entry.prepare_children) continue;
    const script::module_info info = entry.declare();
    entry.prepare_children({program, info, shared}, children);
  }
}

std::shared_ptr<const loaded_script>
script_loader::load(std::shared_ptr<const script::program> program, services& shared) const {
  return std::make_shared<loaded_script>(std::move(program), modules_, shared);
}

loaded_script::loaded_script(std::shared_ptr<const script::program> program,
                             std::span<const module_entry> modules, services& shared)
    : program_{std::move(program)} {
  for (const script::module_info* info : program_->modules()) {
    for (const module_entry& entry : modules) {
      if (!entry.load || entry.declare().name != info->name) continue;
      auto made = entry.load({*program_, *info, shared});
      const module& of = *made;
      if (!settings_.find(typeid(of))) settings_.add(typeid(of), std::move(made));
    }
  }
}

void loaded_script::apply_to(core& home) const {
  settings_.for_each([&](const module& of) { of.apply_to(home); });
}

} // namespace tandem::server
