// SPDX-License-Identifier: Apache-2.0
// Names what was given to a socket or a connection to send. A value.
#pragma once

#include <cstdint>

namespace tandem::io {

/// Its meaning is that of whoever sends; it comes back when what it names did not leave.
struct send_token {
  std::uint32_t a = 0;
  std::uint32_t b = 0;
  std::uint32_t c = 0;
};

} // namespace tandem::io
