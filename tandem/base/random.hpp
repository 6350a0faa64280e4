// SPDX-License-Identifier: Apache-2.0
// Numbers nobody can guess, and the tokens made of them. Each thread has its own stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace tandem {

/// Fills memory from the kernel's generator. Throws std::system_error when the kernel has none,
/// which only happens at start-up.
void fill_random(void* memory, std::size_t size);

/// 64 unpredictable bits from this thread's generator (ChaCha20 in counter mode, keyed by the
/// kernel and rekeyed from its own output), without a system call.
[[nodiscard]] std::uint64_t random_bits() noexcept;

/// Writes `size` letters and digits of an alphabet of 32, that is 5 random bits each, to `out`:
/// good for tags, branches and Call-IDs (RFC 3261 19.3 wants 32 bits of a tag).
void write_random_token(char* out, std::size_t size) noexcept;

/// The same as a string.
[[nodiscard]] std::string random_token(std::size_t size);

} // namespace tandem
