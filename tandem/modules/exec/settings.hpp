// SPDX-License-Identifier: Apache-2.0
// The parameters of module exec in one script; its defaults hold where the module is not loaded.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/modules/exec/children.hpp>
#include <tandem/process/runner.hpp>
#include <tandem/server/module.hpp>

#include <string>

namespace tandem::modules {

struct exec_settings final : server::module {
  bool sets_variables = true;
  duration deadline = seconds{10};
  duration longest_wait = seconds{5};
  std::size_t output_limit = std::size_t{64} * 1024;
  std::size_t log_limit = std::size_t{16} * 1024;
  process::runner_options bounds;
  std::string user;                         ///< of programs; counts at the start, see children.hpp
  int niceness = usual_niceness;            ///< of programs, at the start too
  std::string environment{usual_variables}; ///< names that they inherit, at the start too

  void apply_to(server::core& owner) const override;
};

} // namespace tandem::modules
