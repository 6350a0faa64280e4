// SPDX-License-Identifier: Apache-2.0
// What a program is told of a message by environment variables, with the names that SER gave them.
// Pure, any thread.
#pragma once

#include <tandem/base/hash.hpp>
#include <tandem/base/ip_address.hpp>
#include <tandem/sip/message.hpp>

#include <string>
#include <string_view>

namespace tandem::modules {

struct environment_source {
  const sip::message& request;  ///< as it arrived: header lines, original URI
  std::string_view current_uri; ///< the Request-URI as the script has it now
  ip_address source;            ///< where the request came from
  std::string_view transaction; ///< SIP_TID: transaction_id() of the request
};

/// SIP_TID, 32 hexadecimal digits: the same for each copy of a request, another one for each
/// transaction, and nobody outside can make two of them meet.
[[nodiscard]] std::string transaction_id(const sip::message& request, const hash_key& secret);

/// NAME=value, each name once and each ended by NUL:
/// SIP_SRCIP, SIP_RURI, SIP_USER, SIP_ORURI and SIP_ORUI, SIP_OUSER, SIP_TID, SIP_DID, and a
/// SIP_HF_ variable for each header name, its lines joined by commas in their order: upper case,
/// what is neither letter nor digit as `_`; compact names as their long ones, Call-ID as CALLID.
/// A value that begins like a function of a shell, `() {`, loses its parentheses.
[[nodiscard]] std::string make_environment(const environment_source& of);

} // namespace tandem::modules
