// SPDX-License-Identifier: Apache-2.0
// Header lines as scripts write them: "Name: value\r\n", one or several. Pure, any thread.
#pragma once

#include <tandem/script/argument.hpp>
#include <tandem/sip/header_lines.hpp>
#include <tandem/sip/message.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::modules {

struct header_field {
  std::string_view name;
  std::string_view value;
};

/// The lines of a text, whatever ends them; blank lines do not count, and a line that begins with a
/// blank goes on with the one before (RFC 3261 7.3.1). Nothing when a line has no name.
/// \param room keeps what had to be joined; the result is views into `text` and `room`
[[nodiscard]] std::optional<std::vector<header_field>> split_header_text(std::string_view text,
                                                                         std::string& room);

/// Inserts the lines before line `at`; the message is untouched when one is refused.
[[nodiscard]] bool insert_fields(sip::message& m, std::size_t at,
                                 const std::vector<header_field>& fields);

/// What a script's header text promised when it was checked.
struct header_text {
  std::size_t lines = 0;        ///< what a peer sent, filled in for a variable, adds none
  sip::header_lines constant{}; ///< the lines themselves, where no variable is in them

  /// The lines of the evaluated text; nothing when they are not the promised ones.
  [[nodiscard]] std::optional<std::vector<header_field>> split(std::string_view text,
                                                               std::string& room) const;
};

/// Prepares a function whose first argument is header text: complains about what is none.
[[nodiscard]] std::shared_ptr<const void> check_header_text(script::check& c);

} // namespace tandem::modules
