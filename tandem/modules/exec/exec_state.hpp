// SPDX-License-Identifier: Apache-2.0
// The programs that the scripts of one shard run, and what their ends mean to the script. One
// thread.
#pragma once

#include <tandem/base/sparse_log.hpp>
#include <tandem/process/runner.hpp>
#include <tandem/script/registry.hpp>
#include <tandem/server/core.hpp>

#include <cstdint>
#include <functional>

namespace tandem::modules {

struct exec_settings;

class exec_state {
 public:
  explicit exec_state(server::core& owner);

  /// The bounds of a script that is loaded now.
  void configure(const exec_settings& settings);

  /// What a function answers once its program has ended. The message is still the one that the
  /// program was started for.
  using verdict = std::function<script::outcome(server::message_context&, process::run_result&&)>;

  enum class stdin_of : std::uint8_t { message, nothing };

  /// Suspends the script until the program has ended.
  /// \param command without environment, which is added here
  script::outcome run(server::message_context& m, process::child_command command, stdin_of input,
                      process::run_output output, verdict decide);

 private:
  void complain(const server::message_context& m, const process::run_result& result);

  server::core& core_;
  process::runner runner_;
  sparse_log complaints_;
};

} // namespace tandem::modules
