// SPDX-License-Identifier: Apache-2.0
// A script module: what it declares to the language, and its settings in one loaded script. What
// lives longer than a script (location tables, transactions, children) belongs to the core or to
// services, so that a reload loses nothing.
#pragma once

#include <tandem/script/program.hpp>
#include <tandem/script/registry.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace tandem::process {
struct spawner_options;
}

namespace tandem::server {

class core;
struct services;

/// What a module reads of the script that loads it.
struct module_setup {
  const script::program& program;
  const script::module_info& info;
  services& shared; ///< to create what the module needs for all shards (a location table, say)

  [[nodiscard]] std::int64_t number(std::string_view name) const {
    return program.module_parameters().number(info, name);
  }
  [[nodiscard]] bool is_on(std::string_view name) const { return number(name) != 0; }
  [[nodiscard]] std::string text(std::string_view name) const {
    return program.module_parameters().text(info, name);
  }
  /// Refuses the script: throws a start_error that points at the modparam line.
  [[noreturn]] void refuse(std::string_view parameter, std::string_view why) const;
};

/// The settings of a module in one loaded script: immutable once made, read by every shard.
class module {
 public:
  virtual ~module() = default;

  /// On each shard, when the script becomes the one that new requests run: to set what the core
  /// keeps beyond scripts, such as timers.
  virtual void apply_to(core&) const {}
};

/// One entry of the list of modules.
struct module_entry {
  /// Functions, variables, parameters and help, as the language wants them.
  script::module_info (*declare)();
  /// Reads the parameters. Null for a module that has no settings.
  std::unique_ptr<const module> (*load)(const module_setup& setup) = nullptr;
  /// Part of every script, without loadmodule.
  bool is_core = false;
  /// Before anything starts: who the programs of scripts are and what they inherit. Called with the
  /// declared parameters whether the script loads the module or not; null where a module has no
  /// say.
  void (*prepare_children)(const module_setup& setup, process::spawner_options& children) = nullptr;
};

} // namespace tandem::server
