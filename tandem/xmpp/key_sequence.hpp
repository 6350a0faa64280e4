// SPDX-License-Identifier: Apache-2.0
// Keys that prove that each request of a session comes from who made the one before (XEP-0124 15):
// worth it where the way is not encrypted. One thread for each object.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tandem::xmpp {

/// What goes with a request; empty: nothing does.
struct request_keys {
  std::string key;
  std::string newkey; ///< begins another chain

  friend bool operator==(const request_keys&, const request_keys&) = default;
};

class key_sequence {
 public:
  static constexpr std::uint32_t length = 100;

  key_sequence() = default; ///< of a session without keys
  /// \param seed nobody can guess it.
  explicit key_sequence(std::string_view seed) : seed_{seed}, left_{length} {}
  /// One that was kept. \param left as left() told.
  key_sequence(std::string_view seed, std::uint32_t left)
      : seed_{seed}, left_{left > length ? length : left} {}

  /// The keys of the next request; the first ones belong to the one that begins the session. Empty
  /// for a session without keys. Throws std::bad_alloc, also where OpenSSL has no memory.
  [[nodiscard]] request_keys next();

  [[nodiscard]] const std::string& seed() const noexcept { return seed_; }
  [[nodiscard]] std::uint32_t left() const noexcept { return left_; }
  [[nodiscard]] bool is_used() const noexcept { return !seed_.empty(); }

 private:
  [[nodiscard]] std::string key(std::uint32_t index) const;

  std::string seed_;
  std::uint32_t left_ = 0; ///< the index of the next key
};

} // namespace tandem::xmpp
