// SPDX-License-Identifier: Apache-2.0
// The called side: answers INVITE with 180 and 200, BYE and CANCEL with 200, and swallows ACK.
// Stateless: a repeated request gets the same answer again. One thread.
#pragma once

#include "channel.hpp"

namespace tandem::bench {

/// What the callee does with an INVITE.
enum class answering {
  at_once,   ///< 180 and 200
  ring_only, ///< 180, and no more: the call stays in progress
};

class callee {
 public:
  callee(answering how, transport kind, std::uint16_t port);

  /// Answers one request on the channel it came by.
  void on_request(channel& from, std::string_view request);

 private:
  answering how_;
  std::string contact_line_;
  std::string buffer_;
};

} // namespace tandem::bench
