// SPDX-License-Identifier: Apache-2.0
// From a message to the bytes that are sent and kept. Pure, any thread.
#pragma once

#include <tandem/sip/content_length.hpp>
#include <tandem/stack/outbox.hpp>

#include <utility>

namespace tandem::stack {

/// What sip::response_writer has finished.
[[nodiscard]] inline wire_message to_wire(std::pair<block_ref, std::uint32_t>&& written) noexcept {
  return {std::move(written.first), written.second};
}

/// The message with its edits in a block of its own size, always with a Content-Length that is
/// right (RFC 3261 18.3, 20.14): what came as a datagram may have none, and on a stream its body
/// would be the next message. None at the bound of the edits of a message.
[[nodiscard]] inline wire_message to_wire(const sip::message& message) {
  if (sip::has_right_length(message)) return to_wire(message.to_block());
  sip::message framed = message.clone();
  if (!sip::ensure_content_length(framed)) return {};
  return to_wire(framed.to_block());
}

} // namespace tandem::stack
