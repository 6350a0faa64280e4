// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/hop_requests.hpp>

#include <tandem/sip/build.hpp>
#include <tandem/sip/message_editor.hpp>
#include <tandem/stack/wire.hpp>

namespace tandem::stack {

wire_message make_ack(std::string_view invite, const sip::message& failure) {
  const auto sent = sip::message::parse(invite);
  if (!sent) return {};
  const auto ack = sip::make_ack(*sent, failure);
  return ack ? to_wire(*ack) : wire_message{};
}

wire_message make_cancel(const sip::message& request, std::span<const std::string> reasons) {
  auto cancel = sip::make_cancel(request);
  if (!cancel) return {};
  // What was refused by the setter is left out: a CANCEL without its reason still cancels.
  for (const std::string& reason : reasons)
    static_cast<void>(cancel->edit().append(sip::header_id::reason, reason));
  return to_wire(*cancel);
}

} // namespace tandem::stack
