// SPDX-License-Identifier: Apache-2.0
// The memory that streams of bytes are read into: one for each thread, for all that read on it.
#pragma once

#include <array>
#include <cstddef>
#include <memory>

namespace tandem::io {

using read_bytes = std::array<char, std::size_t{64} * 1024>;

namespace detail {
inline thread_local std::unique_ptr<read_bytes> own_read_bytes;
}

/// The buffer of the calling thread, not initialised; what it holds is valid until the next one
/// reads. It is made when the thread reads first: as part of the thread itself it would be cleared,
/// and thus take memory, in threads that never read.
[[nodiscard]] inline read_bytes& read_buffer() {
  std::unique_ptr<read_bytes>& bytes = detail::own_read_bytes;
  if (!bytes) bytes = std::make_unique_for_overwrite<read_bytes>();
  return *bytes;
}

} // namespace tandem::io
