// SPDX-License-Identifier: Apache-2.0
// A SIP2 message, either way: code, fixed fields, fields with ids in their order, repeats and
// unknown ids kept. Text is UTF-8 in here, whatever the wire's character set. A value, any thread.
#pragma once

#include <tandem/sip2/protocol/field_table.hpp>
#include <tandem/sip2/protocol/message_table.hpp>

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::sip2 {

struct field {
  field_id id;
  std::string value; ///< UTF-8; the writer takes out what cannot stand on the wire
  friend bool operator==(const field&, const field&) = default;
};

/// `message m{code::checkout}; m.set_fixed("no block", "N"); m.add(field_id{"AB"}, "3000123");`
struct message {
  message_code code;
  std::string fixed; ///< all fixed fields one after the other, as on the wire
  std::vector<field> fields;

  message() = default;
  /// A message of `c` whose fixed fields are blank (dates, texts) or 0 and N (flags).
  explicit message(message_code c);
  /// The same with these fixed values in order, each padded with blanks or cut to its width.
  message(message_code c, std::initializer_list<std::string_view> fixed_values);

  /// The table's row; null when the code is unknown. Static storage.
  [[nodiscard]] const message_spec* spec() const noexcept { return find_message(code); }

  /// The value of the fixed field at `index` of the table; empty when it is not there. A view into
  /// this message.
  [[nodiscard]] std::string_view fixed_at(std::size_t index) const noexcept;
  /// The same by the table's name of the field.
  [[nodiscard]] std::string_view fixed_named(std::string_view name) const noexcept;
  /// Sets a fixed field, padded with blanks or cut; false when the message has none of that name.
  bool set_fixed(std::string_view name, std::string_view value);

  /// First value of an id, null when it is not there. Valid until the fields change.
  [[nodiscard]] const std::string* find(field_id id) const noexcept;
  /// The same as a view, empty when it is not there.
  [[nodiscard]] std::string_view value(field_id id) const noexcept;
  [[nodiscard]] std::vector<std::string_view> values(field_id id) const;
  [[nodiscard]] bool has(field_id id) const noexcept { return find(id) != nullptr; }
  /// Adds a field at the end.
  message& add(field_id id, std::string_view value);
  /// Adds it unless `value` is empty.
  message& add_if(field_id id, std::string_view value);
  /// Replaces the first value of an id, or adds it.
  void set(field_id id, std::string_view value);
  /// Removes every field of an id; tells how many.
  std::size_t remove(field_id id);

  friend bool operator==(const message&, const message&) = default;
};

/// Takes out AY and AZ: they belong to one hop, and who passes a message on writes its own.
void drop_error_detection(message& m);

/// The blank value of a fixed field: N, 0, zeros or blanks, as its kind wants.
[[nodiscard]] std::string blank_value(const fixed_field& f);

} // namespace tandem::sip2
