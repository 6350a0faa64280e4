// SPDX-License-Identifier: Apache-2.0
// The fields of SIP2 as data: those of the 3M document and the extensions met in the field.
// Constant tables, any thread.
#pragma once

#include <tandem/sip2/protocol/message_table.hpp>

#include <cstdint>
#include <span>
#include <string_view>

namespace tandem::sip2 {

/// Who may see a value in a log.
enum class privacy : std::uint8_t {
  open,   ///< anybody
  person, ///< tells who a patron is or what they read: hidden at log privacy `patron`
  secret, ///< a password: never logged unless the operator explicitly asks for it
};

/// A row of the table of fields.
struct field_spec {
  field_id id;
  std::string_view name;
  std::uint8_t width; ///< of a field of fixed length, else 0
  bool repeats;       ///< may stand several times in a message
  privacy who;
};

/// All known fields, by id.
[[nodiscard]] std::span<const field_spec> all_fields() noexcept;

/// The row of an id; null when neither the standard nor the field knows it. Static storage.
[[nodiscard]] const field_spec* find_field(field_id id) noexcept;

/// How private a field is; unknown ones are open.
[[nodiscard]] privacy privacy_of(field_id id) noexcept;

} // namespace tandem::sip2
