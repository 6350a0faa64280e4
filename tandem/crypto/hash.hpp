// SPDX-License-Identifier: Apache-2.0
// Hash functions of OpenSSL as values. Any thread: each has its own working memory. OpenSSL 3.0
// takes one piece of memory for a hash.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

namespace tandem::crypto {

enum class hash_function : std::uint8_t {
  md5,        ///< RFC 1321
  sha256,     ///< FIPS 180-4
  sha512_256, ///< FIPS 180-4 5.3.6.2: not SHA-512 cut short
  sha1,       ///< FIPS 180-4; only for who speaks nothing better (XEP-0124 15)
};
inline constexpr std::size_t hash_function_count = 4;

/// What a hash function made: 16, 20 or 32 bytes.
struct message_digest {
  std::array<std::uint8_t, 32> bytes{};
  std::size_t size = 0;

  [[nodiscard]] std::span<const std::uint8_t> view() const noexcept {
    return std::span{bytes}.first(size);
  }
};

/// The same in hexadecimal digits, lower case.
class hex_digest {
 public:
  hex_digest() noexcept = default;
  explicit hex_digest(const message_digest& of) noexcept;
  /// Takes 32 or 64 digits in any case (none of SHA-1). \return false, and empty, for any other
  /// text
  [[nodiscard]] bool assign(std::string_view digits) noexcept;
  [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), size_}; }

 private:
  std::array<char, 64> text_{};
  std::size_t size_ = 0;
};

/// A hash that is as good as a password, in hexadecimal digits, lower case: it does not print, and
/// is wiped when it dies. Allocates nothing.
class secret_digest {
 public:
  secret_digest() noexcept = default;
  explicit secret_digest(const message_digest& of) noexcept : hex_{of} {}
  secret_digest(const secret_digest&) noexcept = default;
  secret_digest& operator=(const secret_digest&) noexcept = default;
  ~secret_digest();

  /// Of 32 or 64 hexadecimal digits in any case; nothing for any other text.
  [[nodiscard]] static std::optional<secret_digest> parse(std::string_view hex) noexcept;

  /// The digits themselves; the name says that whoever calls this lets them out.
  [[nodiscard]] std::string_view reveal() const noexcept { return hex_.view(); }

 private:
  hex_digest hex_;
};

/// The hash of the parts, one after the other. Nothing when the library does not offer it (MD5
/// under FIPS rules) or has no memory.
[[nodiscard]] std::optional<message_digest>
hash(hash_function function, std::initializer_list<std::string_view> parts) noexcept;

/// The same where the result is a secret: nothing of it stays behind in memory of ours.
[[nodiscard]] std::optional<secret_digest>
hash_secret(hash_function function, std::initializer_list<std::string_view> parts) noexcept;

} // namespace tandem::crypto
