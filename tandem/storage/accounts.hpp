// SPDX-License-Identifier: Apache-2.0
// Who has passwords: the seam between authentication and what keeps subscribers. A source knows at
// once, or brings its answer later; it never blocks. Any thread.
#pragma once

#include <tandem/crypto/hash.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tandem::storage {

/// Whose password. Views live as long as the call they are given to.
struct account_key {
  std::string_view table;    ///< "subscriber"
  std::string_view username; ///< whole, as the phone gave it: "alice", "alice@example.com"
  std::string_view realm;
  crypto::hash_function hash = crypto::hash_function::md5;
};

/// The same with texts of its own: it crosses threads.
struct account_query {
  std::string table, username, realm;
  crypto::hash_function hash = crypto::hash_function::md5;

  explicit account_query(const account_key& of)
      : table{of.table}, username{of.username}, realm{of.realm}, hash{of.hash} {}
};

struct account_answer {
  enum class kind : std::uint8_t {
    found,
    unknown, ///< there is no such account, or none with that hash
    failed,  ///< nobody could look: says nothing about the account
  };
  kind what = kind::failed;
  crypto::secret_digest secret = {}; ///< H(username:realm:password), when it was found
};

class accounts {
 public:
  accounts() = default;
  accounts(const accounts&) = delete;
  accounts& operator=(const accounts&) = delete;
  virtual ~accounts() = default;

  /// What is known without waiting; nothing when fetch() has to be asked.
  [[nodiscard]] virtual std::optional<account_answer> find(const account_key& whose) const = 0;

  /// An account that has no password for one of these hashes: phones that choose that one could
  /// never log in. Empty when there is none, or when that cannot be told.
  [[nodiscard]] virtual std::string find_incomplete(std::span<const crypto::hash_function>) const {
    return {};
  }

  /// Looks it up. \param done called at most once, on any thread, perhaps from inside of this call;
  /// dropped without a call when the source ends
  virtual void fetch(account_query whose, std::function<void(account_answer)> done) = 0;
};

} // namespace tandem::storage
