// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/via_rules.hpp>

#include <tandem/sip/headers.hpp>
#include <tandem/sip/received.hpp>

namespace tandem::stack {

namespace {

std::uint16_t sent_by_port(const sip::via& v, transport_kind transport) noexcept {
  return v.sent_by.port.value_or(default_port(transport));
}

/// Sends to the maddr of the Via instead, with the port of sent-by (RFC 3261 18.2.2), where it is a
/// group, or the address that `to` has already.
void obey_maddr(const sip::via& v, target& to) noexcept {
  const auto maddr = v.maddr();
  const ip_address ip = maddr ? maddr->address() : ip_address{};
  if (!ip.is_multicast() && (!ip || ip != to.address.ip)) return;
  to.address.ip = ip;
  to.address.port = sent_by_port(v, to.transport);
  // 18.2.2: the ttl of the Via, 1 without one; it means something to multicast only.
  if (ip.is_multicast()) to.ttl = v.ttl().value_or(1);
}

} // namespace

via_stamp stamp_of(const sip::via& top, const socket_address& source) noexcept {
  via_stamp stamp;
  stamp.needs_rport = top.has_rport();
  // RFC 3581 4: with rport, received goes in even when it says nothing new. A received that the
  // peer wrote is a lie or a leftover either way.
  stamp.needs_received = top.has_rport() || top.has_received() ||
                         top.sent_by.host.address() != source.ip; // RFC 3261 18.2.1
  return stamp;
}

void stamp_top_via(sip::message& request, const socket_address& source) {
  const auto top = request.get<sip::hdr::via>();
  if (!top || !stamp_of(*top, source).needs_received) return;
  // Refused only when the Via does not parse, which it just did, or at the bound of edits.
  static_cast<void>(stamp_received(request, source));
}

target response_target(const sip::via& top, const arrival& from) noexcept {
  target to;
  to.transport = from.transport;
  to.flow = from.flow;
  if (is_reliable(from.transport)) {
    // RFC 3261 18.2.2: the connection; when it is gone, the source with the port of sent-by.
    to.address = {from.source.ip, sent_by_port(top, from.transport), from.source.scope};
    to.may_reconnect = true;
    return to;
  }
  // RFC 3581 4: back to the very port it came from, else to the one of sent-by.
  const std::uint16_t port = top.has_rport() ? from.source.port : sent_by_port(top, from.transport);
  to.address = {from.source.ip, port, from.source.scope};
  obey_maddr(top, to);
  return to;
}

std::optional<target> answer_target(const sip::message& request, const arrival& from) noexcept {
  if (const auto top = request.get<sip::hdr::via>()) return response_target(*top, from);
  const auto text = request.front(sip::header_id::via);
  if (!text) return std::nullopt;
  // RFC 4475 3.1.2.1: parameters that nobody can read, behind a sent-by that says enough.
  if (const auto head = sip::via::parse(text->substr(0, text->find(';'))))
    return response_target(*head, from);
  target to;
  to.transport = from.transport;
  to.flow = from.flow;
  to.address = from.source;
  return to;
}

std::optional<socket_address> source_of(const sip::via& stamped,
                                        transport_kind transport) noexcept {
  socket_address source{{}, sent_by_port(stamped, transport)};
  if (const auto received = stamped.received()) {
    source.ip = received->address();
    if (const auto rport = stamped.rport()) source.port = *rport;
  } else {
    source.ip = stamped.sent_by.host.address();
  }
  if (!source.ip || source.port == 0) return std::nullopt;
  return source;
}

std::optional<target> response_target(const sip::via& next) noexcept {
  const auto transport = next.transport_id();
  const auto source = transport ? source_of(next, *transport) : std::nullopt;
  if (!source) return std::nullopt;
  target to;
  to.transport = *transport;
  to.address = *source;
  if (!is_reliable(*transport)) obey_maddr(next, to);
  return to;
}

} // namespace tandem::stack
