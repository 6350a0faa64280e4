// SPDX-License-Identifier: Apache-2.0
// Numbers nobody can guess. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tandem {

/// Fills memory from the kernel's generator. Throws std::system_error when the kernel has none,
/// which only happens at start-up.
void fill_random(void* memory, std::size_t size);

/// 64 unpredictable bits of the kernel's, out of a store of this thread: one system call for 32 of
/// them. What was handed out is nowhere in memory any more.
[[nodiscard]] std::uint64_t random_bits() noexcept;

} // namespace tandem
