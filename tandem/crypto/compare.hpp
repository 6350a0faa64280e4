// SPDX-License-Identifier: Apache-2.0
// Comparison in constant time. Pure, any thread.
#pragma once

#include <cstdint>
#include <openssl/crypto.h>
#include <span>

namespace tandem::crypto {

/// Whether both are the same, in a time that depends on the sizes alone.
[[nodiscard]] inline bool is_equal(std::span<const std::uint8_t> a,
                                   std::span<const std::uint8_t> b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

} // namespace tandem::crypto
