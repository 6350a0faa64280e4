// SPDX-License-Identifier: Apache-2.0
// What the transport rules do to a Via and take from one: received and rport (RFC 3261 18.2.1,
// RFC 3581), and where a response goes (18.2.2). Pure functions, any thread.
#pragma once

#include <tandem/stack/target.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tandem::sip {
class message;
struct via;
} // namespace tandem::sip

namespace tandem::stack {

/// The parameters that the receiver of a request owes to its top Via.
struct via_stamp {
  bool needs_received = false; ///< sent-by is not the source address, or rport was asked for
  bool needs_rport = false;    ///< rport is there and has no value
};
[[nodiscard]] via_stamp stamp_of(const sip::via& top, const socket_address& source) noexcept;

/// Completes the top Via of a received request in place; call it once, before anything reads the
/// Via. A peer's own `received`, and an rport value it wrote itself, do not survive.
void stamp_top_via(sip::message& request, const socket_address& source);

/// Where a response goes, by the top Via of the request and where that came from: for a stream the
/// connection it came on, and if that is gone the received address with the port of sent-by; for a
/// datagram the source, with the port it came from where rport asks for that, else with the port of
/// sent-by, from the socket it came in on.
/// Deviates: 18.2.2 sends a datagram to any maddr, which would let everybody aim our answers at
/// anybody. A maddr counts when it is a multicast group or the address of the source.
[[nodiscard]] target response_target(const sip::via& top, const arrival& from) noexcept;

/// Where an answer goes to a request whose Via may be broken: what can be read of it counts, and
/// then the source. Nothing for one without Via, since nobody could tell what is answered.
[[nodiscard]] std::optional<target> answer_target(const sip::message& request,
                                                  const arrival& from) noexcept;

/// The same by a Via alone, for a response that is forwarded without a transaction: nothing when it
/// names a host to be looked up (RFC 3263 5) and has no received.
[[nodiscard]] std::optional<target> response_target(const sip::via& next) noexcept;

/// Where the request came from whose Via stamp_top_via() completed; nothing for any other Via whose
/// sent-by is a name.
[[nodiscard]] std::optional<socket_address> source_of(const sip::via& stamped,
                                                      transport_kind transport) noexcept;

/// The most bytes that an answer of ours may have. The source of a datagram may be forged, and who
/// it names gets at most ten times what was sent in his name, or what one packet holds.
[[nodiscard]] constexpr std::size_t answer_limit(std::size_t request_size,
                                                 transport_kind transport) noexcept {
  if (is_reliable(transport)) return 65'535;
  return request_size * 10 > 1'300 ? request_size * 10 : 1'300;
}

} // namespace tandem::stack
