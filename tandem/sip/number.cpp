// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/number.hpp>

namespace tandem::sip {

result<std::uint32_t, parse_error> read_number(cursor& at, std::uint32_t most) noexcept {
  const std::size_t from = at.offset();
  if (!is_digit(at.peek())) return parse_failure(parse_errc::expected_number, from);
  const auto value = at.take_number(most);
  if (!value) return parse_failure(parse_errc::number_too_large, from);
  return *value;
}

template <std::uint32_t Most>
result<bounded_number<Most>, parse_error> bounded_number<Most>::read(cursor& at) noexcept {
  const auto digits = read_number(at, Most);
  if (!digits) return tl::unexpected<parse_error>(digits.error());
  return bounded_number{*digits};
}

template <std::uint32_t Most>
result<bounded_number<Most>, parse_error>
bounded_number<Most>::parse(std::string_view text) noexcept {
  return parse_whole<bounded_number>(text);
}

template struct bounded_number<0xffff'ffff>;
template struct bounded_number<255>;

result<number_params, parse_error> number_params::read(cursor& at) noexcept {
  const auto value = read_number(at, 0xffff'ffff);
  if (!value) return tl::unexpected<parse_error>(value.error());
  const auto parameters = sip::params::read(at);
  if (!parameters) return tl::unexpected<parse_error>(parameters.error());
  return number_params{*value, *parameters};
}

result<number_params, parse_error> number_params::parse(std::string_view text) noexcept {
  return parse_whole<number_params>(text);
}

void number_params::write(sink& out) const noexcept {
  out.put_number(value);
  params.write(out);
}

result<cseq, parse_error> cseq::read(cursor& at) noexcept {
  const auto value = read_number(at, 0x7fff'ffff);
  if (!value) return tl::unexpected<parse_error>(value.error());
  const std::size_t end_of_number = at.offset();
  at.skip_lws();
  if (at.offset() == end_of_number) return at.failure(parse_errc::bad_sequence);
  const std::string_view name = at.take_token();
  if (name.empty()) return at.failure(parse_errc::bad_sequence);
  return cseq{*value, name};
}

result<cseq, parse_error> cseq::parse(std::string_view text) noexcept {
  return parse_whole<cseq>(text);
}

void cseq::write(sink& out) const noexcept {
  out.put_number(number);
  out.put(' ');
  out.put(method);
}

result<rack, parse_error> rack::read(cursor& at) noexcept {
  const auto response = read_number(at, 0xffff'ffff);
  if (!response) return tl::unexpected<parse_error>(response.error());
  const std::size_t end_of_number = at.offset();
  at.skip_lws();
  if (at.offset() == end_of_number) return at.failure(parse_errc::bad_sequence);
  const auto request = cseq::read(at);
  if (!request) return tl::unexpected<parse_error>(request.error());
  return rack{*response, *request};
}

result<rack, parse_error> rack::parse(std::string_view text) noexcept {
  return parse_whole<rack>(text);
}

void rack::write(sink& out) const noexcept {
  out.put_number(response);
  out.put(' ');
  request.write(out);
}

} // namespace tandem::sip
