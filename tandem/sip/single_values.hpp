// SPDX-License-Identifier: Apache-2.0
// The single values of a header over all its lines: a list header is split at its commas, as RFC
// 3261 7.3.1 says. Views into the message; any thread.
#pragma once

#include <tandem/sip/header_id.hpp>
#include <tandem/sip/message.hpp>

#include <cstddef>
#include <string_view>

namespace tandem::sip {

/// The first value of `rest`, a header's text, without blanks; empty at the end. `rest` is left
/// behind its comma. Empty items are passed over.
[[nodiscard]] std::string_view next_value(header_id id, std::string_view& rest) noexcept;

/// What message::front() begins: the text of the first line of that name that has a value, from the
/// value on to the end of the line; empty when there is none.
[[nodiscard]] std::string_view front_and_rest(const message& of, header_id list) noexcept;

/// Calls `f(std::string_view)` for each single value of that name, in order.
template <typename F>
void for_each_value(const message& of, header_name name, F&& f) {
  for (std::size_t i = of.find(name); i != message::npos; i = of.find(name, i + 1)) {
    const header_id id = of.id(i);
    std::string_view rest = of.value(i);
    for (auto value = next_value(id, rest); !value.empty(); value = next_value(id, rest)) f(value);
  }
}

/// Number of single values of that name, over all its lines; empty items do not count.
[[nodiscard]] std::size_t count_values(const message& of, header_name name) noexcept;

} // namespace tandem::sip
