// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/name_addr.hpp>

#include <limits>

namespace tandem::sip {

namespace {

/// A URI inside a longer text: offsets of errors count from the text's first byte.
std::optional<parse_error> read_uri_at(std::string_view text, std::size_t offset,
                                       uri& to) noexcept {
  auto fault = to.assign(text);
  if (fault) fault->offset += static_cast<std::uint32_t>(offset);
  return fault;
}

/// addr-spec between "<" and ">"; no blanks may stand inside (25.1: LAQUOT, RAQUOT).
std::optional<parse_error> read_bracketed_uri(cursor& at, uri& to) noexcept {
  const std::size_t opening = at.offset();
  if (!at.take('<')) return at.fault(parse_errc::expected_uri);
  const std::size_t length = at.rest().find('>');
  if (length == std::string_view::npos)
    return parse_error{parse_errc::unterminated_angle, static_cast<std::uint32_t>(opening)};
  const auto fault = read_uri_at(at.rest().substr(0, length), at.offset(), to);
  at.skip(length + 1);
  return fault;
}

constexpr bool ends_bare_uri(char c) noexcept {
  return c == ';' || c == ',' || c == '?' || c == '<' || c == '>' || c == '"' ||
         static_cast<unsigned char>(c) <= ' ';
}

/// addr-spec without brackets. 20.10: a comma, question mark or semicolon in it would need them, so
/// a semicolon begins the header's parameters and a comma the next value.
std::optional<parse_error> read_bare_uri(cursor& at, uri& to) noexcept {
  const std::string_view rest = at.rest();
  std::size_t length = 0;
  while (length < rest.size() && !ends_bare_uri(rest[length])) ++length;
  const auto fault = read_uri_at(rest.substr(0, length), at.offset(), to);
  at.skip(length);
  if (!fault && at.peek() == '?') return at.fault(parse_errc::uri_needs_angles);
  return fault;
}

std::optional<parse_error> read_any_uri(cursor& at, uri& to) noexcept {
  return at.peek() == '<' ? read_bracketed_uri(at, to) : read_bare_uri(at, to);
}

bool needs_angles(const name_addr& value) noexcept {
  return value.has_angles || !value.display.empty() || !value.address.params().empty() ||
         value.address.text().find_first_of(",;?") != std::string_view::npos;
}

/// Takes the display name up to its "<". Moves nothing when a URI without brackets stands here.
result<std::string_view, parse_error> read_display(cursor& at, bool& is_quoted) noexcept {
  is_quoted = at.peek() == '"';
  if (is_quoted) {
    auto quoted = at.take_quoted();
    at.skip_lws();
    return quoted;
  }
  const std::size_t from = at.offset();
  std::size_t end = from;
  while (!at.take_while(char_class::display).empty()) {
    end = at.offset();
    at.skip_lws();
  }
  if (at.peek() == '<') return trim(at.since(from).substr(0, end - from));
  if (at.peek() == ':') {
    at.move_to(from);
    return std::string_view{};
  }
  return at.failure(at.at_end() ? parse_errc::bad_scheme : parse_errc::bad_display_name);
}

} // namespace

// name-addr = [ display-name ] LAQUOT addr-spec RAQUOT, display-name = *( token LWS ) /
// quoted-string
std::optional<parse_error> name_addr::assign(cursor& at) noexcept {
  if (at.peek() == '<') {
    display = {};
    display_is_quoted = has_angles = true;
  } else {
    if (at.at_end()) return at.fault(parse_errc::expected_uri);
    const auto name = read_display(at, display_is_quoted);
    if (!name) return name.error();
    display = *name;
    has_angles = at.peek() == '<';
    if (display_is_quoted && !has_angles) return at.fault(parse_errc::expected_uri);
    if (display.empty()) display_is_quoted = true; // for the name that may be set
  }
  if (const auto fault = read_any_uri(at, address)) return fault;
  const auto parameters = sip::params::read(at);
  if (!parameters) return parameters.error();
  params = *parameters;
  return std::nullopt;
}

std::optional<parse_error> name_addr::assign_first(std::string_view text) noexcept {
  cursor at{text};
  if (const auto fault = assign(at)) return fault;
  at.skip_lws();
  if (at.at_end() || at.peek() == ',') return std::nullopt;
  return at.fault(parse_errc::trailing_text);
}

result<name_addr, parse_error> name_addr::read(cursor& at) noexcept {
  result<name_addr, parse_error> value{tl::in_place};
  if (const auto fault = value->assign(at)) value = tl::unexpected<parse_error>(*fault);
  return value;
}

result<name_addr, parse_error> name_addr::parse(std::string_view text) noexcept {
  return parse_whole<name_addr>(text);
}

void name_addr::write(sink& out) const noexcept {
  if (!display.empty()) {
    if (display_is_quoted) out.put('"');
    out.put(display);
    out.put(display_is_quoted ? "\" " : " ");
  }
  const bool angles = needs_angles(*this);
  if (angles) out.put('<');
  address.write(out);
  if (angles) out.put('>');
  params.write(out);
}

result<contact, parse_error> contact::read(cursor& at) noexcept {
  result<contact, parse_error> value{tl::in_place};
  const std::size_t from = at.offset();
  if (at.take('*')) {
    at.skip_lws();
    if (at.at_end() || at.peek() == ',') {
      value->is_star = true;
      return value;
    }
    at.move_to(from); // a display name may begin with a star
  }
  if (const auto fault = value->assign(at)) value = tl::unexpected<parse_error>(*fault);
  return value;
}

result<contact, parse_error> contact::parse(std::string_view text) noexcept {
  return parse_whole<contact>(text);
}

void contact::write(sink& out) const noexcept {
  if (is_star)
    out.put('*');
  else
    name_addr::write(out);
}

std::optional<std::uint16_t> contact::q() const noexcept { return parse_qvalue(params.value("q")); }

std::optional<std::uint32_t> contact::expires() const noexcept {
  return parse_lifetime(params.value("expires"));
}

std::optional<std::uint32_t> parse_lifetime(std::string_view digits) noexcept {
  const auto seconds = parse_number<std::uint32_t>(digits);
  // 20.19 ends at 2^32-1; a larger number is a long time, not a short one.
  if (!seconds && is_all(char_class::digit, digits))
    return std::numeric_limits<std::uint32_t>::max();
  return seconds;
}

result<uri_params, parse_error> uri_params::read(cursor& at) noexcept {
  uri_params value;
  if (const auto fault = read_any_uri(at, value.address))
    return tl::unexpected<parse_error>(*fault);
  const auto parameters = sip::params::read(at);
  if (!parameters) return tl::unexpected<parse_error>(parameters.error());
  value.params = *parameters;
  return value;
}

result<uri_params, parse_error> uri_params::parse(std::string_view text) noexcept {
  return parse_whole<uri_params>(text);
}

void uri_params::write(sink& out) const noexcept {
  out.put('<');
  address.write(out);
  out.put('>');
  params.write(out);
}

result<uri_value, parse_error> uri_value::read(cursor& at) noexcept {
  uri_value value;
  if (const auto fault = read_any_uri(at, value.address))
    return tl::unexpected<parse_error>(*fault);
  return value;
}

result<uri_value, parse_error> uri_value::parse(std::string_view text) noexcept {
  return parse_whole<uri_value>(text);
}

} // namespace tandem::sip
