// SPDX-License-Identifier: Apache-2.0
// A request of ours as a caller describes it, and what is made of it (RFC 3261 8.1.1): the headers
// that he must give, those that he may not, and those that are added where he gave none. Pure but
// for random tags; any thread.
#pragma once

#include <tandem/base/result.hpp>
#include <tandem/sip/message.hpp>

#include <cstdint>
#include <string_view>

namespace tandem::stack {

/// What a caller wants to be sent.
struct request_draft {
  std::string_view method;
  std::string_view uri;           ///< Request-URI
  std::string_view headers;       ///< lines "Name: value", each ended by LF or CRLF
  std::string_view body = {};     ///< as it is sent
  std::string_view software = {}; ///< User-Agent where the caller gives none; empty: none
};

/// Why no request can be made of a draft.
enum class draft_errc : std::uint8_t {
  bad_method,         ///< no token, or ACK or CANCEL, which only belong to another request
  bad_uri,            ///< the Request-URI is no URI
  bad_headers,        ///< a line is no header, or a header cannot be read, or it is ours: Via
  no_to,              ///< To is missing
  no_from,            ///< From is missing
  bad_from,           ///< From cannot be read
  bad_cseq,           ///< CSeq has no number
  other_method,       ///< CSeq names another method
  has_content_length, ///< which we write
  no_content_type,    ///< there is a body, and nobody says of what type
  too_large,          ///< than a message may be
};

/// For who wrote the draft: "To missing".
[[nodiscard]] std::string_view to_string(draft_errc errc) noexcept;

/// The request without Via: its headers in the order that they were given in, then From tag,
/// Call-ID, CSeq (1), Max-Forwards (70), Contact where a dialog or subscription may begin
/// (own_address stands for ours), User-Agent and Content-Length where they were not given. Tag and
/// Call-ID are random (19.3). Throws std::bad_alloc.
[[nodiscard]] result<sip::message, draft_errc> make_own_request(const request_draft& draft);

/// Stands in a header other than From, To, Call-ID and CSeq for the address of ours that the
/// request leaves by.
inline constexpr std::string_view own_address = "!!";

/// Puts host and port in the place of own_address.
/// \param sent_by as a Via has it; the port is added where it is the default one
/// \return false when the message takes no more
[[nodiscard]] bool put_own_address(sip::message& request, std::string_view sent_by,
                                   std::uint16_t default_port);

} // namespace tandem::stack
