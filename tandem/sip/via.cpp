// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/via.hpp>

namespace tandem::sip {

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
  const auto parameters = sip::params::read(at);
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

} // namespace tandem::sip
