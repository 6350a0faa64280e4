// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/auth.hpp>

namespace tandem::sip {

std::optional<hex_bytes> parse_hex_bytes(std::string_view text) noexcept {
  hex_bytes out;
  if (text.empty() || text.size() % 2 != 0 || text.size() / 2 > out.bytes.size())
    return std::nullopt;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_value(text[i]);
    const int low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out.bytes[out.size++] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return out;
}

namespace {

// token68 = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
std::string_view take_token68(cursor& at) noexcept {
  const std::size_t from = at.offset();
  while (is_alnum(at.peek()) || (at.peek() != '\0' && std::string_view{"-._~+/"}.find(at.peek()) !=
                                                          std::string_view::npos))
    at.skip(1);
  if (at.offset() == from) return {};
  while (at.take('=')) {
  }
  return at.since(from);
}

/// Whether another scheme begins here, that is, a token and blanks before anything but an "=".
bool begins_scheme(cursor at) noexcept {
  if (at.take_token().empty()) return false;
  const std::size_t end_of_token = at.offset();
  at.skip_lws();
  return at.offset() != end_of_token && is(char_class::token, at.peek());
}

/// Where the parameters that begin here end: before a comma that another scheme follows.
std::optional<parse_error> skip_auth_params(cursor& at) noexcept {
  for (std::size_t count = 1;; ++count) {
    const auto one = read_param(at);
    if (!one) return one.error();
    if (!one->has_value)
      return parse_error{parse_errc::expected_value, static_cast<std::uint32_t>(at.offset())};
    if (count > max_parameters)
      return parse_error{parse_errc::too_many_parameters, static_cast<std::uint32_t>(at.offset())};
    const std::size_t end = at.offset();
    if (!at.take_separator(',')) return std::nullopt;
    if (begins_scheme(at) || at.at_end()) {
      at.move_to(end);
      return std::nullopt;
    }
  }
}

std::optional<std::uint32_t> parse_nonce_count(std::string_view text) noexcept {
  return text.size() == 8 ? parse_number<std::uint32_t>(text, 16) : std::nullopt;
}

template <typename T>
result<T, parse_error> as(const result<auth_value, parse_error>& value) noexcept {
  if (!value) return tl::unexpected<parse_error>(value.error());
  return T{*value};
}

} // namespace

// challenge = ( "Digest" LWS digest-cln *( COMMA digest-cln ) ) / other-challenge
// other-challenge = auth-scheme LWS auth-param *( COMMA auth-param )
result<auth_value, parse_error> auth_value::read(cursor& at) noexcept {
  auth_value value;
  value.scheme = at.take_token();
  if (value.scheme.empty()) return at.failure(parse_errc::expected_token);
  const std::size_t end_of_scheme = at.offset();
  at.skip_lws();
  if (at.at_end() || at.peek() == ',') {
    at.move_to(end_of_scheme);
    return value;
  }
  if (at.offset() == end_of_scheme) return at.failure(parse_errc::expected_separator);
  const std::size_t from = at.offset();
  const auto fault = skip_auth_params(at);
  if (!fault) {
    const auto read = auth_params::parse(at.since(from));
    if (!read) return parse_failure(read.error().code, from + read.error().offset);
    value.params = *read;
    return value;
  }
  at.move_to(from);
  value.token68 = take_token68(at);
  const std::size_t end = at.offset();
  at.skip_lws();
  if (value.token68.empty() || !(at.at_end() || at.peek() == ','))
    return tl::unexpected<parse_error>(*fault);
  at.move_to(end);
  return value;
}

result<auth_value, parse_error> auth_value::parse(std::string_view text) noexcept {
  return parse_whole<auth_value>(text);
}

void auth_value::write(sink& out) const noexcept {
  out.put(scheme);
  if (params.empty() && token68.empty()) return;
  out.put(' ');
  out.put(token68);
  params.write(out);
}

result<challenge, parse_error> challenge::read(cursor& at) noexcept {
  return as<challenge>(auth_value::read(at));
}
result<challenge, parse_error> challenge::parse(std::string_view text) noexcept {
  return as<challenge>(auth_value::parse(text));
}

bool challenge::offers_qop(std::string_view kind) const noexcept {
  for (const auto& offered : qop())
    if (offered && iequals(offered->text, kind)) return true;
  return false;
}

result<credentials, parse_error> credentials::read(cursor& at) noexcept {
  return as<credentials>(auth_value::read(at));
}
result<credentials, parse_error> credentials::parse(std::string_view text) noexcept {
  return as<credentials>(auth_value::parse(text));
}

std::optional<std::uint32_t> credentials::nc() const noexcept {
  return parse_nonce_count(params.value("nc"));
}

result<authentication_info, parse_error>
authentication_info::parse(std::string_view text) noexcept {
  const auto read = auth_params::parse(text);
  if (!read) return tl::unexpected<parse_error>(read.error());
  if (read->empty()) return parse_failure(parse_errc::expected_token, text.size());
  return authentication_info{*read};
}

std::optional<std::uint32_t> authentication_info::nc() const noexcept {
  return parse_nonce_count(params.value("nc"));
}

} // namespace tandem::sip
