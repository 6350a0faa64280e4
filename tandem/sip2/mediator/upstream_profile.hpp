// SPDX-License-Identifier: Apache-2.0
// What is particular to a SIP2 server upstream, as data: the table [upstream.NAME]. A plain value,
// replaced as a whole at a reload, never changed while shared.
#pragma once

#include <tandem/base/config.hpp>
#include <tandem/base/secret.hpp>
#include <tandem/sip2/protocol/message_table.hpp>
#include <tandem/sip2/protocol/wire_format.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tandem::sip2 {

/// How a connection logs in.
enum class upstream_dialogue : std::uint8_t {
  raw,   ///< by a 93
  telnet ///< in words: `login:`, `password:`
};

/// Which sessions have a connection of their own.
enum class upstream_sessions : std::uint8_t {
  own,   ///< each terminal but those whose account is transient
  shared ///< none: what a connection is told in a message is all that the server goes by
};

/// What becomes of dates in fixed fields of requests.
enum class upstream_dates : std::uint8_t {
  kept,  ///< they go as the terminal wrote them
  local, ///< local time without a zone, as the standard prefers it
  utc    ///< with the letter Z
};

struct upstream_profile {
  /// Here `automatic` means: messages go with AY and AZ, and answers that have none are taken.
  wire_format wire = {};
  upstream_dialogue dialogue = upstream_dialogue::raw;
  std::optional<std::string> login = {}; ///< of the mediator; none: that of the terminal goes on
  secret password = {};
  std::string location = {}; ///< CP of our login; empty: left out
  bool asks_status = true;   ///< a 99 follows our login, as the standard has it
  upstream_sessions sessions = upstream_sessions::own;
  upstream_dates dates = upstream_dates::kept;
  /// Fields in which an answer repeats its request. Where one differs and no AY proves whose answer
  /// it is, a 99 finds that out.
  std::vector<field_id> echoes{field_id{"AA"}, field_id{"AB"}};
};

/// Reads the keys of a table that say how SIP2 is written: charset, delimiter and so on.
void read_wire_format(const config_table& t, wire_format& wire);

/// Reads the tables [upstream.NAME]; "default" is there in any case.
[[nodiscard]] std::map<std::string, std::shared_ptr<const upstream_profile>, std::less<>>
read_upstream_profiles(const config_table& root);

} // namespace tandem::sip2
