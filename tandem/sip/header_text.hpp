// SPDX-License-Identifier: Apache-2.0
// Header texts judged and rewritten by the type that headers.def gives them, for callers that know
// the header only at run time: the validator, scripts, fuzzers. Pure functions, any thread.
#pragma once

#include <tandem/sip/header_id.hpp>
#include <tandem/sip/parse_error.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace tandem::sip {

/// Parses the text as the header's value, or as each of its values when they form a list.
/// \return what is wrong, with its offset in the text; nothing when all is well. An empty text is
/// an empty list where the header is one; of unknown headers only CR, LF and NUL are wrong.
[[nodiscard]] std::optional<parse_error> find_fault(header_id id, std::string_view text) noexcept;

/// The text parsed and written again: what a header looks like once it went through its type.
/// \return `unsafe_text` when a value holds a NUL behind a backslash, which is legal but is not
/// written. Allocates.
[[nodiscard]] result<std::string, parse_error> rewrite(header_id id, std::string_view text);

} // namespace tandem::sip
