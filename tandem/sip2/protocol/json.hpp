// SPDX-License-Identifier: Apache-2.0
// Messages as the JSON that back-ends speak:
// {"code":"93","fixed_fields":[...],"fields":[{"CN":..}]}. What is read is held to no more than the
// contract asks (docs/sip2-backend.md). Any thread.
#pragma once

#include <tandem/base/result.hpp>
#include <tandem/sip2/protocol/message.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace tandem::sip2 {

/// What a field whose value is null means.
enum class null_rule : std::uint8_t {
  drop, ///< there is no such field
  empty ///< it is there, without a value
};

/// In which order a back-end's fields go to the terminal.
enum class field_order : std::uint8_t {
  kept,  ///< as the back-end gave them
  sorted ///< by id, repeats in their order
};

struct json_rules {
  null_rule nulls = null_rule::drop;
  field_order order = field_order::kept;
  std::string pointer; ///< RFC 6901: where in the answer the message is; empty: it is the answer
};

enum class json_errc : std::uint8_t {
  not_json = 1, ///< not JSON, or nested deeper than 32
  no_message,   ///< the pointer finds nothing, or what it finds is no object
  no_code,      ///< no code, or one that is neither two characters nor a number
  unknown_code, ///< the protocol has no such message
};

[[nodiscard]] std::string_view to_text(json_errc e) noexcept;

/// What was odd in a JSON message and was understood all the same.
struct json_notes {
  bool null_fixed = false;   ///< a fixed field was null: taken as empty
  bool long_fixed = false;   ///< more fixed text than the message has room for: cut
  bool wrong_number = false; ///< a number or a boolean in a fixed field that cannot hold it: left
                             ///< out
  bool short_fixed = false;  ///< less: message::fixed is shorter than the table says
  bool odd_field = false;    ///< a field whose name has not two characters, or no plain value
};

/// The JSON text of a message: ASCII only, fields in their order, repeats kept.
[[nodiscard]] std::string to_json(const message& m);

/// The message of a JSON text. Fixed fields are concatenated and cut by the message's widths; a
/// number where a field of digits begins gets that field's width with zeros (2 as a count is 0002).
/// An object may hold several fields.
[[nodiscard]] result<message, json_errc>
from_json(std::string_view text, const json_rules& rules = {}, json_notes* notes = nullptr);

} // namespace tandem::sip2
