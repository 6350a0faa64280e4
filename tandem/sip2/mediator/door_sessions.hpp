// SPDX-License-Identifier: Apache-2.0
// Which sessions of the door have logged in, and as whom. Bounded: who is forgotten logs in again.
// One thread.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/base/lru_map.hpp>

#include <string>

namespace tandem::sip2 {

class door_sessions {
 public:
  /// Beyond that the one that was silent for longest is forgotten.
  static constexpr std::size_t most = 10'000;
  static constexpr duration idle_limit = std::chrono::hours{1};

  /// The login that was accepted in a session, null: none, or too long ago. It counts as used.
  [[nodiscard]] const std::string* find(const std::string& session, instant now) {
    auto* const entry = entries_.find(session);
    if (!entry) return nullptr;
    if (now - entry->used > idle_limit) {
      entries_.erase(session);
      return nullptr;
    }
    entry->used = now;
    return &entry->account;
  }

  /// A login was accepted. \param account its name, may be empty.
  void log_in(const std::string& session, std::string account, instant now) {
    entries_.set(session, {std::move(account), now});
  }

  void end(const std::string& session) { entries_.erase(session); }

 private:
  struct entry {
    std::string account;
    instant used;
  };
  lru_map<std::string, entry> entries_{most};
};

} // namespace tandem::sip2
