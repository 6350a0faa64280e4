// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/via.hpp>

namespace tandem::sip {

text_place* via_marks::find(std::string_view name) noexcept {
  const auto only_if = [name](text_place& candidate, std::string_view its_name) {
    return iequals(name, its_name) ? &candidate : nullptr;
  };
  // Length and a letter leave one candidate.
  switch (name.size()) {
  case 3: return only_if(ttl, "ttl");
  case 5: return to_lower(name[0]) == 'r' ? only_if(rport, "rport") : only_if(maddr, "maddr");
  case 6: return only_if(branch, "branch");
  case 8: return only_if(received, "received");
  default: return nullptr;
  }
}

result<via_params, parse_error> via_params::read(cursor& at) noexcept {
  if (!at.take_separator(';')) return via_params{};
  const std::size_t from = at.offset();
  const char* const first = at.rest().data();
  via_marks marks;
  const auto all = read_each(at, [&](const param& one) {
    text_place* const mark = marks.find(one.name);
    if (!mark) return;
    if (mark->begin != 0)
      marks.has_repeated = true;
    else // one without a value is marked behind its name
      *mark = {one.has_value ? one.value : one.name.substr(one.name.size()), first};
  });
  if (!all) return tl::unexpected<parse_error>(all.error());
  if (all->text().size() > 0xffff) return parse_failure(parse_errc::too_large, from);
  return via_params{all->text(), marks};
}

// sent-protocol = protocol-name SLASH protocol-version SLASH transport
result<via, parse_error> via::read(cursor& at) noexcept {
  via value;
  value.protocol = at.take_token();
  if (value.protocol.empty() || !at.take_separator('/'))
    return at.failure(parse_errc::bad_protocol);
  value.version = at.take_token();
  if (value.version.empty() || !at.take_separator('/')) return at.failure(parse_errc::bad_protocol);
  value.transport = at.take_token();
  if (value.transport.empty()) return at.failure(parse_errc::bad_protocol);
  const std::size_t end_of_protocol = at.offset();
  at.skip_lws();
  if (at.offset() == end_of_protocol) return at.failure(parse_errc::expected_host);
  const auto sent_by = host_port::read(at);
  if (!sent_by) return tl::unexpected<parse_error>(sent_by.error());
  value.sent_by = *sent_by;
  const auto parameters = via_params::read(at);
  if (!parameters) return tl::unexpected<parse_error>(parameters.error());
  value.params = *parameters;
  return value;
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

via_places via::to_places(std::string_view whole, const char* first) const noexcept {
  via_places places;
  places.whole = {whole, first};
  places.protocol = {protocol, first};
  places.version = {version, first};
  places.transport = {transport, first};
  places.host = {sent_by.host.text, first};
  places.params = {params.text(), first};
  places.marks = params.marks();
  places.port = sent_by.port.value_or(0);
  places.kind = sent_by.host.kind;
  places.has_port = sent_by.port.has_value();
  return places;
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
