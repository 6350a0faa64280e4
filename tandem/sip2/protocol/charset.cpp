// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/protocol/charset.hpp>

#include <tandem/base/text.hpp>
#include <tandem/base/utf8.hpp>
#include <tandem/sip2/protocol/icu.hpp>

#include <algorithm>
#include <array>
#include <unordered_map>

#include <unicode/utf8.h>

namespace tandem::sip2 {
namespace {

/// A set of single bytes, both ways.
struct byte_table {
  std::array<char16_t, 256> to_unicode{};
  std::array<std::pair<char16_t, unsigned char>, 128> from_unicode{}; ///< of 80 to FF, sorted

  explicit byte_table(const char* icu_name) {
    for (unsigned b = 0; b < 256; ++b) to_unicode[b] = static_cast<char16_t>(b);
    if (const auto upper = icu_name ? icu::upper_half(icu_name) : std::nullopt)
      for (unsigned b = 128; b < 256; ++b)
        if ((*upper)[b - 128] != 0xfffd) to_unicode[b] = (*upper)[b - 128];
    for (unsigned b = 0; b < 128; ++b)
      from_unicode[b] = {to_unicode[b + 128], static_cast<unsigned char>(b + 128)};
    std::ranges::sort(from_unicode);
  }

  [[nodiscard]] std::optional<char> find(UChar32 c) const noexcept {
    if (c < 0x80) return static_cast<char>(c);
    if (c > 0xffff) return std::nullopt;
    const auto unit = static_cast<char16_t>(c);
    const auto* found = std::ranges::lower_bound(from_unicode, unit, {},
                                                 &std::pair<char16_t, unsigned char>::first);
    if (found == from_unicode.end() || found->first != unit) return std::nullopt;
    return static_cast<char>(found->second);
  }
};

const byte_table& table_of(charset c) {
  if (c == charset::cp850) {
    static const byte_table cp850{"ibm-850"};
    return cp850;
  }
  if (c == charset::cp1252) {
    static const byte_table cp1252{"windows-1252"};
    return cp1252;
  }
  static const byte_table latin1{nullptr};
  return latin1;
}

void append_utf8(std::string& out, UChar32 c) {
  char bytes[4];
  int32_t n = 0;
  U8_APPEND_UNSAFE(bytes, n, c);
  out.append(bytes, static_cast<std::size_t>(n));
}

/// ICU's ASCII for one character, remembered: a catalogue repeats its letters.
const std::optional<std::string>& ascii_of(UChar32 c) {
  constexpr std::size_t most = 4096; // far more than the letters of a library's languages
  thread_local std::unordered_map<UChar32, std::optional<std::string>> known;
  if (known.size() > most) known.clear();
  const auto [at, is_new] = known.try_emplace(c);
  if (is_new) at->second = icu::to_ascii(static_cast<char32_t>(c));
  return at->second;
}

constexpr bool is_control(UChar32 c) noexcept {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
}

constexpr std::string_view combining_leads = "\xcc\xcd"; // lead bytes of U+0300 to U+037F

} // namespace

std::optional<charset> find_charset(std::string_view name) {
  std::string plain;
  for (const char c : name)
    if (is_alnum(c)) plain += to_lower(c);
  if (plain == "ascii" || plain == "usascii") return charset::ascii;
  if (plain == "latin1" || plain == "iso88591") return charset::latin1;
  if (plain == "cp850" || plain == "ibm850" || plain == "850") return charset::cp850;
  if (plain == "cp1252" || plain == "windows1252" || plain == "1252") return charset::cp1252;
  if (plain == "utf8") return charset::utf8;
  return std::nullopt;
}

std::string_view to_text(charset c) noexcept {
  switch (c) {
  case charset::ascii: return "ascii";
  case charset::latin1: return "iso-8859-1";
  case charset::cp850: return "cp850";
  case charset::cp1252: return "cp1252";
  case charset::utf8: return "utf-8";
  }
  return "utf-8";
}

bool is_ascii(std::string_view bytes) noexcept {
  return std::ranges::all_of(bytes, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::string decode(std::string_view bytes, charset from, charset fallback) {
  if (is_ascii(bytes)) return std::string{bytes};
  if (from == charset::utf8 || from == charset::ascii) {
    if (is_utf8(bytes)) return std::string{bytes};
    from = fallback;
  }
  const auto& table = table_of(from);
  std::string out;
  out.reserve(bytes.size() + 8);
  for (const char b : bytes) append_utf8(out, table.to_unicode[static_cast<unsigned char>(b)]);
  return out;
}

std::string encode(std::string_view utf8, charset to, char replacement) {
  std::string composed;
  if (to != charset::utf8 && utf8.find_first_of(combining_leads) != std::string_view::npos) {
    composed = icu::compose(utf8).value_or(std::string{utf8});
    utf8 = composed;
  }
  std::string out;
  out.reserve(utf8.size());
  const auto* data = reinterpret_cast<const std::uint8_t*>(utf8.data());
  const auto size = static_cast<int32_t>(utf8.size());
  for (int32_t i = 0; i < size;) {
    const auto begin = i; // most of a text is ASCII in every set
    while (i < size && data[i] >= 0x20 && data[i] < 0x7f) ++i;
    out.append(utf8, static_cast<std::size_t>(begin), static_cast<std::size_t>(i - begin));
    if (i == size) break;
    UChar32 c = 0;
    U8_NEXT(data, i, size, c);
    if (c < 0) { // not UTF-8: a caller's fault, still nothing odd on the wire
      out += replacement;
      continue;
    }
    if (is_control(c)) {
      out += ' ';
    } else if (to == charset::utf8) {
      append_utf8(out, c);
    } else if (const auto byte = to == charset::ascii ? std::nullopt : table_of(to).find(c)) {
      out += *byte;
    } else if (const auto& ascii = ascii_of(c)) {
      out += *ascii;
    } else {
      out += replacement;
    }
  }
  return out;
}

} // namespace tandem::sip2
