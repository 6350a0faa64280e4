// SPDX-License-Identifier: Apache-2.0
// One message on its way through the script: context, run, and what happens at the end. Internal to
// the core, which keeps them and uses their memory again.
#pragma once

#include <tandem/script/execution.hpp>
#include <tandem/server/core.hpp>

namespace tandem::server {

class script_run {
 public:
  script_run(core& owner, std::uint32_t in_slot) : context{owner}, slot{in_slot} {}

  message_context context;
  script::execution run;
  run_user* user = nullptr;       ///< of another block than the main one
  std::uint32_t waits = 0;        ///< numbers what the run has waited for
  bool is_waiting = false;        ///< number `waits` is not answered yet
  bool has_waited = false;        ///< the run was suspended at least once
  bool is_answered_early = false; ///< before the function that waits had returned
  std::shared_ptr<awaited> early; ///< that answer; null: no
  stack::server_handle reserved;  ///< what the transaction layer holds for a suspended request
  std::uint32_t slot;
  std::uint32_t generation = 1;
  bool is_running = false;

  [[nodiscard]] run_handle self() const noexcept { return {slot, generation}; }
};

} // namespace tandem::server
