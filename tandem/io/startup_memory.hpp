// SPDX-License-Identifier: Apache-2.0
// What a long-lived process needs to start, and not to serve. Linux.
#pragma once

namespace tandem::io {

/// Gives back memory that only starting has used: the freed parts of the heap, and the pages of
/// read-only data of the program and its libraries, most of which only the loader reads
/// (relocations, symbols). Who reads such a page again gets it from the file, or rather from the
/// kernel's cache of it. Call it once all that is read at the start has been read. Any thread.
void give_back_startup_memory() noexcept;

} // namespace tandem::io
