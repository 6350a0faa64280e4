// SPDX-License-Identifier: Apache-2.0
// Counts the calls of the allocator in the whole program, libraries included, by standing in front
// of glibc's own.
#include "parser.hpp"

#include <cstddef>

extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* old, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
}

namespace {
std::uint64_t calls = 0;
}

extern "C" {

void* malloc(std::size_t size) {
  ++calls;
  return __libc_malloc(size);
}

void* calloc(std::size_t count, std::size_t size) {
  ++calls;
  return __libc_calloc(count, size);
}

void* realloc(void* old, std::size_t size) {
  ++calls;
  return __libc_realloc(old, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) {
  ++calls;
  return __libc_memalign(alignment, size);
}

} // extern "C"

namespace tandem::bench {

std::uint64_t allocations() { return calls; }

} // namespace tandem::bench
