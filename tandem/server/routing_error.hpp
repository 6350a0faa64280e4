// SPDX-License-Identifier: Apache-2.0
// Why routing a message failed, as sl_reply_error() tells it: the last error of the script's run,
// and the status and words it is answered with (the codes are those of SER). Constant data.
#pragma once

#include <cstdint>
#include <string_view>

namespace tandem::server {

enum class routing_error : std::uint8_t {
  none,                ///< nothing is known to have failed: 500
  send,                ///< the next hop could not be sent to: 477
  bad_address,         ///< the next hop could not be found, or its transport is not there: 478
  bad_uri,             ///< a URI that nobody could route: 479
  bad_request,         ///< the request lacks what an answer needs: 400
  bad_to,              ///< To does not parse: 400
  bad_tuple,           ///< Via, From, To, Call-ID or CSeq are missing: 400
  script,              ///< the script refused the message: 500
  exec,                ///< a program that the script ran failed: 500
  exec_overloaded,     ///< too many programs run already: 503
  too_many_branches,   ///< more destinations than the limit: 500
  out_of_transactions, ///< the bound on transactions is reached: 503
  bad_scheme,          ///< a URI scheme that this server does not route: 416 (RFC 3261 8.2.2.1)
  insecure,            ///< a sips: request that would leave in clear: 480 (RFC 3261 26.2.2)
};

/// What a peer is told.
struct error_answer {
  int status;
  std::string_view reason;
};

/// \param layer "SL" or "TM": who answers, as SER writes it at the end of the phrase.
[[nodiscard]] error_answer answer_for(routing_error error, std::string_view layer) noexcept;

} // namespace tandem::server
