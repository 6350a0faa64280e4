// SPDX-License-Identifier: Apache-2.0
// Bytes as text (RFC 4648 4). Any thread.
#pragma once

#include <string>
#include <string_view>

namespace tandem::crypto {

/// The bytes in base64 with its padding, without line breaks.
[[nodiscard]] std::string encode_base64(std::string_view bytes);

} // namespace tandem::crypto
