// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/forwarding.hpp>

#include <tandem/base/decimal.hpp>
#include <tandem/base/text.hpp>
#include <tandem/sip/content_length.hpp>
#include <tandem/sip/line_writer.hpp>
#include <tandem/sip/max_forwards.hpp>
#include <tandem/sip/message_editor.hpp>
#include <tandem/stack/route_rules.hpp>
#include <tandem/stack/wire.hpp>

#include <algorithm>
#include <array>

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

void write_via(via_line& via, const target& to, std::string_view sent_by, std::string_view branch,
               via_rport rport) noexcept {
  via.put("SIP/2.0/");
  via.put(via_token(to.transport));
  via.put(" ");
  via.put(sent_by);
  if (rport == via_rport::asked) via.put(";rport");
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
  via.put(branch);
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

result<copy_change, forward_errc> address_copy(sip::message& copy, std::string_view uri,
                                               unsigned share) {
  auto change = copy_change::none;
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
                                                 std::string_view branch, via_rport rport,
                                                 const outbox& out) {
  leaving_request leaving{{}, to};
  // The exact size is counted only where it may matter.
  constexpr std::size_t via_estimate = 100;
  if (out.transport_for(to, copy.most_wire_size() + via_estimate) != to.transport)
    leaving.to.transport = out.transport_for(to, copy.wire_size() + via_estimate);
  if (leaves_in_clear(copy.request_uri(), leaving.to.transport))
    return fail(forward_errc::insecure);
  const std::string_view sent_by = out.sent_by(leaving.to);
  if (sent_by.empty()) return fail(forward_errc::no_listener);
  via_line via;
  write_via(via, leaving.to, sent_by, branch, rport);
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
