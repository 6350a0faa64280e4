// SPDX-License-Identifier: Apache-2.0
// Writing to a descriptor that may be anything: a file, a terminal, a pipe that nobody reads.
#pragma once

#include <string_view>

namespace tandem {

/// Writes all of the text, in pieces of at most 4,096 bytes, and waits for as long as that takes;
/// the descriptor may be blocking or not. For threads that may wait (queued_writer).
/// \return false when the descriptor does not take it (EPIPE, ENOSPC ...); errno says why.
bool write_whole(int fd, std::string_view text) noexcept;

} // namespace tandem
