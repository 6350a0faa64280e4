// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/media_type.hpp>
#include <tandem/sip/number.hpp>

namespace tandem::sip {

result<media_type, parse_error> media_type::read(cursor& at) noexcept {
  media_type value;
  value.type = at.take_token();
  if (value.type.empty() || !at.take_separator('/')) return at.failure(parse_errc::bad_media_type);
  value.subtype = at.take_token();
  if (value.subtype.empty()) return at.failure(parse_errc::bad_media_type);
  const auto parameters = sip::params::read(at);
  if (!parameters) return tl::unexpected<parse_error>(parameters.error());
  value.params = *parameters;
  return value;
}

result<media_type, parse_error> media_type::parse(std::string_view text) noexcept {
  return parse_whole<media_type>(text);
}

void media_type::write(sink& out) const noexcept {
  out.put(type);
  out.put('/');
  out.put(subtype);
  params.write(out);
}

bool media_type::accepts(const media_type& other) const noexcept {
  if (type == "*") return true;
  return iequals(type, other.type) && (subtype == "*" || iequals(subtype, other.subtype));
}

result<mime_version, parse_error> mime_version::read(cursor& at) noexcept {
  const auto major_part = read_number(at, 0xffff'ffff);
  if (!major_part) return tl::unexpected<parse_error>(major_part.error());
  if (!at.take('.')) return at.failure(parse_errc::expected_separator);
  const auto minor_part = read_number(at, 0xffff'ffff);
  if (!minor_part) return tl::unexpected<parse_error>(minor_part.error());
  return mime_version{*major_part, *minor_part};
}

result<mime_version, parse_error> mime_version::parse(std::string_view text) noexcept {
  return parse_whole<mime_version>(text);
}

void mime_version::write(sink& out) const noexcept {
  out.put_number(major_number);
  out.put('.');
  out.put_number(minor_number);
}

} // namespace tandem::sip
