// SPDX-License-Identifier: Apache-2.0
// Who the sender of a request has proved to be, for one run of the script: filled by
// authentication, read by whatever asks who it is. Found by
// message_context::state<authenticated_user>(). ACK and CANCEL never fill it. One thread.
#pragma once

#include <tandem/stack/challenger.hpp>

#include <string>
#include <string_view>

namespace tandem::server {

struct authenticated_user {
  std::string user = {};   ///< of the account, never of what the sender merely says
  std::string domain = {}; ///< of the account
  std::string realm = {};
  stack::challenger by = stack::challenger::user_agent; ///< which header proved it

  [[nodiscard]] bool is_there() const noexcept { return !realm.empty(); }
  /// Keeps the memory, for the next run.
  void clear() noexcept {
    user.clear();
    domain.clear();
    realm.clear();
  }
};

} // namespace tandem::server
