// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/via.hpp>

namespace tandem::sip {

namespace {

/// The mark of the parameter called `name`; null for any other name.
text_place* find_mark(via_marks& marks, std::string_view name) noexcept {
  const auto only_if = [name](text_place& candidate, std::string_view its_name) {
    return iequals(name, its_name) ? &candidate : nullptr;
  };
  // Length and a letter leave one candidate.
  switch (name.size()) {
  case 3: return only_if(marks.ttl, "ttl");
  case 5:
    return to_lower(name[0]) == 'r' ? only_if(marks.rport, "rport") : only_if(marks.maddr, "maddr");
  case 6: return only_if(marks.branch, "branch");
  case 8: return only_if(marks.received, "received");
  default: return nullptr;
  }
}

/// Steps over the name of a parameter that nearly every Via has; null when another stands here.
text_place* take_usual_name(cursor& at, via_marks& marks) noexcept {
  switch (at.peek()) {
  case 'b': return at.take_letters("branch") ? &marks.branch : nullptr;
  case 'r':
    if (at.take_letters("rport")) return &marks.rport;
    return at.take_letters("received") ? &marks.received : nullptr;
  default: return nullptr;
  }
}

/// via-params as they mostly are: a usual name, and an unquoted value right behind its "=". Moves
/// nothing when read_param() must look at it.
bool read_usual_param(cursor& at, std::size_t first, via_marks& marks) noexcept {
  const std::size_t from = at.offset();
  if (text_place* const mark = take_usual_name(at, marks); mark && mark->begin == 0) {
    const std::size_t value = at.offset() + 1;
    if (at.at_end() || at.peek() == ';') {
      *mark = {at.offset() - first, at.offset() - first};
      return true;
    }
    if (at.take('=') && !at.take_param_value().empty()) {
      *mark = {value - first, at.offset() - first};
      return true;
    }
  }
  at.move_to(from);
  return false;
}

/// *( SEMI via-params )
std::optional<parse_error> read_params(cursor& at, via_places& places) noexcept {
  if (!at.take_separator(';')) return std::nullopt;
  const std::size_t first = at.offset();
  std::size_t count = 0;
  do {
    if (++count > max_parameters) return at.fault(parse_errc::too_many_parameters);
    if (read_usual_param(at, first, places.marks)) continue;
    const auto one = read_param(at);
    if (!one) return one.error();
    text_place* const mark = find_mark(places.marks, one->name);
    if (!mark) continue;
    // One without a value is marked behind its name.
    const std::string_view value = one->has_value ? one->value : one->name.substr(one->name.size());
    if (mark->begin != 0)
      places.marks.has_repeated = true;
    else
      *mark = {value, at.first() + first};
  } while (at.take_separator(';'));
  places.params = {first, at.offset()};
  return std::nullopt;
}

/// sent-protocol = protocol-name SLASH protocol-version SLASH transport
bool read_protocol(cursor& at, via_places& places) noexcept {
  const std::size_t from = at.offset();
  if (at.take_exactly("SIP/2.0/")) {
    places.protocol = {from, from + 3};
    places.version = {from + 4, from + 7};
  } else {
    for (text_place* const part : {&places.protocol, &places.version}) {
      *part = {at.take_token(), at.first()};
      if (part->begin == part->end || !at.take_separator('/')) return false;
    }
  }
  places.transport = {at.take_token(), at.first()};
  return places.transport.begin != places.transport.end;
}

} // namespace

// via-parm = sent-protocol LWS sent-by *( SEMI via-params )
std::optional<parse_error> via_places::read(cursor& at) noexcept {
  *this = {};
  const std::size_t from = at.offset();
  if (!read_protocol(at, *this)) return at.fault(parse_errc::bad_protocol);
  const std::size_t end_of_protocol = at.offset();
  at.skip_lws();
  if (at.offset() == end_of_protocol) return at.fault(parse_errc::expected_host);
  const auto sent_by = host_view::read(at);
  if (!sent_by) return sent_by.error();
  host = {sent_by->text, at.first()};
  kind = sent_by->kind;
  if (at.take_separator(':')) {
    const auto number = read_port(at);
    if (!number) return number.error();
    port = *number;
    has_port = true;
  }
  if (const auto fault = read_params(at, *this)) return fault;
  whole = {from, at.offset()};
  return std::nullopt;
}

result<via, parse_error> via::read(cursor& at) noexcept {
  const std::size_t from = at.offset();
  via_places places;
  if (const auto fault = places.read(at)) return tl::unexpected<parse_error>(*fault);
  if (at.offset() > 0xffff) return parse_failure(parse_errc::too_large, from);
  return from_places(places, at.first());
}

result<via, parse_error> via::parse(std::string_view text) noexcept {
  return parse_whole<via>(text);
}

void via::write(sink& out) const noexcept {
  out.put(protocol);
  out.put('/');
  out.put(version);
  out.put('/');
  out.put(transport);
  out.put(' ');
  sent_by.write(out);
  params.write(out);
}

via via::from_places(const via_places& places, const char* first) noexcept {
  via value;
  value.protocol = places.protocol.in(first);
  value.version = places.version.in(first);
  value.transport = places.transport.in(first);
  value.sent_by.host = {places.host.in(first), places.kind};
  if (places.has_port) value.sent_by.port = places.port;
  value.params = via_params{places.params.in(first), places.marks};
  return value;
}

} // namespace tandem::sip
