// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/rr/record_route.hpp>

#include <tandem/server/core.hpp>
#include <tandem/sip/uri.hpp>

#include <fmt/format.h>

namespace tandem::modules {

namespace {

/// The entry without what depends on the way: "<sip:host;transport=tcp" and "...;lr>".
std::string entry(server::message_context& m, std::string_view sent_by,
                  stack::transport_kind transport, bool is_one_of_two) {
  const auto* const found = m.script().find_settings_of<rr_settings>();
  static const rr_settings defaults;
  const rr_settings& rules = found ? *found : defaults;
  std::string text = "<sip:";
  if (rules.add_username)
    if (const auto uri = sip::uri::parse(m.uri()); uri && uri->is_sip() && !uri->user().empty()) {
      text += uri->user();
      text += '@';
    }
  text += sent_by;
  switch (transport) {
  case stack::transport_kind::udp: break;
  case stack::transport_kind::tcp: text += ";transport=tcp"; break;
  case stack::transport_kind::tls: text += ";transport=tls"; break;
  case stack::transport_kind::ws:
  case stack::transport_kind::wss: text += ";transport=ws"; break;
  }
  if (is_one_of_two) text += ";r2=on";
  if (rules.append_fromtag)
    if (const auto tag = m.message().from_tag(); !tag.empty()) {
      text += ";ftag=";
      text += tag;
    }
  text += ";did=";
  text += dialog_mark(m);
  text += rules.enable_full_lr ? ";lr=on>" : ";lr>";
  return text;
}

} // namespace

std::string dialog_mark(const server::message_context& m) {
  // 40 bits: guessing one takes as many calls as nobody places unseen.
  const std::uint64_t bits = keyed_hash(m.home().shared().secret, m.message().call_id(), "did");
  return fmt::format("{:010x}", bits >> 24);
}

bool push_record_route(server::message_context& m, std::string_view sent_by,
                       stack::transport_kind transport, bool is_one_of_two) {
  return m.message()
      .put_front(sip::header_id::record_route, entry(m, sent_by, transport, is_one_of_two))
      .has_value();
}

bool complete_record_route(server::message_context& m, sip::message& leaving,
                           const stack::target& to) {
  if (m.recorded_route() != server::record_route_state::single) return true;
  const auto* const rules = m.script().find_settings_of<rr_settings>();
  if (rules && !rules->enable_double_rr) return true;
  const bool is_same_way =
      to.transport == m.from().transport && to.address.ip.which() == m.from().local.ip.which();
  if (is_same_way) return true;
  // Whoever follows the route takes both entries away at once, and knows by r2 that they are two.
  const std::string_view out = m.home().out().sent_by(to);
  if (out.empty()) return true; // there is no such listener: sending will say so
  const auto marked = leaving.update_front(sip::header_id::record_route, [](std::string_view old) {
    const auto lr = old.rfind(";lr");
    return std::string{old.substr(0, lr)} + ";r2=on" + std::string{old.substr(lr)};
  });
  return marked &&
         leaving.put_front(sip::header_id::record_route, entry(m, out, to.transport, true));
}

} // namespace tandem::modules
