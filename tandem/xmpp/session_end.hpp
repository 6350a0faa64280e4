// SPDX-License-Identifier: Apache-2.0
// Why a session of BOSH is over, and what is done about it. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tandem::xmpp {

enum class session_end : std::uint8_t {
  finished, ///< as we wanted, or the server ended it without a condition
  // XEP-0124 17.2
  bad_request,
  host_gone,
  host_unknown,
  improper_addressing,
  internal_server_error,
  item_not_found,
  other_request,
  policy_violation,
  remote_connection_failed,
  remote_stream_error,
  see_other_uri,
  system_shutdown,
  undefined_condition, ///< that one, and those that nobody knows
  // What only we can tell.
  conflict,    ///< remote_stream_error because another one took our resource (RFC 6120 4.9.3.3)
  unreachable, ///< the server did not answer for so long that it has forgotten the session
  bad_answer,  ///< the server does not keep to XEP-0124
};

/// The name of a condition on the wire, or our own word.
[[nodiscard]] std::string_view to_string(session_end end) noexcept;

/// What a condition of the wire means; undefined_condition for one that nobody knows.
[[nodiscard]] session_end session_end_of(std::string_view condition) noexcept;

enum class recovery : std::uint8_t {
  none,          ///< it was meant to end
  login_at_once, ///< a moment later
  back_off,      ///< 1 s and then longer and longer, up to 300 s
  long_back_off, ///< the same, from 60 s on: we are too much for the server, or at fault
  contend,       ///< another one wants our resource: back off, and use another one at last
  move,          ///< to the URI that the server names
  reconfigure,   ///< somebody must look: once in 15 minutes
  stop,          ///< not before the account is another one (of no condition)
};

[[nodiscard]] recovery recovery_of(session_end end) noexcept;

} // namespace tandem::xmpp
