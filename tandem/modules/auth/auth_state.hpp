// SPDX-License-Identifier: Apache-2.0
// Authentication on one shard: what is counted, and the deadlines of those who wait for an account.
// One thread.
#pragma once

#include <tandem/base/counter.hpp>
#include <tandem/base/timer_wheel.hpp>
#include <tandem/server/core.hpp>
#include <tandem/storage/accounts.hpp>

#include <cstdint>
#include <map>

namespace tandem::modules {

class auth_state final : timer {
 public:
  using token = server::pending<storage::account_answer>;

  explicit auth_state(server::core& owner);

  /// Whoever waits with this token hears at the deadline that nobody could look, unless the answer
  /// was there before: the first one counts. A token that was dropped would be a plain "no", and
  /// its phone be blamed for the database. \return its number, for end()
  [[nodiscard]] std::uint64_t begin(token waiting, duration deadline);
  /// The answer is there.
  void end(std::uint64_t number) noexcept;
  [[nodiscard]] std::size_t waiting() const noexcept { return waits_.size(); }

  counter good, challenged;
  counter none, stale, wrong, malformed, failed, busy; ///< why somebody was not let in

 private:
  struct wait {
    instant due;
    token waiting;
  };

  void on_timer(instant now) override;

  server::core& core_;
  std::map<std::uint64_t, wait> waits_; ///< by number, and so by age
  std::uint64_t last_ = 0;
  gauge waiting_;
};

} // namespace tandem::modules
