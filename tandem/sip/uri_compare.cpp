// SPDX-License-Identifier: Apache-2.0
// When two URIs are the same: RFC 3261 19.1.4, RFC 3966 4, RFC 8141 3.
#include <tandem/sip/escape.hpp>
#include <tandem/sip/uri.hpp>

#include <algorithm>
#include <array>

namespace tandem::sip {

namespace {

template <char Separator>
std::size_t count(uri_part_list<Separator> parts) noexcept {
  std::size_t n = 0;
  for ([[maybe_unused]] const auto& each : parts) ++n;
  return n;
}

// 19.1.4: a user, ttl, method or maddr parameter in one URI only never matches. The section's
// examples say the same of transport: without it a URI can resolve to different transports.
bool must_stand_in_both(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 5> names{"user", "ttl", "method", "maddr", "transport"};
  return std::ranges::any_of(names, [name](std::string_view each) {
    return means_same_escaped(name, each, letter_case::ignored);
  });
}

/// Each parameter of `a` has an equal in `b`, or may be missing there. Of one that stands twice,
/// which 19.1.1 forbids, the first counts: else such a URI would not be the same as itself.
bool params_match(uri_parameters a, uri_parameters b) noexcept {
  return std::ranges::all_of(a, [a, b](const uri_param& each) {
    const auto one = a.find(each.name);
    const auto other = b.find(each.name);
    if (!other) return !must_stand_in_both(each.name);
    return one->has_value == other->has_value &&
           means_same_escaped(one->value, other->value, letter_case::ignored);
  });
}

/// 19.1.4: URI headers are never ignored; each must stand in both, in whatever order.
bool headers_match(uri_header_fields a, uri_header_fields b) noexcept {
  if (count(a) != count(b)) return false;
  return std::ranges::all_of(a, [b](const uri_param& one) {
    return std::ranges::any_of(b, [&one](const uri_param& other) {
      return means_same_escaped(one.name, other.name, letter_case::ignored) &&
             means_same_escaped(one.value, other.value, letter_case::exact);
    });
  });
}

bool sip_equivalent(const uri& a, const uri& b) noexcept {
  if (a.password().has_value() != b.password().has_value() || a.port() != b.port()) return false;
  return means_same_escaped(a.user(), b.user(), letter_case::exact) &&
         means_same_escaped(a.password().value_or(""), b.password().value_or(""),
                            letter_case::exact) &&
         equivalent(a.host(), b.host()) && params_match(a.params(), b.params()) &&
         params_match(b.params(), a.params()) && headers_match(a.headers(), b.headers()) &&
         headers_match(b.headers(), a.headers());
}

constexpr bool is_visual_separator(char c) noexcept {
  return c == '-' || c == '.' || c == '(' || c == ')';
}

/// RFC 3966 4: numbers are the same when they are once their visual separators are removed.
bool numbers_match(std::string_view a, std::string_view b) noexcept {
  std::size_t i = 0;
  std::size_t j = 0;
  for (;;) {
    while (i < a.size() && is_visual_separator(a[i])) ++i;
    while (j < b.size() && is_visual_separator(b[j])) ++j;
    if (i == a.size() || j == b.size()) return i == a.size() && j == b.size();
    if (to_lower(a[i++]) != to_lower(b[j++])) return false;
  }
}

bool tel_params_match(uri_parameters a, uri_parameters b) noexcept {
  return std::ranges::all_of(a, [a, b](const uri_param& each) {
    const auto one = a.find(each.name); // the first of two, as above
    const auto other = b.find(each.name);
    if (!other || one->has_value != other->has_value) return false;
    // A phone-context is a domain name or digits; extensions are digits (RFC 3966 4).
    const bool is_digits = iequals(one->name, "ext") ||
                           (iequals(one->name, "phone-context") && one->value.starts_with('+'));
    return is_digits ? numbers_match(one->value, other->value)
                     : means_same_escaped(one->value, other->value, letter_case::ignored);
  });
}

bool tel_equivalent(const uri& a, const uri& b) noexcept {
  return a.is_global_number() == b.is_global_number() && numbers_match(a.number(), b.number()) &&
         tel_params_match(a.params(), b.params()) && tel_params_match(b.params(), a.params());
}

/// Byte for byte, but for the case of the digits of escapes.
bool same_but_escapes_case(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const bool in_escape = (i >= 1 && a[i - 1] == '%') || (i >= 2 && a[i - 2] == '%');
    if (in_escape ? to_lower(a[i]) != to_lower(b[i]) : a[i] != b[i]) return false;
  }
  return true;
}

// RFC 8141 3.1: "urn" and the namespace without case, the rest with it; r-, q- and f-components
// do not count.
bool urn_equivalent(const uri& a, const uri& b) noexcept {
  const auto assigned = [](const uri& of) {
    const std::string_view all = of.opaque();
    return all.substr(0, std::min({all.find("?+"), all.find("?="), all.find('#')}));
  };
  const std::string_view x = assigned(a);
  const std::string_view y = assigned(b);
  const std::size_t colon = x.find(':');
  if (colon == std::string_view::npos || y.find(':') != colon) return x == y;
  return iequals(x.substr(0, colon), y.substr(0, colon)) &&
         same_but_escapes_case(x.substr(colon), y.substr(colon));
}

/// FNV-1a: nobody gains by a collision, which costs one comparison of two URIs.
constexpr std::uint32_t mix(std::uint32_t sum, unsigned char byte) noexcept {
  return (sum ^ byte) * 16'777'619U;
}

} // namespace

std::uint32_t likeness(const uri& of) noexcept {
  std::uint32_t sum = mix(2'166'136'261U, static_cast<unsigned char>(of.scheme()));
  if (!of.is_sip()) return sum;
  const std::string_view user = of.user();
  for (std::size_t i = 0; i < user.size(); ++i) {
    char c = user[i];
    if (c == '%' && i + 2 < user.size()) {
      const int high = hex_value(user[i + 1]);
      const int low = hex_value(user[i + 2]);
      if (high >= 0 && low >= 0) {
        c = static_cast<char>(high * 16 + low);
        i += 2;
      }
    }
    sum = mix(sum, static_cast<unsigned char>(c));
  }
  const std::uint16_t port = of.port().value_or(0);
  sum = mix(mix(sum, static_cast<unsigned char>(port >> 8)), static_cast<unsigned char>(port));
  // An IPv6 address has several spellings.
  if (of.host().kind != host_kind::ipv6)
    for (const char c : of.host().text) sum = mix(sum, static_cast<unsigned char>(to_lower(c)));
  return sum;
}

bool equivalent(const uri& a, const uri& b) noexcept {
  if (a.scheme() != b.scheme()) return false; // sip and sips are never the same (19.1.4)
  switch (a.scheme()) {
  case uri_scheme::sip:
  case uri_scheme::sips: return sip_equivalent(a, b);
  case uri_scheme::tel: return tel_equivalent(a, b);
  case uri_scheme::urn: return urn_equivalent(a, b);
  case uri_scheme::other: break;
  }
  return iequals(a.scheme_text(), b.scheme_text()) && a.opaque() == b.opaque();
}

} // namespace tandem::sip
