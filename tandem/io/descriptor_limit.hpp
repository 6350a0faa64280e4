// SPDX-License-Identifier: Apache-2.0
// How many descriptors this process may have.
#pragma once

#include <cstddef>

namespace tandem::io {

/// Raises the soft limit (RLIMIT_NOFILE) to the hard one. Call it at start-up.
/// \return the limit now; the largest number when there is none.
std::size_t raise_descriptor_limit() noexcept;

} // namespace tandem::io
