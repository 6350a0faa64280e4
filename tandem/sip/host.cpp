// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/host.hpp>

namespace tandem::sip {

std::optional<ipv4_bytes> parse_ipv4(std::string_view text) noexcept {
  ipv4_bytes bytes{};
  std::size_t at = 0;
  for (std::size_t part = 0; part < 4; ++part) {
    if (part != 0 && (at == text.size() || text[at++] != '.')) return std::nullopt;
    unsigned value = 0;
    const std::size_t from = at;
    while (at < text.size() && at - from < 3 && is_digit(text[at]))
      value = value * 10 + static_cast<unsigned>(text[at++] - '0');
    if (at == from || value > 255) return std::nullopt;
    bytes[part] = static_cast<std::uint8_t>(value);
  }
  if (at != text.size()) return std::nullopt;
  return bytes;
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

/// A run of the characters of host names, and what is in it.
struct host_run {
  std::string_view text;
  bool has_letters = false;     ///< or any other byte that is neither digit nor dot
  bool has_empty_label = false; ///< with a dot behind it; one dot may end a name
};

host_run take_host_run(cursor& at) noexcept {
  host_run run;
  const std::size_t from = at.offset();
  bool follows_dot = true; // so that a dot in front leaves an empty label
  while (at.has_block()) {
    const byte_block bytes = at.block();
    const auto dots = bytes.equal_to('.');
    const auto plain = bytes.between('0', '9') | dots;
    const auto named = bytes.folded().between('a', 'z') | bytes.any_of<'-', '_'>();
    const auto stop = static_cast<std::size_t>(std::countr_zero(~(plain | named)));
    const std::size_t size = std::min(stop, at.rest().size());
    const auto inside = (byte_block::mask{1} << size) - 1;
    run.has_letters |= (named & inside) != 0;
    run.has_empty_label |= (dots & (dots << 1 | byte_block::mask{follows_dot}) & inside) != 0;
    if (size != 0) follows_dot = (dots >> (size - 1) & 1) != 0;
    at.skip(size);
    if (size != byte_block::size) {
      run.text = at.since(from);
      return run;
    }
  }
  for (; is(char_class::host, at.peek()); at.skip(1)) {
    const bool is_dot = at.peek() == '.';
    run.has_letters |= !is_dot && !is_digit(at.peek());
    run.has_empty_label |= is_dot && follows_dot;
    follows_dot = is_dot;
  }
  run.text = at.since(from);
  return run;
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
  const auto [text, has_letters, has_empty_label] = take_host_run(at);
  if (text.empty()) return parse_failure(parse_errc::expected_host, from);
  if (!has_letters) {
    if (!parse_ipv4(text)) return parse_failure(parse_errc::bad_host, from);
    return host_view{text, host_kind::ipv4};
  }
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

result<std::uint16_t, parse_error> read_port(cursor& at) noexcept {
  const std::size_t from = at.offset();
  const auto port = at.take_number(0xffff);
  if (!port) return parse_failure(parse_errc::bad_port, from);
  return static_cast<std::uint16_t>(*port);
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
