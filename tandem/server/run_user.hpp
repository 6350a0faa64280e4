// SPDX-License-Identifier: Apache-2.0
// Who has the core run a failure_route or an onreply_route. One thread (its shard's).
#pragma once

#include <cstdint>

namespace tandem::server {

class message_context;

/// What core::start() leaves behind.
enum class run_state : std::uint8_t {
  ended,     ///< what it leaves behind is in the context, until core::discard()
  suspended, ///< a function of the block waits: run_user::on_run_end comes, or came when there was
             ///< no room to remember the request meanwhile
};

class run_user {
 public:
  /// A run that was suspended has ended; what it leaves behind is in the context, which is let go
  /// after the call. Once for each run that core::start() has left suspended.
  virtual void on_run_end(message_context& m) = 0;

 protected:
  ~run_user() = default;
};

} // namespace tandem::server
