// SPDX-License-Identifier: Apache-2.0
// HMAC-SHA-256 of OpenSSL (RFC 2104, RFC 4231). Any thread: each has its own working memory.
// OpenSSL 3.0 takes five pieces of memory for one.
#pragma once

#include <tandem/crypto/hash.hpp>

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

namespace tandem::crypto {

/// The key of an HMAC. It does not print, and is wiped when it dies.
class hmac_key {
 public:
  /// One that nobody can guess. Throws std::system_error when there are no random numbers.
  hmac_key();
  /// Shorter ones are filled with zeros (RFC 2104 2), longer ones cut to 32 bytes.
  explicit hmac_key(std::span<const std::uint8_t> bytes) noexcept;
  hmac_key(const hmac_key&) = delete;
  hmac_key& operator=(const hmac_key&) = delete;
  ~hmac_key();

  [[nodiscard]] std::span<const std::uint8_t> reveal() const noexcept { return bytes_; }

 private:
  std::array<std::uint8_t, 32> bytes_{};
};

/// HMAC of the parts, one after the other. The parts do not end: the caller sees to it that two
/// lists cannot run together. Nothing when there is no memory.
[[nodiscard]] std::optional<message_digest>
hmac_sha256(const hmac_key& key, std::initializer_list<std::string_view> parts) noexcept;

} // namespace tandem::crypto
