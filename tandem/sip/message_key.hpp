// SPDX-License-Identifier: Apache-2.0
// What a message is matched by. Views into the message; any thread.
#pragma once

#include <tandem/sip/method.hpp>

#include <cstdint>
#include <string_view>

namespace tandem::sip {

/// What matches a message to its transaction and its dialog (RFC 3261 12, 17.1.3, 17.2.3), all of
/// it views; an absent part is empty.
struct message_key {
  std::string_view branch;        ///< of the top Via
  std::string_view sent_by_host;  ///< of the top Via; IPv6 with its brackets
  std::uint16_t sent_by_port = 0; ///< 0: none written
  std::string_view call_id;
  std::string_view from_tag;
  std::string_view to_tag;
  std::uint32_t cseq = 0;
  sip::method cseq_method = sip::method::unknown;
  std::string_view cseq_method_text;
};

} // namespace tandem::sip
