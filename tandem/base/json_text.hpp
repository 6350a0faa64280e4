// SPDX-License-Identifier: Apache-2.0
// JSON (RFC 8259) written as text where it has to be fast or where bytes of a peer stand in it.
// Values that are looked at or changed are Boost.JSON's. Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>

namespace tandem {

/// Appends a JSON string. Everything but printable ASCII is escaped as \uXXXX, with surrogates
/// beyond U+FFFF; bytes that are not UTF-8 become U+FFFD, so that any text makes valid JSON.
void append_json(std::string& to, std::string_view utf8);

} // namespace tandem
