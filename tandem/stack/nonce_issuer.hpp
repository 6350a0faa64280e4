// SPDX-License-Identifier: Apache-2.0
// Nonces of digest authentication (RFC 7616 3.3). Stateless: a nonce says when it was made and for
// what, signed under a key of the process, so any shard can judge it and a flood of challenges
// fills no memory. Only nonces that right credentials came with are counted (nonce_counts.hpp).
// The key dies with the process, and the table of counts with it: a nonce of an earlier run is
// stale, never new. Any thread.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/crypto/hmac.hpp>
#include <tandem/stack/digest.hpp>
#include <tandem/stack/nonce_counts.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tandem::stack {

struct nonce_settings {
  duration lifetime = seconds{300};
  /// Nonces in use at a time, about 40 bytes each. Beyond most_counted / lifetime new ones a second
  /// (218 with these two), from however few accounts, the oldest of each set has to go, and its
  /// phone pays one more round.
  std::size_t most_counted = 65'536;
};

class nonce_issuer {
 public:
  /// Hexadecimal digits of 31 bytes.
  using text = std::array<char, 62>;

  /// What a nonce is made for, and is good for alone.
  struct purpose {
    std::string_view realm = {};
    std::string_view source = {}; ///< where the request came from; empty when that is not bound
    qop_offer offer = qop_offer::auth;
  };

  /// Throws std::system_error when there are no random numbers, std::bad_alloc.
  explicit nonce_issuer(const nonce_settings& settings = {});

  /// Of nonces that were made before, too. A longer one brings none back that was forgotten.
  void set_lifetime(duration lifetime) noexcept;

  /// A fresh one. Nothing when there is no memory to sign it.
  [[nodiscard]] std::optional<text> make(const purpose& of, instant now) const noexcept;

  /// What was read in a nonce of ours.
  struct ticket {
    std::uint64_t id = 0;
    std::int64_t issued = 0; ///< ms
    qop_offer offer = qop_offer::none;
  };

  /// Nothing when it is no nonce of this process, was made for another realm or source, or is too
  /// old.
  [[nodiscard]] std::optional<ticket> read(std::string_view nonce, std::string_view realm,
                                           std::string_view source, instant now) const noexcept;

  /// Takes one count of it, for credentials that are right in all else. Each count of a nonce is
  /// had once, on whatever shard. \param count nc; 1 where there is no qop
  [[nodiscard]] bool take(const ticket& of, std::uint32_t count, instant now) noexcept;

  /// Nonces that had to go for others before their time.
  [[nodiscard]] std::uint64_t dropped() const noexcept { return counts_.dropped(); }

 private:
  [[nodiscard]] std::int64_t ms(instant at) const noexcept;
  [[nodiscard]] std::int64_t expired(instant now) const noexcept;
  [[nodiscard]] std::optional<crypto::message_digest>
  sign(std::string_view head, std::string_view realm, std::string_view source) const noexcept;

  crypto::hmac_key key_;
  std::int64_t origin_; ///< ms: added, so that no nonce tells for how long this host is up
  std::atomic<std::int64_t> lifetime_; ///< ms
  nonce_counts counts_;
};

} // namespace tandem::stack
