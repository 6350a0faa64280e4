// SPDX-License-Identifier: Apache-2.0
// What one shard's transport sends to another's. By value: every block in a letter has this one
// reference, when it arrives and when it goes back.
#pragma once

#include <tandem/base/block.hpp>
#include <tandem/sip/parse_error.hpp>
#include <tandem/stack/outbox.hpp>
#include <tandem/stack/target.hpp>

#include <cstdint>
#include <variant>

namespace tandem::transport {

/// A message whose home is there.
struct incoming_letter {
  block_ref block;
  std::uint32_t size = 0;
  stack::arrival from;
};

/// A message for a connection that lives there.
struct outgoing_letter {
  stack::target to;
  stack::wire_message message;
  stack::origin on_behalf_of;
  std::uint16_t asking_shard = 0;
};

/// What happened to a message that was sent from there.
struct failure_letter {
  stack::origin on_behalf_of;
  stack::send_error reason{};
};

/// An ICMP error, which may concern any shard.
struct quoted_letter {
  block_ref block;
  std::uint32_t size = 0;
};

/// See outbox::bind_flow, for a connection that lives there.
struct binding_letter {
  flow_handle flow;
  instant until;
};

using letter =
    std::variant<incoming_letter, outgoing_letter, failure_letter, quoted_letter, binding_letter>;

} // namespace tandem::transport
