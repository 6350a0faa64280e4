// SPDX-License-Identifier: Apache-2.0
// Max-Forwards of a request that goes on (RFC 3261 16.6 step 3). The caller's thread.
#pragma once

#include <tandem/base/result.hpp>
#include <tandem/sip/edit_errc.hpp>
#include <tandem/sip/message.hpp>

namespace tandem::sip {

/// One less; 70 when there is none.
/// \return what is there now; bad_value when it was 0 or no number (then nothing changed).
[[nodiscard]] result<unsigned, edit_errc> decrement_max_forwards(message& request);

} // namespace tandem::sip
