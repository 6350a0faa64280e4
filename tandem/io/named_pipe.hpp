// SPDX-License-Identifier: Apache-2.0
// A named pipe that a program reads for as long as it runs. At start-up; blocks.
#pragma once

#include <tandem/base/result.hpp>
#include <tandem/io/placed_file.hpp>
#include <tandem/io/unique_fd.hpp>

#include <string>

namespace tandem::io {

/// The reading end, with a writing end in the same descriptor: writers come and go, and it never
/// ends. Locked, so that no second program takes a part of what is written.
struct named_pipe {
  unique_fd fd;
  removal file; ///< of a pipe that was made here; one that was there stays
};

/// Makes the pipe, or takes one that is there if it belongs to root, to this user or to the owner.
/// Any other file stays, and no link is followed. \return it, non-blocking, or why there is none
[[nodiscard]] result<named_pipe, std::string> open_named_pipe(const placed_file& file);

} // namespace tandem::io
