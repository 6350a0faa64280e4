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
    auto* const found = logins_.find(session);
    if (!found) return nullptr;
    if (now - found->used > idle_limit) {
      logins_.erase(session);
      return nullptr;
    }
    found->used = now;
    return &found->account;
  }

  /// A login was accepted. \param account its name, may be empty.
  void log_in(const std::string& session, std::string account, instant now) {
    logins_.set(session, {std::move(account), now});
  }

  void end(const std::string& session) { logins_.erase(session); }

 private:
  struct login {
    std::string account;
    instant used;
  };
  lru_map<std::string, login> logins_{most};
};

} // namespace tandem::sip2
