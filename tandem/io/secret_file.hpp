// SPDX-License-Identifier: Apache-2.0
// Files of passwords and tokens: read whole, once, and refused where others than their owner and
// group could have read them. Blocks as a disk does. Any thread.
#pragma once

#include <tandem/base/result.hpp>
#include <tandem/base/secret.hpp>

#include <cstddef>
#include <string>

namespace tandem::io {

/// Why a file of secrets was not read: what is wrong, and what to do about it. Never a part of it.
struct secret_file_error {
  std::string why;
  bool is_missing = false; ///< there is no such file
};

/// Reads a regular file that others cannot read, and its group cannot change.
/// \param most_bytes a larger one is refused
[[nodiscard]] result<secret, secret_file_error> read_secret_file(const std::string& path,
                                                                 std::size_t most_bytes);

} // namespace tandem::io
