// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/host.hpp>

#include <algorithm>
#include <array>

namespace tandem::sip {

namespace {

/// An IPv6 address without brackets. Deviates: RFC 5118 4.10, the grammar of RFC 3261 yields
/// "2001:db8:::192.0.2.1", so that the third colon before an IPv4 address means nothing.
std::optional<ip_address> parse_ipv6(std::string_view text) noexcept {
  if (text.find(':') == std::string_view::npos || text.front() == '[') return std::nullopt;
  const std::size_t colons = text.find(":::");
  if (colons == std::string_view::npos) return ip_address::parse(text);
  const std::string_view head = text.substr(0, colons + 2);
  const std::string_view tail = text.substr(colons + 3);
  std::array<char, 48> two_colons;
  if (head.size() + tail.size() > two_colons.size() || !ip_address::parse(tail))
    return std::nullopt;
  std::copy(tail.begin(), tail.end(), std::copy(head.begin(), head.end(), two_colons.begin()));
  return ip_address::parse({two_colons.data(), head.size() + tail.size()});
}

struct labels {
  std::string_view text;
  bool has_empty = false; ///< with a dot behind it; one dot may end a name
};

/// Steps over the characters of host names.
labels take_labels(cursor& at) noexcept {
  const std::size_t from = at.offset();
  byte_block::mask behind_dot = 1; // so that a dot in front leaves an empty label
  at.skip_unmarked([&behind_dot](byte_block b) {
    const auto dots = b.equal_to('.');
    const auto empty_labels = dots & (dots << 1 | behind_dot);
    behind_dot = dots >> (byte_block::size - 1);
    return ~b.words() | empty_labels;
  });
  // Here is the end, or an empty label, an underscore, or less than can be looked at together.
  bool has_empty = false;
  bool is_behind_dot = at.offset() == from || at.since(from).back() == '.';
  const std::string_view rest = at.rest();
  std::size_t length = 0;
  for (; length < rest.size() && is(char_class::host, rest[length]); ++length) {
    const bool is_dot = rest[length] == '.';
    has_empty |= is_dot && is_behind_dot;
    is_behind_dot = is_dot;
  }
  at.skip(length);
  return {at.since(from), has_empty};
}

} // namespace

// hostname = *( domainlabel "." ) toplabel [ "." ]
// Deviates: underscores, and labels that begin or end with a hyphen, are let through, since
// networks carry such names; a name of digits and dots only is an IPv4 address or nothing.
result<host_view, parse_error> host_view::read(cursor& at) noexcept {
  const std::size_t from = at.offset();
  if (at.take('[')) {
    const std::size_t closing = at.rest().find(']');
    if (closing == std::string_view::npos) return parse_failure(parse_errc::bad_ipv6, from);
    const std::string_view address = at.rest().substr(0, closing);
    if (!parse_ipv6(address)) return parse_failure(parse_errc::bad_ipv6, from);
    at.skip(closing + 1);
    return host_view{address, host_kind::ipv6};
  }
  if (is_digit(at.peek())) {
    ip_address ip;
    at.skip(ip_address::read_v4(at.rest(), ip));
    if (at.offset() != from && !is(char_class::host, at.peek()))
      return host_view{at.since(from), host_kind::ipv4};
    at.move_to(from);
  }
  const auto [text, has_empty_label] = take_labels(at);
  if (text.empty()) return parse_failure(parse_errc::expected_host, from);
  if (!is_alpha(text.back()) && text.find_first_not_of("0123456789.") == std::string_view::npos)
    return parse_failure(parse_errc::bad_host, from);
  if (has_empty_label || text.size() > 255) return parse_failure(parse_errc::bad_host, from);
  return host_view{text, host_kind::name};
}

result<host_view, parse_error> host_view::parse(std::string_view text) noexcept {
  return parse_whole<host_view>(text);
}

std::optional<host_view> host_view::from_text(std::string_view text) noexcept {
  if (text.empty()) return std::nullopt;
  if (parse_ipv6(text)) return host_view{text, host_kind::ipv6};
  cursor at{text};
  const auto host = read(at);
  if (!host || !at.at_end()) return std::nullopt;
  return *host;
}

void host_view::write(sink& out) const noexcept {
  if (kind != host_kind::ipv6) return out.put(text);
  out.put('[');
  const std::size_t colons = text.find(":::");
  if (colons == std::string_view::npos) {
    out.put(text);
  } else {
    out.put(text.substr(0, colons + 2));
    out.put(text.substr(colons + 3));
  }
  out.put(']');
}

ip_address host_view::address() const noexcept {
  switch (kind) {
  case host_kind::ipv4: {
    ip_address ip;
    return ip_address::read_v4(text, ip) == text.size() ? ip : ip_address{};
  }
  case host_kind::ipv6: return parse_ipv6(text).value_or(ip_address{});
  case host_kind::name: break;
  }
  return {};
}

bool equivalent(const host_view& a, const host_view& b) noexcept {
  if (a.kind != b.kind) return false;
  return a.kind == host_kind::name ? iequals(a.text, b.text) : a.address() == b.address();
}

result<host_port, parse_error> host_port::read(cursor& at) noexcept {
  const auto host = host_view::read(at);
  if (!host) return tl::unexpected<parse_error>(host.error());
  host_port value{*host, std::nullopt};
  if (at.take_separator(':')) {
    const auto port = read_port(at);
    if (!port) return tl::unexpected<parse_error>(port.error());
    value.port = *port;
  }
  return value;
}

result<host_port, parse_error> host_port::parse(std::string_view text) noexcept {
  return parse_whole<host_port>(text);
}

void host_port::write(sink& out) const noexcept {
  host.write(out);
  if (!port) return;
  out.put(':');
  out.put_number(*port);
}

} // namespace tandem::sip
