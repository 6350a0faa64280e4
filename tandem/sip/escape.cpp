// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/escape.hpp>

namespace tandem::sip {

namespace {

char_class characters_of(uri_part part) noexcept {
  switch (part) {
  case uri_part::user: return char_class::user;
  case uri_part::password: return char_class::password;
  case uri_part::param: return char_class::uri_param;
  case uri_part::header: break;
  }
  return char_class::uri_header;
}

/// The byte that the escape at `text[at]` means; -1 when there is no escape there.
int escaped_byte(std::string_view text, std::size_t at) noexcept {
  if (text[at] != '%' || text.size() - at < 3) return -1;
  const int high = hex_value(text[at + 1]);
  const int low = hex_value(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/// RFC 2396 2.2, with the % itself: for these the escape and the character differ.
constexpr bool is_reserved(char c) noexcept {
  return std::string_view{";/?:@&=+$,%"}.find(c) != std::string_view::npos;
}

/// Takes one character or escape off the front. A reserved character that was escaped is told from
/// the bare one by a bit above the byte.
int next_meaning(std::string_view& text, letter_case letters) noexcept {
  const int escaped = escaped_byte(text, 0);
  char c = escaped >= 0 ? static_cast<char>(escaped) : text.front();
  text.remove_prefix(escaped >= 0 ? 3 : 1);
  if (letters == letter_case::ignored) c = to_lower(c);
  const int differs = escaped >= 0 && is_reserved(c) ? 0x100 : 0;
  return static_cast<unsigned char>(c) | differs;
}

} // namespace

std::string escape_uri(uri_part part, std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  const char_class bare = characters_of(part);
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    // 19.1.1 wants "#" escaped, though it is read bare in a user.
    if (is(bare, c) && c != '#') {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.push_back('%');
      out.push_back(digits[byte >> 4]);
      out.push_back(digits[byte & 15]);
    }
  }
  return out;
}

std::string unescape_uri(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const int escaped = escaped_byte(text, at);
    out.push_back(escaped >= 0 ? static_cast<char>(escaped) : text[at]);
    at += escaped >= 0 ? 3 : 1;
  }
  return out;
}

bool means_same_escaped(std::string_view a, std::string_view b, letter_case letters) noexcept {
  // Most names differ in their first character, and have no escape there.
  if (!a.empty() && !b.empty() && a[0] != '%' && b[0] != '%' && to_lower(a[0]) != to_lower(b[0]))
    return false;
  while (!a.empty() && !b.empty())
    if (next_meaning(a, letters) != next_meaning(b, letters)) return false;
  return a.empty() && b.empty();
}

} // namespace tandem::sip
