// SPDX-License-Identifier: Apache-2.0
// Accounts in a database: table subscriber of SER, or one of its shape. What was found is kept for
// some seconds, so that a busy phone does not ask the database for each request, and a changed
// password still counts soon; nobody's answer is kept without a bound. Any thread.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/base/lru_map.hpp>
#include <tandem/storage/accounts.hpp>
#include <tandem/storage/sql_pool.hpp>

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>

namespace tandem::storage {

/// Names of columns, and how to read them. A name that is empty is not offered.
struct sql_account_columns {
  std::string user = "username";
  std::string domain = "domain";
  std::string ha1 = "ha1";   ///< H(user:realm:password); with calculates_ha1 the password itself
  std::string ha1b = "ha1b"; ///< H(user@domain:realm:password)
  std::string sha256 = {};   ///< the same two for SHA-256
  std::string sha256b = {};
  bool calculates_ha1 = false;
  bool uses_domain = true; ///< the domain must be right, too: that of the name, or else the realm

  friend bool operator==(const sql_account_columns&, const sql_account_columns&) = default;
};

class sql_accounts final : public accounts {
 public:
  struct options {
    duration kept = seconds{5};     ///< how long an answer is; 0: not at all
    std::size_t most_kept = 10'000; ///< accounts
    duration deadline = seconds{2}; ///< of a question to the database
  };

  /// \param database outlives this. Throws std::invalid_argument for what is no name of a column.
  sql_accounts(sql_pool& database, const sql_account_columns& columns, const options& how);

  [[nodiscard]] std::optional<account_answer> find(const account_key& whose) const override;
  [[nodiscard]] std::string
  find_incomplete(std::span<const crypto::hash_function> wanted) const override;
  void fetch(account_query whose, std::function<void(account_answer)> done) override;

 private:
  struct kept_answer {
    account_answer what;
    instant until{};
  };
  struct cache {
    explicit cache(std::size_t most) : answers{most} {}
    std::mutex mutex;
    lru_map<std::string, kept_answer> answers;
  };

  const std::string& column_for(bool has_domain, crypto::hash_function hash) const noexcept;

  sql_pool& database_;
  const sql_account_columns columns_;
  const options how_;
  const std::shared_ptr<cache> cache_; ///< shared with the jobs, which may end later
};

} // namespace tandem::storage
