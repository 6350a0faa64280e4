// SPDX-License-Identifier: Apache-2.0
// Who has the core run a failure_route or an onreply_route. One thread (its shard's).
#pragma once

#include <cstdint>

namespace tandem::server {

class message_context;

/// What core::start() leaves behind.
enum class run_state : std::uint8_t {
  ended,
  suspended, ///< a function of the block waits; run_user::on_run_end will come
};

enum class run_end : std::uint8_t {
  at_once, ///< from inside core::start()
  later,   ///< the run was suspended, and has gone on since
};

class run_user {
 public:
  /// The run has ended; what it leaves behind is in the context, which is let go after the call.
  /// Once for each run that was started.
  virtual void on_run_end(message_context& m, run_end when) = 0;

 protected:
  ~run_user() = default;
};

} // namespace tandem::server
