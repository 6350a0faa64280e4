// SPDX-License-Identifier: Apache-2.0
// How a request is forwarded (RFC 3261 16.6): the copy for one target, with its Request-URI,
// Max-Forwards, Max-Breadth, Path, strict route, and, for each address that is tried, its
// transport, Record-Route, Via and Content-Length; and which URI leads there. What a Record-Route
// says of us is in record_route, the choice of targets (16.5) comes before this. Functions over a
// message, any thread that may ask the outbox.
#pragma once

#include <tandem/base/result.hpp>
#include <tandem/stack/outbox.hpp>
#include <tandem/stack/record_route.hpp>

#include <cstdint>
#include <span>
#include <string_view>

namespace tandem::sip {
class message;
}

namespace tandem::stack {

/// Who has named the targets of a way.
enum class named_by : std::uint8_t {
  stranger, ///< the caller in the Request-URI, a phone in its Contact: see reflection.hpp
  us,       ///< the operator, a program of ours, or a phone that has proved its address
};

/// The entry of ours on top of Record-Route (push_record_route), which names the side that the
/// request came by. The copy for each way says the other side.
struct recorded_entry {
  /// A second entry is written where enable_double_rr says so.
  record_route_rules rules;
  target came_by; ///< the way back to who sent the request
};

/// A way for the request to take.
struct forward_to {
  std::string_view uri;            ///< the Request-URI of this branch
  std::span<const target> targets; ///< addresses in the order to try them, at least one
  std::string_view path = {};      ///< Route values to put on top (RFC 3327 5.3)
  /// How the request was recorded; null: it was not, by us.
  const recorded_entry* recorded = nullptr;
  named_by named = named_by::stranger;
  /// Bytes that were received for the sake of this way besides the request: the REGISTER that named
  /// it. They count once.
  std::uint32_t paid = 0;
};

/// Why a request was not forwarded.
enum class forward_errc : std::uint8_t {
  gone,              ///< no such context, or a final response went upstream already
  cancelled,         ///< the caller gave up: no new branches
  loop,              ///< RFC 5393: 482
  too_many_hops,     ///< Max-Forwards is 0, or not a number (RFC 3261 16.3 step 3): 483
  too_many_branches, ///< of this request: 500
  breadth,           ///< RFC 5393 5.3.3: 440
  full,              ///< bound on transactions: 503
  unanswered,        ///< more would go to who never answered than a stranger may bring about: 503
  bad_uri,           ///< the Request-URI was refused: 400
  no_listener,       ///< no listener of that transport: never downgraded: 478
  insecure,          ///< a sips: request would leave in clear (RFC 3261 26.2.2): 480
  too_large,         ///< the edits make the message larger than a message may be: 513
};

/// Status to answer for a forward_errc; 0 where nothing is to be answered.
[[nodiscard]] int status_of(forward_errc errc) noexcept;

/// Who takes one from Max-Forwards (RFC 3261 16.6 step 3).
enum class hop_count : std::uint8_t {
  here,   ///< forwarding does
  before, ///< whoever prepared the request has done it
};

/// Takes one from Max-Forwards; 70 when there is none. A request that arrives with 1 is forwarded
/// with 0 (RFC 3261 16.3 step 3).
[[nodiscard]] result<void, forward_errc> count_hop(sip::message& request);

/// How many branches a request may have at a time, all its copies together (RFC 5393 5.3.3).
struct breadth {
  unsigned whole = 0;
  bool is_named = false; ///< by a Max-Breadth of the request

  /// \param otherwise of a request that names none.
  [[nodiscard]] static breadth of(const sip::message& request, unsigned otherwise) noexcept;
  /// What each of `ways` branches is given. Deviates: a request without Max-Breadth that goes one
  /// way only is left without: 0.
  [[nodiscard]] unsigned share(std::size_t ways) const noexcept {
    return is_named || ways > 1 ? whole / static_cast<unsigned>(ways) : 0;
  }
};

/// Who says where a branch goes next.
struct hop_sources {
  std::string_view uri = {};    ///< its Request-URI
  std::string_view route = {};  ///< next_hop_uri() of a request that has a Route, else empty
  std::string_view chosen = {}; ///< a URI that this element wants instead, empty for none
  std::string_view path = {};   ///< Route values that are put on top (forward_to::path), or empty
  /// An address or a flow is known without any of them: where a registered phone was seen last.
  bool has_address = false;
};

/// What leads to the next hop.
struct hop_lead {
  std::string_view uri;       ///< one of the sources, or in one
  bool is_by_address = false; ///< the address that is known leads there: no URI is looked at
};

/// RFC 3261 16.6 step 7, and the policy that steps 6 and 7 leave to the proxy. The Path of a
/// registration comes first, since its first value is the top of the Route (RFC 3327 5.3); then the
/// address that is known; then what this element has chosen; then the Route, for all branches; then
/// the Request-URI. Call it before address_copy, which changes the last two for a strict router.
[[nodiscard]] hop_lead lead_of(const hop_sources& of) noexcept;

/// What address_copy did.
enum class copy_change : std::uint8_t {
  none, ///< the copy is as the request was
  some,
};

/// The copy (step 1) with its hop counted (step 3), where that was not done before.
[[nodiscard]] result<sip::message, forward_errc> copy_of(const sip::message& request,
                                                         hop_count hops);

/// Makes the copy of a request that of one target: Request-URI (step 2), Path, Max-Breadth, and a
/// strict router ahead (step 6). \param share of the breadth; 0 for none.
[[nodiscard]] result<copy_change, forward_errc> address_copy(sip::message& copy,
                                                             const forward_to& way, unsigned share);

/// Whether our Via asks for rport (RFC 3581 3).
enum class via_rport : std::uint8_t { unasked, asked };

/// RFC 3261 26.2.2, RFC 5630 5.3: what is asked for by sips: leaves by TLS or not at all, whatever
/// way a flow, a Path, a Route or the script names for it.
[[nodiscard]] bool leaves_in_clear(std::string_view request_uri, transport_kind transport) noexcept;

/// Whether a copy may be sent to another address later.
enum class other_addresses : std::uint8_t { none, some };

/// What write_copy puts into a copy.
struct leaving_marks {
  std::string_view branch;
  via_rport rport = via_rport::unasked;
  std::string_view way_back = {}; ///< stateless_return, empty for none
  const recorded_entry* recorded = nullptr;
  const hash_key& secret; ///< that entries of Record-Route are sealed with
  other_addresses others = other_addresses::none;
};

/// A request as it leaves.
struct leaving_request {
  wire_message message;
  target to;
  bool is_recorded_apart = false; ///< its Record-Route is that of this way alone
  /// The copy as it was addressed, without Via and the entries of this way, where those are not
  /// right for another address that may be tried.
  wire_message addressed = {};
};

/// Completes an addressed copy for one address: TCP where it is too large for a datagram and nobody
/// chose the transport (18.1.1, step 7), the entries of Record-Route that name what it leaves by
/// (step 4, RFC 5658), our Via (step 8), a right Content-Length (step 9).
[[nodiscard]] result<leaving_request, forward_errc>
write_copy(sip::message& copy, const target& to, const leaving_marks& marks, const outbox& out);

} // namespace tandem::stack
