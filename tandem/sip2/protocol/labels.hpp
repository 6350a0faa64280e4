// SPDX-License-Identifier: Apache-2.0
// What the codes of SIP2's enumerations mean, in words (3M Standard Interchange Protocol 2.00, and
// what the field adds). Constant tables, any thread.
#pragma once

#include <tandem/sip2/protocol/message_table.hpp>

#include <string>
#include <string_view>

namespace tandem::sip2 {

/// What a fixed field's value means: "available" for circulation status 03; the names of what is Y
/// for a patron status or summary. Empty when it says no more than the value itself.
[[nodiscard]] std::string label_of(fixed_kind kind, std::string_view value);

/// The same for a field with an id: media type (CK), fee type (BT), hold type (BY), alert type (CV)
/// and supported messages (BX).
[[nodiscard]] std::string label_of(field_id id, std::string_view value);

} // namespace tandem::sip2
