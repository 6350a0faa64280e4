// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/hop_requests.hpp>

#include <tandem/sip/build.hpp>
#include <tandem/stack/wire.hpp>

namespace tandem::stack {

wire_message make_ack(std::string_view invite, const sip::message& failure) {
  const auto sent = sip::message::parse(invite);
  if (!sent) return {};
  const auto ack = sip::make_ack(*sent, failure);
  return ack ? to_wire(*ack) : wire_message{};
}

wire_message make_cancel(std::string_view request, std::string_view reason) {
  const auto sent = sip::message::parse(request);
  if (!sent) return {};
  auto cancel = sip::make_cancel(*sent);
  if (!cancel) return {};
  // What was refused by the setter is left out: a CANCEL without its reason still cancels.
  if (!reason.empty()) static_cast<void>(cancel->append("Reason", reason));
  return to_wire(*cancel);
}

} // namespace tandem::stack
