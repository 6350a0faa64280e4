// SPDX-License-Identifier: Apache-2.0
// The little that the load generator reads of a SIP message: lines by their first bytes, never the
// whole grammar. Views point into the message given. No state, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tandem::bench {

/// The value of the first header line with this name (spelled as servers under test spell it),
/// empty when absent.
std::string_view header_value(std::string_view message, std::string_view name);

/// Appends every line of the message whose header is one that a response copies (RFC 3261 8.2.6.2):
/// Via, Record-Route, From, To, Call-ID, CSeq, in the order found. `to_tag` is added to a To
/// without tag.
void append_copied_lines(std::string& out, std::string_view message, std::string_view to_tag);

/// Appends one `Route: value` line for each Record-Route line, last one first (RFC 3261 12.1.2).
void append_route_lines(std::string& out, std::string_view message);

/// Length in bytes of the first whole message in a stream's buffer; nothing while it is incomplete.
std::optional<std::size_t> whole_message(std::string_view buffer);

/// The status code of a response, 0 for a request.
int status_of(std::string_view message);

/// Appends `value` as `digits` lower-case hexadecimal digits.
void append_hex(std::string& out, std::uint64_t value, int digits);

/// Reads `digits` hexadecimal digits; nothing when there are fewer.
std::optional<std::uint64_t> read_hex(std::string_view text, std::size_t digits);

} // namespace tandem::bench
