// SPDX-License-Identifier: Apache-2.0
// A script module: what it declares to the language, and its settings in one loaded script. A
// module is a leaf: it uses the server and no other module. docs/modules.md writes one.
//
// The life of a module:
//  1. It is in the list of modules/all.cpp. `declare` says its functions, variables and parameters
//     to the registry of names, once, before any script is read.
//  2. A script names it with loadmodule. Its calls are checked, and each function's `prepare` makes
//     of constant arguments what the calls will need.
//  3. `prepare_children` says what programs of scripts may be, before the server starts any thread
//     or gives up its rights. At start only.
//  4. `load` reads the parameters of that script into an immutable `module` of its own. It throws
//     to refuse the script. At start and at each reload, perhaps on a thread of its own.
//  5. `apply_to` runs on each shard when that script becomes the one for new requests. Here, or
//     when a function asks first, core::state<State>() makes what the module keeps for a shard
//     (services::state<State>() makes what it keeps for the process, such as location tables):
//     State's constructor begins it, its destructor ends it with the core, and its cells in
//     services::metrics are what is counted. A reload leaves it alone.
//  6. Functions run on the shard of the message. They find the settings of the script that this
//     message began with by message_context::settings_of<>(), what they keep for this run by
//     message_context::state<>(), and wait by core::wait(), never otherwise.
//  7. When the last message of an old script has ended, the settings of step 4 are destroyed.
//
// `commands` says what operators may ask it for, and `start` what it does beside messages; both are
// called once, when the sockets are open and before the loops run. When the server has become who
// it will be, module_work::begin() may read what the loops need from a database (databases.hpp).
//
// What lives longer than a script (contacts, transactions, children) is state of the core or of
// services, so that a reload loses nothing.
#pragma once

#include <tandem/control/command_registry.hpp>
#include <tandem/script/program.hpp>
#include <tandem/script/registry.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::io {
class shard;
}
namespace tandem::process {
struct spawner_options;
}

namespace tandem::server {

class core;
struct services;

/// What the commands and the work of modules stand on; all of it outlives them.
struct module_surroundings {
  services& shared;
  io::shard& loop;                             ///< shard 0, where both run
  std::function<core&(io::shard& at)> core_of; ///< on the thread of that shard
};

/// What a module does beside messages, from the start of the server to its end. Made before the
/// loops run, destroyed after they have ended; between, its timers run on shard 0. Databases work
/// from begin() until after the destructor.
class module_work {
 public:
  module_work() = default;
  module_work(const module_work&) = delete;
  module_work& operator=(const module_work&) = delete;
  virtual ~module_work() = default;

  /// Once, when the process is who it will be, before the loops run: to read what they need. It may
  /// block. Throws start_error to refuse the start.
  virtual void begin() {}
};

/// The parameters of the core or of a module, as one script sets them.
struct parameter_values {
  const script::program& program;
  const script::module_info& info;

  [[nodiscard]] bool is_set(std::string_view name) const {
    return program.parameters().is_set(info.name, name);
  }
  [[nodiscard]] std::int64_t number(std::string_view name) const {
    return program.parameters().number(info, name);
  }
  [[nodiscard]] bool is_on(std::string_view name) const { return number(name) != 0; }
  [[nodiscard]] std::string text(std::string_view name) const {
    return program.parameters().text(info, name);
  }
  [[nodiscard]] std::vector<script::list_item> list(std::string_view name) const {
    const auto items = program.parameters().list(info, name);
    return {items.begin(), items.end()};
  }
  /// Refuses the script: throws a start_error that points at the modparam line.
  [[noreturn]] void refuse(std::string_view parameter, std::string_view why) const;
};

/// What a module reads of the script that loads it.
struct module_setup : parameter_values {
  services& shared; ///< for what the module keeps for all shards (services::state)
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
  /// Functions, variables, parameters and help, as the language wants them. What is declared under
  /// the name "core" is part of every script, without loadmodule.
  script::module_info (*declare)();
  /// Reads the parameters. Null for a module that has no settings.
  std::unique_ptr<const module> (*load)(const module_setup& setup) = nullptr;
  /// Before anything starts: who the programs of scripts are and what they inherit. Called with the
  /// declared parameters whether the script loads the module or not; null where a module has no
  /// say.
  void (*prepare_children)(const module_setup& setup, process::spawner_options& children) = nullptr;
  /// What operators may ask the module for, whether the script loads it or not; once, at start-up.
  /// Null for a module without commands.
  std::vector<control::command> (*commands)(const module_surroundings& on) = nullptr;
  /// What it does beside messages, whether the script loads it or not. Null for nothing.
  std::unique_ptr<module_work> (*start)(const module_surroundings& on) = nullptr;
};

} // namespace tandem::server
