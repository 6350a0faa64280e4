// SPDX-License-Identifier: Apache-2.0
// Messages as a log may show them: passwords never, patrons when the operator says so. Any thread.
#pragma once

#include <tandem/sip2/protocol/message.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::sip2 {

enum class log_privacy : std::uint8_t {
  unsafe,  ///< everything, passwords too: only while somebody looks for a fault
  secrets, ///< all but passwords (the default)
  patron,  ///< no names, addresses or card numbers either; the same card keeps the same mark
};

/// Of a message, and so long: more than that cannot be looked for in each line.
constexpr std::size_t most_secrets = 8;
constexpr std::size_t longest_secret = 255;

/// Values that no log may show, whatever they stand in: the passwords of a message, the longest
/// first. Of a login whose password was not found (another delimiter, or none of its fixed fields)
/// every value is one. Beyond the bounds a single empty one, which stands for everything.
[[nodiscard]] std::vector<std::string> secrets_of(const message& m);

/// A text with each of these values replaced by "***", plain or as JSON, forms, HTML and dumps
/// escape it; also one that the end of the text has cut. Nothing of it when one is empty.
[[nodiscard]] std::string hide_secrets(std::string_view text, std::span<const std::string> secrets);

/// The login name that a log may show: that of a 93 whose password was found; else empty.
[[nodiscard]] std::string_view login_name_of(const message& login) noexcept;

/// A message as one line for the log, in the form of the wire, with what is private replaced:
/// passwords by "***", card numbers by "#" and eight digits that differ in each process. What a
/// sender with another delimiter or without fixed fields has put in a wrong place is replaced too.
/// \param secrets hidden in all values where they stand as words, as in a screen message; an empty
/// one hides all values.
[[nodiscard]] std::string to_log_line(const message& m, log_privacy level,
                                      std::span<const std::string> secrets = {},
                                      char delimiter = '|');

} // namespace tandem::sip2
