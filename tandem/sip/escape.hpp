// SPDX-License-Identifier: Apache-2.0
// Percent escapes of URIs (RFC 3261 19.1.2, RFC 2396). Pure functions, any thread.
#pragma once

#include <tandem/sip/lexical.hpp>

#include <string>
#include <string_view>

namespace tandem::sip {

/// Part of a URI: each leaves other characters bare.
enum class uri_part { user, password, param, header };

/// The text with every byte escaped that may not stand bare in that part. Allocates.
[[nodiscard]] std::string escape_uri(uri_part part, std::string_view text);

/// The bytes that the text means. A % without two hexadecimal digits stays as it is. Allocates.
[[nodiscard]] std::string unescape_uri(std::string_view text);

enum class letter_case { exact, ignored };

/// Whether two parts of URIs mean the same (19.1.4): an unreserved character is the same as its
/// escape; a reserved one is not.
[[nodiscard]] bool means_same_escaped(std::string_view a, std::string_view b,
                                      letter_case letters) noexcept;

} // namespace tandem::sip
