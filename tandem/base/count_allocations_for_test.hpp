// SPDX-License-Identifier: Apache-2.0
// For tests: counts what the calling thread allocates, and can have one of these fail. It defines
// malloc, weakly, so that several units of a test program may include it. Sanitizers keep malloc to
// themselves: then nothing is defined, and TANDEM_COUNTS_ALLOCATIONS is not either.
#pragma once

#include <cstddef>
#include <cstdlib> // before the definition: its declaration is the one that counts

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TANDEM_MALLOC_IS_TAKEN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TANDEM_MALLOC_IS_TAKEN 1
#endif
#endif

#ifndef TANDEM_MALLOC_IS_TAKEN
#define TANDEM_COUNTS_ALLOCATIONS 1

namespace tandem::for_test {
/// Of this thread, since it began.
inline thread_local std::size_t allocations = 0;
/// The one of this number finds no memory; 0: none.
inline thread_local std::size_t failing_allocation = 0;
} // namespace tandem::for_test

extern "C" {
void* __libc_malloc(std::size_t size) noexcept;         // NOLINT: glibc's own
[[gnu::weak]] void* malloc(std::size_t size) noexcept { // NOLINT: counts, then glibc's own
  if (++tandem::for_test::allocations == tandem::for_test::failing_allocation) return nullptr;
  return __libc_malloc(size);
}
}
#endif
