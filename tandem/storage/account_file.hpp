// SPDX-License-Identifier: Apache-2.0
// Accounts of a file in the form of htdigest(1): a line `username:realm:hash` for each password,
// where hash is H(username:realm:password) in 32 digits for MD5 or 64 for SHA-256. Empty lines and
// such as begin with # say nothing. Read once into memory, then immutable; any thread.
#pragma once

#include <tandem/base/keyed_text_hash.hpp>
#include <tandem/storage/accounts.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tandem::storage {

class account_file final : public accounts {
 public:
  static constexpr std::size_t most_bytes = std::size_t{64} * 1024 * 1024;

  /// Reads the file. Throws std::runtime_error with the cause when it cannot be read, is no regular
  /// file, is larger, may be read by everybody or written by others than its owner, or has a line
  /// that is wrong. Blocks.
  [[nodiscard]] static std::shared_ptr<account_file> read(const std::string& path);

  /// \param name what complaints call the text
  account_file(std::string_view text, const std::string& name);

  [[nodiscard]] std::string
  find_incomplete(std::span<const crypto::hash_function> wanted) const override;
  [[nodiscard]] std::optional<account_answer> find(const account_key& whose) const override;
  void fetch(account_query whose, std::function<void(account_answer)> done) override;

 private:
  /// The passwords of one user name in one realm.
  struct account {
    std::string realm;
    std::optional<crypto::secret_digest> md5 = {}, sha256 = {};

    [[nodiscard]] const std::optional<crypto::secret_digest>&
    of(crypto::hash_function hash) const noexcept;
  };
  struct text_hash : keyed_text_hash {
    using is_transparent = void;
  };

  void add_line(std::string_view line);

  std::unordered_map<std::string, std::vector<account>, text_hash, std::equal_to<>> by_name_;
};

} // namespace tandem::storage
