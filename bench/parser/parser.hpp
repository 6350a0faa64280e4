// SPDX-License-Identifier: Apache-2.0
// What each parser under measurement must tell of a message. One program a parser, since their
// libraries' names clash.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace tandem::bench {

/// What a server looks at first in every message. Views are good until `take` returns; absent parts
/// are empty.
struct answer {
  std::string_view method; // empty for a response
  int status = 0;          // 0 for a request
  std::string_view branch; // of the topmost Via
  std::string_view from_tag;
  std::string_view to_tag;
  std::string_view call_id;
  std::uint32_t cseq = 0;
  std::string_view cseq_method;
  std::string_view contact_user; // of the first Contact
  std::string_view contact_host;
};

using take_answer = void (*)(const answer&);

/// Name of the parser linked into this program.
extern const char* const parser_name;

/// Once, before the first message.
void prepare_parser();

/// Parses one message, gives the answer, and lets go of everything. \return false when it was
/// refused.
bool read_message(std::string_view message, take_answer take);

/// The six messages that are measured, of 370 to 1,140 bytes: INVITE, 180, 200, ACK, BYE, REGISTER.
std::span<const std::string_view> measured_messages();

/// Calls of malloc, calloc, realloc and their kin in this program so far.
std::uint64_t allocations();

} // namespace tandem::bench
