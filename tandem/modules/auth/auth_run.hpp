// SPDX-License-Identifier: Apache-2.0
// What authentication keeps for one run of a script: whose credentials are being looked at, and
// what became of them. A request is judged once, so the verdict stays. One thread.
#pragma once

#include <tandem/stack/authentication.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tandem::modules {

struct auth_run {
  stack::challenger by = stack::challenger::user_agent;
  std::string realm = {};
  std::string table = {};
  std::optional<stack::auth_claim> claim = std::nullopt; ///< views the request as it arrived
  stack::auth_verdict last = stack::auth_verdict::none;
  bool is_in_table = false; ///< the authenticated user is an account of good_table
  std::string good_table = {};
  std::uint64_t wait = 0; ///< of auth_state; 0: none

  void begin(stack::challenger who, std::string_view in_realm, std::string_view in_table) {
    by = who;
    realm.assign(in_realm);
    table.assign(in_table);
    claim.reset();
    last = stack::auth_verdict::none;
  }
  [[nodiscard]] bool was_stale(stack::challenger who, std::string_view in_realm) const noexcept {
    return last == stack::auth_verdict::stale && by == who && realm == in_realm;
  }
  /// Keeps the memory, for the next run.
  void clear() noexcept {
    realm.clear();
    table.clear();
    is_in_table = false;
    good_table.clear();
    claim.reset();
    last = stack::auth_verdict::none;
    wait = 0;
  }
};

} // namespace tandem::modules
