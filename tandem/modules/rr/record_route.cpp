// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/rr/record_route.hpp>

#include <tandem/base/block.hpp>
#include <tandem/server/core.hpp>
#include <tandem/sip/sink.hpp>
#include <tandem/sip/uri.hpp>

#include <string>

namespace tandem::modules {

namespace {

using server::record_route_state;

const rr_settings& rules_of(const server::message_context& m) {
  static const rr_settings defaults;
  const auto* const found = m.script().find_settings_of<rr_settings>();
  return found ? *found : defaults;
}

std::string_view transport_parameter(stack::transport_kind transport) {
  switch (transport) {
  case stack::transport_kind::udp: break;
  case stack::transport_kind::tcp: return ";transport=tcp";
  case stack::transport_kind::tls: return ";transport=tls";
  case stack::transport_kind::ws:
  case stack::transport_kind::wss: return ";transport=ws";
  }
  return {};
}

bool put_entry(server::message_context& m, sip::message& into, std::string_view sent_by,
               stack::transport_kind transport, bool is_one_of_two) {
  const rr_settings& rules = rules_of(m);
  std::string_view user;
  if (rules.add_username)
    if (const auto uri = sip::uri::parse(m.uri()); uri && uri->is_sip()) user = uri->user();
  const std::string_view tag = rules.append_fromtag ? m.message().from_tag() : std::string_view{};

  constexpr std::size_t words = 64; // more than all that is fixed
  const block_ref room = block_ref::make(words + user.size() + sent_by.size() + tag.size());
  sip::sink text{{room.data(), room.capacity()}};
  text.put("<sip:");
  if (!user.empty()) {
    text.put(user);
    text.put('@');
  }
  text.put(sent_by);
  text.put(transport_parameter(transport));
  if (is_one_of_two) text.put(";r2=on");
  if (!tag.empty()) {
    text.put(";ftag=");
    text.put(tag);
  }
  text.put(";did=");
  text.put(dialog_mark{m}.view());
  text.put(rules.enable_full_lr ? ";lr=on>" : ";lr>");
  return text.has_fitted() && into.put_front(sip::header_id::record_route, text.text());
}

} // namespace

dialog_mark::dialog_mark(const server::message_context& m) {
  // 40 bits: guessing one takes as many calls as nobody places unseen.
  std::uint64_t bits = keyed_hash(m.home().shared().secret, m.message().call_id(), "did") >> 24;
  for (auto digit = text_.rbegin(); digit != text_.rend(); ++digit, bits >>= 4)
    *digit = "0123456789abcdef"[bits & 15];
}

bool push_record_route(server::message_context& m, std::string_view sent_by,
                       stack::transport_kind transport, bool is_one_of_two) {
  return put_entry(m, m.message(), sent_by, transport, is_one_of_two);
}

bool needs_second_record_route(const server::message_context& m, const stack::target& to) {
  if (m.recorded_route() != record_route_state::single) return false;
  const bool is_same_way =
      to.transport == m.from().transport && to.address.ip.which() == m.from().local.ip.which();
  // Without such a listener nothing leaves: sending will say so.
  return !is_same_way && rules_of(m).enable_double_rr && !m.home().out().sent_by(to).empty();
}

bool put_second_record_route(server::message_context& m, sip::message& leaving,
                             const stack::target& to) {
  // Whoever follows the route takes both entries away at once, and knows by r2 that they are two.
  const auto marked = leaving.update_front(sip::header_id::record_route, [](std::string_view old) {
    const auto lr = old.rfind(";lr");
    return std::string{old.substr(0, lr)} + ";r2=on" + std::string{old.substr(lr)};
  });
  return marked && put_entry(m, leaving, m.home().out().sent_by(to), to.transport, true);
}

} // namespace tandem::modules
