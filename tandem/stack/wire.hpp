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

/// The message with its edits in a block of its own size.
[[nodiscard]] inline wire_message to_wire(const sip::message& message) {
  return to_wire(message.to_block());
}

} // namespace tandem::stack
