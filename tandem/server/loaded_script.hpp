// SPDX-License-Identifier: Apache-2.0
// One version of the routing script: its program, and each module's settings for it. Immutable; a
// reload makes another one, and requests in flight keep the one they began with. Any thread.
#pragma once

#include <tandem/script/diagnostics.hpp>
#include <tandem/script/program.hpp>
#include <tandem/server/by_type.hpp>
#include <tandem/server/core_settings.hpp>
#include <tandem/server/module.hpp>
#include <tandem/server/own_names.hpp>
#include <tandem/server/services.hpp>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::server {

class loaded_script;

/// A module of this build, and what it has declared: once, not for each script.
struct declared_module {
  module_entry entry;
  script::module_info info;
};

/// Knows the modules of this build, so that the core need not.
class script_loader {
 public:
  /// \param modules in the order of the documentation; they outlive the loader.
  explicit script_loader(std::span<const module_entry> modules);

  /// All names that scripts may use.
  [[nodiscard]] const script::registry& names() const noexcept { return *names_; }
  [[nodiscard]] const std::shared_ptr<const script::registry>& shared_names() const noexcept {
    return names_;
  }

  /// Reads and checks a file without loading it: what `tandemd -c` does. The complaints are in the
  /// result. Throws start_error when the file cannot be read.
  [[nodiscard]] script::compilation check(const std::string& path) const;

  /// The same for a reload, which meets files that somebody is just writing: see
  /// read_settled_script. Blocks; not for a shard's thread.
  [[nodiscard]] script::compilation check_settled(const std::string& path) const;

  /// Lets every module say what the programs of scripts are and inherit (module_entry). Throws
  /// start_error when one refuses.
  void prepare_children(const script::program& program, services& shared,
                        process::spawner_options& children) const;

  /// Adds the commands that modules bring, of all modules of the build.
  void add_module_commands(control::command_registry& to, const module_surroundings& on) const;
  /// Starts what modules do beside messages, of all modules of the build.
  [[nodiscard]] std::vector<std::unique_ptr<module_work>>
  start_modules(const module_surroundings& on) const;

  /// Loads what was checked; see loaded_script.
  [[nodiscard]] std::shared_ptr<const loaded_script>
  load(std::shared_ptr<const script::program> program, services& shared) const;

 private:
  std::vector<declared_module> modules_;
  std::shared_ptr<const script::registry> names_;
};

class loaded_script {
 public:
  /// Loads what script_loader::check() has compiled: every module reads its parameters.
  /// Throws start_error, with the place in the script, when a module refuses one, and
  /// std::logic_error when two modules would keep settings of one type.
  loaded_script(std::shared_ptr<const script::program> program,
                std::span<const declared_module> modules, services& shared);

  [[nodiscard]] const std::shared_ptr<const script::program>& program() const noexcept {
    return program_;
  }
  /// What it says of the server itself.
  [[nodiscard]] const core_settings& settings() const noexcept { return core_settings_; }
  [[nodiscard]] bool is_classic() const noexcept {
    return program_->parameters().compat() == script::compatibility::classic;
  }

  /// Who we are, for requests of this script.
  [[nodiscard]] const own_names& names() const noexcept { return names_; }
  /// The address is one of that name, which a condition compares with, as far as was known when the
  /// script was loaded.
  [[nodiscard]] bool is_host(std::string_view name, const ip_address& address) const;

  /// See module::apply_to. What modules that the script does not load have set for an earlier one
  /// goes back to its defaults.
  void apply_to(core& owner) const;

  /// The settings of a module; the module must be loaded, which a function of it may take for sure.
  template <typename Module>
  [[nodiscard]] const Module& settings_of() const {
    return static_cast<const Module&>(*settings_.find(typeid(Module)));
  }
  /// The same, null when the script does not load the module.
  template <typename Module>
  [[nodiscard]] const Module* find_settings_of() const noexcept {
    return static_cast<const Module*>(settings_.find(typeid(Module)));
  }

 private:
  std::shared_ptr<const script::program> program_;
  core_settings core_settings_;
  own_names names_;
  host_addresses hosts_;
  by_type<const module> settings_;
  std::vector<std::unique_ptr<const module>> unloaded_; ///< with the declared defaults
};

} // namespace tandem::server
