// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/rejection_headers.hpp>

#include <fmt/format.h>

namespace tandem::server {

std::string headers_for(const sip::rejection& owed) {
  if (owed.header != sip::header_id::unknown)
    return fmt::format("{}: {}\r\n", to_string(owed.header), owed.value);
  return fmt::format("Warning: 399 tandem \"{}\"\r\n", owed.reason);
}

} // namespace tandem::server
