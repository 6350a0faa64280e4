// SPDX-License-Identifier: Apache-2.0
// From a message to the bytes that are sent and kept. Pure, any thread.
#pragma once

#include <tandem/sip/message.hpp>
#include <tandem/stack/outbox.hpp>

#include <utility>

namespace tandem::stack {

/// What sip::response_writer has finished.
[[nodiscard]] inline wire_message to_wire(std::pair<block_ref, std::uint32_t>&& written) noexcept {
  return {std::move(written.first), written.second};
}

/// There is one Content-Length, and it is that of the body.
[[nodiscard]] inline bool has_right_length(const sip::message& message) noexcept {
  const std::size_t at = message.find(sip::header_id::content_length);
  return at != sip::message::npos &&
         parse_number<std::size_t>(message.value(at)) == message.body().size() &&
         message.find(sip::header_id::content_length, at + 1) == sip::message::npos;
}

/// The message with its edits in a block of its own size, always with a Content-Length that is
/// right (RFC 3261 18.3, 20.14): what came as a datagram may have none, and on a stream its body
/// would be the next message. None at the bound of the edits of a message.
[[nodiscard]] inline wire_message to_wire(const sip::message& message) {
  if (has_right_length(message)) return to_wire(message.to_block());
  sip::message framed = message.clone();
  if (!framed.ensure_content_length()) return {};
  return to_wire(framed.to_block());
}

} // namespace tandem::stack
