// SPDX-License-Identifier: Apache-2.0
// Messages as a log may show them: passwords never, patrons when the operator says so. Any thread.
#pragma once

#include <tandem/sip2/protocol/message.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tandem::sip2 {

enum class log_privacy : std::uint8_t {
  unsafe,  ///< everything, passwords too: only while somebody looks for a fault
  secrets, ///< all but passwords (the default)
  patron,  ///< no names, addresses or card numbers either; the same card keeps the same mark
};

[[nodiscard]] std::optional<log_privacy> find_log_privacy(std::string_view name) noexcept;

/// A message as one line for the log, in the form of the wire, with what is private replaced:
/// passwords by "***", card numbers by "#" and eight digits that differ in each process.
[[nodiscard]] std::string to_log_line(const message& m, log_privacy level);

} // namespace tandem::sip2
