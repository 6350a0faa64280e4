// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/rejection_headers.hpp>

namespace tandem::server {

void add_header_of(const sip::rejection& owed, sip::response_writer& answer) {
  // What a peer wrote may be no text for the wire: then the answer goes without it.
  if (owed.header != sip::header_id::unknown)
    answer.add(owed.header, owed.value);
  else
    answer.add(sip::header_id::warning, {"399 tandem \"", owed.reason, "\""});
}

} // namespace tandem::server
