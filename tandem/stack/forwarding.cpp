// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/forwarding.hpp>

#include <tandem/base/decimal.hpp>
#include <tandem/base/text.hpp>
#include <tandem/sip/content_length.hpp>
#include <tandem/sip/line_writer.hpp>
#include <tandem/sip/max_forwards.hpp>
#include <tandem/sip/message_editor.hpp>
#include <tandem/sip/name_addr.hpp>
#include <tandem/sip/single_values.hpp>
#include <tandem/stack/route_rules.hpp>
#include <tandem/stack/stateless_return.hpp>
#include <tandem/stack/wire.hpp>

#include <algorithm>
#include <array>
#include <string>

namespace tandem::stack {

namespace {

/// The text of a Via, in a room that is not initialised: written before it is read.
class via_line {
 public:
  void put(std::string_view text) noexcept {
    if (text.size() > text_.size() - size_) {
      is_cut_ = true;
      return;
    }
    sip::put_bytes(text_.data() + size_, text);
    size_ += text.size();
  }
  /// What did not fit is missing: a Via without its branch would match nothing.
  [[nodiscard]] bool is_cut() const noexcept { return is_cut_; }
  [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), size_}; }

 private:
  std::array<char, 512> text_; // NOLINT(cppcoreguidelines-pro-type-member-init)
  std::size_t size_ = 0;
  bool is_cut_ = false;
};

void write_via(via_line& via, const target& to, std::string_view sent_by,
               const leaving_marks& marks) noexcept {
  via.put("SIP/2.0/");
  via.put(via_token(to.transport));
  via.put(" ");
  via.put(sent_by);
  if (marks.rport == via_rport::asked) via.put(";rport");
  if (to.address.ip.is_multicast()) {
    // RFC 3261 18.1.1: the answers go to the group, too, and no further than the request.
    via.put(";maddr=");
    via.put(to.address.ip.to_uri_host());
    if (to.address.ip.is_v4()) {
      via.put(";ttl=");
      via.put(decimal{std::max<unsigned>(to.ttl, 1)}.view());
    }
  }
  via.put(";branch=");
  via.put(marks.branch);
  if (marks.way_back.empty()) return;
  via.put(";");
  via.put(return_parameter);
  via.put("=");
  via.put(marks.way_back);
}

/// The address of ours that a second entry names: the request leaves by another transport or
/// address than it came by (RFC 5658). Empty when there is one side only.
std::string_view other_side(const recorded_entry& recorded, const leaving_way& by,
                            const outbox& out) noexcept {
  const bool is_same =
      !recorded.rules.enable_double_rr ||
      (by.transport == recorded.came_by.transport && by.sent_by == out.sent_by(recorded.came_by));
  return is_same ? std::string_view{} : by.sent_by;
}

/// RFC 3261 16.6 step 4, of the copy that leaves for `to`. False when it takes no more.
bool record_other_side(sip::message& copy, const recorded_entry& recorded, std::string_view sent_by,
                       const target& to, const hash_key& secret) {
  route_entry second{.user = {}, .sent_by = sent_by, .transport = to.transport};
  // What add_username has put into the first.
  std::string user; // of its own: an edit moves what it views
  if (recorded.rules.add_username && !sent_by.empty())
    if (const auto first = copy.front(sip::header_id::record_route))
      if (const auto entry = sip::name_addr::parse(*first)) user = entry->address.user();
  second.user = user;
  return record_way(copy, recorded.rules, sent_by.empty() ? nullptr : &second,
                    to.flow ? flow_token{to} : flow_token{}) &&
         seal_record_route(copy, secret);
}

/// How much longer a copy is with a second entry: as long as the first, and what tells them apart.
std::size_t second_entry_size(const sip::message& copy) {
  constexpr std::size_t names = 40;
  return copy.front(sip::header_id::record_route).value_or(std::string_view{}).size() + names;
}

} // namespace

bool leaves_in_clear(std::string_view request_uri, transport_kind transport) noexcept {
  constexpr std::string_view secure = "sips:";
  return !is_secure(transport) && iequals(request_uri.substr(0, secure.size()), secure);
}

int status_of(forward_errc errc) noexcept {
  switch (errc) {
  case forward_errc::gone:
  case forward_errc::cancelled: return 0;
  case forward_errc::loop: return 482;
  case forward_errc::too_many_hops: return 483;
  case forward_errc::too_many_branches: return 500;
  case forward_errc::breadth: return 440;
  case forward_errc::full:
  case forward_errc::unanswered: return 503;
  case forward_errc::bad_uri: return 400;
  case forward_errc::no_listener: return 478;
  case forward_errc::insecure: return 480;
  case forward_errc::too_large: break;
  }
  return 513;
}

result<void, forward_errc> count_hop(sip::message& request) {
  const auto left = decrement_max_forwards(request);
  if (left) return {};
  return fail(left.error() == sip::edit_errc::too_large ? forward_errc::too_large
                                                        : forward_errc::too_many_hops);
}

breadth breadth::of(const sip::message& request, unsigned otherwise) noexcept {
  const auto named = request.first(sip::header_id::max_breadth);
  if (!named) return {otherwise, false};
  return {parse_number<unsigned>(trim(*named)).value_or(otherwise), true};
}

result<sip::message, forward_errc> copy_of(const sip::message& request, hop_count hops) {
  sip::message copy = request.clone();
  if (hops == hop_count::here)
    if (const auto counted = count_hop(copy); !counted) return fail(counted.error());
  return copy;
}

hop_lead lead_of(const hop_sources& of) noexcept {
  const std::string_view without_path = !of.chosen.empty()  ? of.chosen
                                        : !of.route.empty() ? of.route
                                                            : of.uri;
  if (of.path.empty()) return {without_path, of.has_address};
  std::string_view rest = of.path;
  const auto first = sip::name_addr::parse(sip::next_value(sip::header_id::path, rest));
  return {first ? first->address.text() : without_path, false};
}

result<copy_change, forward_errc> address_copy(sip::message& copy, const forward_to& way,
                                               unsigned share) {
  auto change = copy_change::none;
  const std::string_view uri = way.uri;
  if (!way.path.empty()) {
    if (!copy.edit().put_front(sip::header_id::route, way.path))
      return fail(forward_errc::too_large);
    change = copy_change::some;
  }
  if (uri != copy.request_uri()) {
    if (!copy.edit().set_request_uri(uri)) return fail(forward_errc::bad_uri);
    change = copy_change::some;
  }
  switch (apply_strict_route(copy)) {
  case strict_route::none: break;
  case strict_route::applied:
    // The router stands in the Request-URI now, and would hide what was asked for.
    if (leaves_in_clear(uri, transport_kind::udp) &&
        !leaves_in_clear(copy.request_uri(), transport_kind::udp))
      return fail(forward_errc::insecure);
    change = copy_change::some;
    break;
  case strict_route::unreadable: return fail(forward_errc::bad_uri);
  }
  if (share != 0) {
    if (!copy.edit().put(sip::header_id::max_breadth, decimal{share}.view()))
      return fail(forward_errc::too_large);
    change = copy_change::some;
  }
  return change;
}

result<leaving_request, forward_errc> write_copy(sip::message& copy, const target& to,
                                                 const leaving_marks& marks, const outbox& out) {
  leaving_request leaving{.message = {}, .to = to};
  // The exact size is counted only where it may matter.
  constexpr std::size_t via_estimate = 100;
  leaving_way by = out.way_for(to, copy.most_wire_size() + via_estimate);
  if (by.transport != to.transport) by = out.way_for(to, copy.wire_size() + via_estimate);
  std::string_view second;
  if (marks.recorded) second = other_side(*marks.recorded, by, out);
  if (!second.empty() && by.transport == to.transport) {
    by = out.way_for(to, copy.wire_size() + via_estimate + second_entry_size(copy));
    second = other_side(*marks.recorded, by, out);
  }
  leaving.to.transport = by.transport;
  if (leaves_in_clear(copy.request_uri(), leaving.to.transport))
    return fail(forward_errc::insecure);
  if (by.sent_by.empty()) return fail(forward_errc::no_listener);
  leaving.is_recorded_apart = marks.recorded && (to.flow || !second.empty());
  if (leaving.is_recorded_apart) {
    if (marks.others == other_addresses::some || by.transport != to.transport)
      leaving.addressed = to_wire(copy);
    if (!record_other_side(copy, *marks.recorded, second, leaving.to, marks.secret))
      return fail(forward_errc::too_large);
  }
  via_line via;
  write_via(via, leaving.to, by.sent_by, marks);
  if (via.is_cut() || !copy.edit().put_front(sip::header_id::via, via.view()))
    return fail(forward_errc::too_large);
  // RFC 3261 16.6 step 9.
  if (!ensure_content_length(copy)) return fail(forward_errc::too_large);
  if (copy.most_wire_size() > sip::max_message_size && copy.wire_size() > sip::max_message_size)
    return fail(forward_errc::too_large);
  leaving.message = to_wire(copy.to_block());
  return leaving;
}

} // namespace tandem::stack
