// SPDX-License-Identifier: Apache-2.0
// Content-Length of a message that leaves (RFC 3261 18.3, 20.14): a stream is cut into messages by
// it. The caller's thread.
#pragma once

#include <tandem/base/result.hpp>
#include <tandem/sip/edit_errc.hpp>
#include <tandem/sip/message.hpp>

namespace tandem::sip {

/// There is one Content-Length, and it is that of the body.
[[nodiscard]] bool has_right_length(const message& of) noexcept;

/// Writes Content-Length when it is missing, wrong or repeated. Fails with too_large.
[[nodiscard]] result<void, edit_errc> ensure_content_length(message& of);

} // namespace tandem::sip
