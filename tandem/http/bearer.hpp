// SPDX-License-Identifier: Apache-2.0
// Bearer tokens of requests (RFC 6750). Any thread.
#pragma once

#include <tandem/http/message.hpp>

#include <string_view>

namespace tandem::http {

/// The token in "Authorization: Bearer ...", empty without one. A view into the request.
[[nodiscard]] std::string_view bearer_token(const request& r) noexcept;

/// The answer to a request without a good one (RFC 6750 3): 401, and one line that says why.
[[nodiscard]] response unauthorized(std::string_view why);

} // namespace tandem::http
