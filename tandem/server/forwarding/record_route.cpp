// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/forwarding/record_route.hpp>

#include <tandem/base/block.hpp>
#include <tandem/server/core.hpp>
#include <tandem/sip/message_editor.hpp>
#include <tandem/sip/sink.hpp>
#include <tandem/sip/uri.hpp>

#include <string>

namespace tandem::server {

namespace {

std::string_view transport_parameter(transport_kind transport) {
  switch (transport) {
  case transport_kind::udp: break;
  case transport_kind::tcp: return ";transport=tcp";
  case transport_kind::tls: return ";transport=tls";
  case transport_kind::ws:
  case transport_kind::wss: return ";transport=ws";
  }
  return {};
}

enum class place : std::uint8_t { alone, one_of_two };

bool put_entry(const message_context& m, const record_route_rules& rules, sip::message& into,
               std::string_view sent_by, transport_kind transport, place where) {
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
  if (where == place::one_of_two) text.put(";r2=on");
  if (!tag.empty()) {
    text.put(";ftag=");
    text.put(tag);
  }
  text.put(";did=");
  text.put(dialog_mark{m}.view());
  text.put(rules.enable_full_lr ? ";lr=on>" : ";lr>");
  return text.has_fitted() && into.edit().put_front(sip::header_id::record_route, text.text());
}

} // namespace

dialog_mark::dialog_mark(const message_context& m) {
  // 40 bits: guessing one takes as many calls as nobody places unseen.
  std::uint64_t bits = keyed_hash(m.home().shared().secret, m.message().call_id(), "did") >> 24;
  for (auto digit = text_.rbegin(); digit != text_.rend(); ++digit, bits >>= 4)
    *digit = "0123456789abcdef"[bits & 15];
}

bool push_record_route(message_context& m, const record_route_rules& rules,
                       std::string_view sent_by, transport_kind transport) {
  return put_entry(m, rules, m.message(), sent_by, transport, place::alone);
}

bool needs_second_record_route(const message_context& m, const stack::target& to) {
  const auto* const recorded = m.find_state<recorded_route>();
  if (!recorded || recorded->made != recorded_route::kind::single) return false;
  const bool is_same_way =
      to.transport == m.from().transport && to.address.ip.which() == m.from().local.ip.which();
  // Without such a listener nothing leaves: sending will say so.
  return !is_same_way && recorded->rules.enable_double_rr && !m.home().out().sent_by(to).empty();
}

bool put_second_record_route(const message_context& m, sip::message& leaving,
                             const stack::target& to) {
  // Whoever follows the route takes both entries away at once, and knows by r2 that they are two.
  const auto marked =
      leaving.edit().update_front(sip::header_id::record_route, [](std::string_view old) {
        const auto lr = old.rfind(";lr");
        return std::string{old.substr(0, lr)} + ";r2=on" + std::string{old.substr(lr)};
      });
  return marked && put_entry(m, m.find_state<recorded_route>()->rules, leaving,
                             m.home().out().sent_by(to), to.transport, place::one_of_two);
}

} // namespace tandem::server
