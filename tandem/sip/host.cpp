// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/host.hpp>

namespace tandem::sip {

namespace {

// IPv4address = 1*3DIGIT "." 1*3DIGIT "." 1*3DIGIT "." 1*3DIGIT
/// \return the bytes of `text` that it takes; 0 when none stands at the begin.
inline std::size_t read_ipv4(std::string_view text, ipv4_bytes& bytes) noexcept {
  std::size_t at = 0;
  for (std::size_t part = 0; part < bytes.size(); ++part) {
    if (part != 0 && (at == text.size() || text[at++] != '.')) return 0;
    const std::size_t from = at;
    unsigned value = 0;
    while (at < text.size() && is_digit(text[at]))
      value = value * 10 + static_cast<unsigned>(text[at++] - '0');
    if (at - from - 1 > 2 || value > 255) return 0; // none, or too many
    // Octal for some readers, decimal for others: a rule for the one address is passed by the
    // other.
    if (text[from] == '0' && at - from > 1) return 0;
    bytes[part] = static_cast<std::uint8_t>(value);
  }
  return at;
}

} // namespace

std::optional<ipv4_bytes> parse_ipv4(std::string_view text) noexcept {
  ipv4_bytes bytes{};
  const std::size_t size = read_ipv4(text, bytes);
  return size != 0 && size == text.size() ? std::optional{bytes} : std::nullopt;
}

// IPv6address = hexpart [ ":" IPv4address ], hexpart with at most one "::"
std::optional<ipv6_bytes> parse_ipv6(std::string_view text) noexcept {
  ipv6_bytes bytes{};
  std::size_t count = 0;          // bytes read
  std::optional<std::size_t> gap; // where "::" stood
  std::size_t at = 0;
  if (text.starts_with("::")) {
    gap = 0;
    at = 2;
  }
  // RFC 5118 4.10: the grammar yields "2001:db8:::192.0.2.1"; the third colon means nothing.
  const auto skip_third_colon = [&] {
    if (at < text.size() && text[at] == ':' && parse_ipv4(text.substr(at + 1))) ++at;
  };
  if (gap) skip_third_colon();
  while (at < text.size()) {
    if (count + 4 <= 16)
      if (const auto tail = parse_ipv4(text.substr(at))) {
        for (const std::uint8_t byte : *tail) bytes[count++] = byte;
        at = text.size();
        break;
      }
    unsigned value = 0;
    const std::size_t from = at;
    while (at < text.size() && at - from < 4 && hex_value(text[at]) >= 0)
      value = value * 16 + static_cast<unsigned>(hex_value(text[at++]));
    if (at == from || count == 16) return std::nullopt;
    bytes[count++] = static_cast<std::uint8_t>(value >> 8);
    bytes[count++] = static_cast<std::uint8_t>(value);
    if (at == text.size()) break;
    if (text[at++] != ':' || at == text.size()) return std::nullopt;
    if (text[at] == ':') {
      if (gap) return std::nullopt;
      gap = count;
      ++at;
      skip_third_colon();
    }
  }
  if (!gap) return count == 16 ? std::optional{bytes} : std::nullopt;
  if (count == 16) return std::nullopt; // "::" stands for at least one group
  ipv6_bytes spread{};
  for (std::size_t i = 0; i < count; ++i) spread[i < *gap ? i : 16 - count + i] = bytes[i];
  return spread;
}

namespace {

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
  for (char before = at.offset() == from ? '.' : at.since(from).back();
       is(char_class::host, at.peek()); at.skip(1)) {
    has_empty |= at.peek() == '.' && before == '.';
    before = at.peek();
  }
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
    ipv4_bytes bytes{};
    at.skip(read_ipv4(at.rest(), bytes));
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

std::optional<ipv4_bytes> host_view::as_ipv4() const noexcept {
  return kind == host_kind::ipv4 ? parse_ipv4(text) : std::nullopt;
}

std::optional<ipv6_bytes> host_view::as_ipv6() const noexcept {
  return kind == host_kind::ipv6 ? parse_ipv6(text) : std::nullopt;
}

bool equivalent(const host_view& a, const host_view& b) noexcept {
  if (a.kind != b.kind) return false;
  switch (a.kind) {
  case host_kind::ipv4: return a.as_ipv4() == b.as_ipv4();
  case host_kind::ipv6: return a.as_ipv6() == b.as_ipv6();
  case host_kind::name: break;
  }
  return iequals(a.text, b.text);
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
