// SPDX-License-Identifier: Apache-2.0
// What a suspended program holds up: the CANCEL of its INVITE, and the later requests of its
// Call-ID. Internal to transaction_layer.
#pragma once

#include <tandem/sip/message.hpp>
#include <tandem/stack/transaction_layer.hpp>

#include <deque>
#include <optional>

namespace tandem::stack {

/// A request that is kept for later, in bytes of its own size.
struct held_request {
  held_request(sip::message& request, const arrival& from);

  sip::message request;
  arrival from; ///< with its keys
};

/// Hangs on the server transaction whose program is suspended.
struct suspension {
  std::uint64_t call = 0;
  std::optional<held_request> cancel;

  /// The first CANCEL stays; copies of it are absorbed.
  void hold_cancel(sip::message& request, const arrival& from);
};

/// The requests of one Call-ID behind a suspended program, in the order of their arrival.
struct transaction_layer::waiting_call {
  std::size_t programs = 0; ///< that are suspended
  std::deque<held_request> requests;
};

} // namespace tandem::stack
