// SPDX-License-Identifier: Apache-2.0
// What transactions and dialogs match by (RFC 3261 12, 17.1.3, 17.2.3) and every element asks for:
// read in one pass over the lines it stands in, once for every message, and kept.
#include <tandem/sip/lexical.hpp>
#include <tandem/sip/line_break.hpp>
#include <tandem/sip/message.hpp>
#include <tandem/sip/via.hpp>

#include <tandem/base/text.hpp>

namespace tandem::sip {
namespace {

/// The tag among the parameters that stand here; empty when there is none. Nothing when there are
/// two, one parser takes the first, another the last, and the message belongs to two dialogs; or
/// when a quotation does not end.
std::optional<std::string_view> find_tag_parameter(cursor at) noexcept {
  std::optional<std::string_view> tag;
  while (at.take_separator(';')) {
    const auto name = at.take_token();
    std::string_view value;
    if (at.take_separator('=')) {
      if (at.peek() == '"') {
        const auto quoted = at.take_quoted();
        if (!quoted) return std::nullopt;
        value = *quoted;
      } else {
        value = at.take_param_value();
      }
    }
    if (!iequals(name, "tag")) continue;
    if (tag) return std::nullopt;
    tag = value;
  }
  return tag.value_or(std::string_view{});
}

/// RFC 3261 20.20: the parameters stand behind the angle brackets, or without brackets behind the
/// first semicolon.
/// \param address gets the URI of what message::plain_address() describes
std::optional<std::string_view> find_tag(cursor at, std::string_view& address) noexcept {
  address = {};
  if (at.peek() == '"') {
    if (!at.take_quoted()) return std::nullopt;
    at.skip_lws();
  }
  const bool is_plain = at.peek() == '<'; // so far
  if (!is_plain) at.skip_to<'"', '<', ';'>();
  while (at.peek() == '"') {
    if (!at.take_quoted()) return std::nullopt;
    at.skip_to<'"', '<', ';'>();
  }
  std::string_view bracketed;
  if (at.take('<')) {
    const std::size_t from = at.offset();
    at.skip_to<'>'>();
    if (is_plain) bracketed = at.since(from);
    if (!at.take('>')) return std::nullopt;
  }
  if (at.at_end()) {
    address = bracketed;
    return std::string_view{};
  }
  const cursor parameters = at;
  if (at.take_exactly(";tag=")) // as it mostly stands
    if (const auto tag = at.take_param_value(); !tag.empty() && at.at_end()) {
      address = bracketed;
      return tag;
    }
  return find_tag_parameter(parameters);
}

} // namespace

[[gnu::always_inline]] inline bool essentials::read(header_id id, cursor at) noexcept {
  switch (id) {
  case header_id::via: {
    cursor value = at;
    skip_list_commas(value);
    if (via.read(value)) return false;
    value.skip_lws();
    return value.at_end() || value.peek() == ',';
  }
  case header_id::from:
  case header_id::to: {
    text_place& tag = id == header_id::from ? from_tag : to_tag;
    if (at.at_end()) return false;
    std::string_view address;
    const auto found = find_tag(at, address);
    tag = {found.value_or(std::string_view{}), at.first()};
    (id == header_id::from ? from_address : to_address) = {address, at.first()};
    return found.has_value();
  }
  case header_id::call_id: call_id = {at.rest(), at.first()}; return !at.at_end();
  case header_id::cseq: {
    // CSeq = 1*DIGIT LWS Method
    const auto number = at.take_number(0xffff'ffff);
    const std::size_t end_of_number = at.offset();
    at.skip_lws();
    const bool is_apart = at.offset() != end_of_number;
    const std::string_view name = at.rest();
    cseq_method = find_method(name);
    if (!number || !is_apart || (cseq_method == method::unknown && !is_token(name))) return false;
    cseq = *number;
    cseq_method_text = {name, at.first()};
    return true;
  }
  default: return false;
  }
}

/// One walk over the index for all that is not known, up to the last of them.
void message::read_essentials() const noexcept {
  essentials& e = known();
  essential_set wanted = essential_set::all().without(e.known);
  e.good.remove(wanted);
  e.in_edits.remove(wanted);
  const index_line* const last = at_.index_end - at_.lines;
  for (const index_line* l = at_.index_end; l != last && !wanted.empty();) {
    --l;
    if (!essential_set::is_essential(l->id) || !wanted.has(l->id)) continue;
    wanted.remove(l->id); // the first line of a name counts
    const char* const first = origin(l->is_edit);
    cursor at{{first, l->end}, first + (l->is_edit ? at_.text_used : at_.size)};
    at.move_to(l->value);
    if (!e.read(l->id, at)) continue;
    e.good.add(l->id);
    if (l->is_edit) e.in_edits.add(l->id);
  }
  e.known = essential_set::all();
}

[[gnu::always_inline]] inline std::string_view
message::essential_text(header_id id, text_place essentials::*place) const noexcept {
  if (!knows(id)) return {};
  return (known().*place).in(origin(known().in_edits.has(id)));
}

std::optional<via> message::known_via() const noexcept {
  if (!knows(header_id::via)) return std::nullopt;
  return via::from_places(known().via, origin(known().in_edits.has(header_id::via)));
}

std::string_view message::top_via() const noexcept {
  if (knows(header_id::via))
    return known().via.whole.in(origin(known().in_edits.has(header_id::via)));
  return front(header_id::via).value_or(std::string_view{}); // as it stands, whatever is wrong
}

std::string_view message::call_id() const noexcept {
  return essential_text(header_id::call_id, &essentials::call_id);
}

std::string_view message::from_tag() const noexcept {
  return essential_text(header_id::from, &essentials::from_tag);
}

std::string_view message::to_tag() const noexcept {
  return essential_text(header_id::to, &essentials::to_tag);
}

std::string_view message::plain_address(header_id from_or_to) const noexcept {
  return essential_text(from_or_to, from_or_to == header_id::from ? &essentials::from_address
                                                                  : &essentials::to_address);
}

result<message_key, header_id> message::key() const noexcept {
  if (at_.lines == 0) return fail(header_id::via);
  if (known().known != essential_set::all()) read_essentials();
  const essentials& e = known();
  if (e.good != essential_set::all()) return fail(essential_set::all().without(e.good).first());
  const char* const received = base_.data();
  const auto text = [&, is_edited = !e.in_edits.empty()](header_id id, text_place p) {
    return p.in(is_edited ? origin(e.in_edits.has(id)) : received);
  };
  message_key key;
  const std::size_t bracket = e.via.kind == host_kind::ipv6 ? 1 : 0;
  const text_place host{e.via.host.begin - bracket, e.via.host.end + bracket};
  const std::string_view parameters = text(header_id::via, e.via.params);
  key.branch = e.via.marks.branch.in(parameters.data());
  key.sent_by_host = text(header_id::via, host);
  key.sent_by_port = e.via.port;
  key.call_id = text(header_id::call_id, e.call_id);
  key.from_tag = text(header_id::from, e.from_tag);
  key.to_tag = text(header_id::to, e.to_tag);
  key.cseq = e.cseq;
  key.cseq_method = e.cseq_method;
  key.cseq_method_text = text(header_id::cseq, e.cseq_method_text);
  return key;
}

} // namespace tandem::sip
