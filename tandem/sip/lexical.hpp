// SPDX-License-Identifier: Apache-2.0
// The words of SIP (RFC 3261 25.1): character classes, tokens, quoted strings, comments, blanks.
// Pure functions over a text that the caller keeps; every view returned points into it.
#pragma once

#include <tandem/base/text.hpp>
#include <tandem/sip/byte_block.hpp>
#include <tandem/sip/parse_error.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace tandem::sip {

/// Sets of characters, one bit each, so that one table answers for all of them.
enum class char_class : std::uint32_t {
  token = 1 << 0,         ///< alphanum - . ! % * _ + ` ' ~
  user = 1 << 1,          ///< of a URI's user part, but for escapes
  password = 1 << 2,      ///< of a URI's password, but for escapes
  uri_param = 1 << 3,     ///< of a URI parameter, but for escapes
  uri_header = 1 << 4,    ///< of a URI header, but for escapes
  host = 1 << 5,          ///< of a host name: alphanum - . _
  digit = 1 << 6,         ///< 0 to 9
  hex = 1 << 7,           ///< 0 to 9, a to f, A to F
  param_value = 1 << 8,   ///< of an unquoted header parameter value
  quoted_text = 1 << 9,   ///< inside quotes without a backslash
  scheme = 1 << 10,       ///< of a URI scheme after its first letter
  comment_text = 1 << 11, ///< inside a comment without a backslash
  uri = 1 << 12,          ///< of any URI, but for escapes
  display = 1 << 13,      ///< of a display name without quotes, as far as the field writes them
  unreserved = 1 << 14,   ///< means the same escaped or not: alphanum and mark
  phone = 1 << 15,        ///< of a tel number: digits, hex digits, * # and visual separators
  call_id = 1 << 16,      ///< of a Call-ID, its "@" too
  request_uri = 1 << 18,  ///< of what may stand between the blanks of a request line
  text = 1 << 17,         ///< of free text: all but CR, LF and NUL
};

namespace detail {

consteval std::array<std::uint32_t, 256> make_char_table() {
  std::array<std::uint32_t, 256> table{};
  const auto add = [&table](std::string_view characters, auto... classes) {
    for (const char c : characters)
      table[static_cast<unsigned char>(c)] |= (static_cast<std::uint32_t>(classes) | ...);
  };
  using enum char_class;
  for (unsigned c = 0; c < 256; ++c) {
    const char one = static_cast<char>(c);
    const std::string_view it{&one, 1};
    if (is_alnum(one))
      add(it, token, user, password, uri_param, uri_header, host, param_value, scheme, uri, display,
          unreserved, call_id);
    if (one != '\r' && one != '\n' && one != '\0') add(it, text);
    if (c > 0x20 && c != 0x7f && one != '<' && one != '>' && one != '"') add(it, request_uri);
    if (is_digit(one)) add(it, digit, phone);
    if (hex_value(one) >= 0) add(it, hex, phone);
    if (c == '\t' || (c >= 0x20 && c < 0x7f) || c >= 0x80) {
      if (one != '"' && one != '\\') add(it, quoted_text);
      if (one != '(' && one != ')' && one != '\\') add(it, comment_text);
    }
    // Deviates: 25.1 allows tokens, hosts and quoted strings as values; what the field sends
    // (addresses with colons, base64, URIs) is kept as long as it cannot be taken for a separator.
    if (c > 0x20 && c < 0x7f && std::string_view{"\",;<>()\\"}.find(one) == std::string_view::npos)
      add(it, param_value);
    // Deviates: 20.10 wants tokens; only what would end or confuse a name-addr is refused here.
    if (c >= 0x80 ||
        (c > 0x20 && c < 0x7f && std::string_view{"\",;:<>\\"}.find(one) == std::string_view::npos))
      add(it, display);
  }
  add("-.!%*_+`'~", token, call_id);
  add("()<>:\\\"/[]?{}@", call_id);
  // Deviates: peers make identifiers of these too, and nothing but equality is ever asked of one.
  add("=$&#^|", call_id);
  add("-_.!~*'()", user, password, uri_param, uri_header, uri, unreserved);
  add("&=+$,", user, password);
  add(";?/#", user); // Deviates: "#" must be escaped (19.1.1) but dial strings carry it bare
  add("[]/:&+$", uri_param);
  add("[]/?:+$", uri_header);
  add("-._", host);
  add("+-.", scheme);
  add(";/?:@&=+$,#[]", uri);
  add("*#-.()", phone);
  return table;
}

inline constexpr auto char_table = make_char_table();

} // namespace detail

/// Whether the character belongs to the class.
[[nodiscard]] constexpr bool is(char_class of, char c) noexcept {
  return (detail::char_table[static_cast<unsigned char>(c)] & static_cast<std::uint32_t>(of)) != 0;
}

/// Whether the text is not empty and each of its characters belongs to the class.
[[nodiscard]] constexpr bool is_all(char_class of, std::string_view text) noexcept {
  for (const char c : text)
    if (!is(of, c)) return false;
  return !text.empty();
}

/// Whether the text is a token (25.1).
[[nodiscard]] constexpr bool is_token(std::string_view text) noexcept {
  return is_all(char_class::token, text);
}

/// A place in a text, and the steps over it that the values' parsers take. Folded lines count as
/// blanks; a CR or LF that no blank follows is never stepped over.
class cursor {
 public:
  constexpr explicit cursor(std::string_view text) noexcept
      : cursor{text, text.data() + text.size()} {}
  /// The same where the bytes up to `readable` may be looked at too, though they are none of the
  /// text's: sixteen at a time are quicker.
  constexpr cursor(std::string_view text, const char* readable) noexcept
      : first_{text.data()}, at_{first_}, end_{first_ + text.size()},
        blocks_end_{readable - std::min<std::ptrdiff_t>(readable - first_, byte_block::size - 1)} {}

  [[nodiscard]] constexpr bool at_end() const noexcept { return at_ == end_; }
  /// The character here; NUL at the end.
  [[nodiscard]] constexpr char peek() const noexcept { return at_ == end_ ? '\0' : *at_; }
  /// Bytes from the first of the text.
  [[nodiscard]] constexpr std::size_t offset() const noexcept {
    return static_cast<std::size_t>(at_ - first_);
  }
  /// Of the text.
  [[nodiscard]] constexpr const char* first() const noexcept { return first_; }
  /// What is left.
  [[nodiscard]] constexpr std::string_view rest() const noexcept {
    return {at_, static_cast<std::size_t>(end_ - at_)};
  }
  /// The text from an earlier offset to here.
  [[nodiscard]] constexpr std::string_view since(std::size_t offset) const noexcept {
    return {first_ + offset, static_cast<std::size_t>(at_ - first_) - offset};
  }
  constexpr void skip(std::size_t bytes) noexcept { at_ += bytes; }
  constexpr void move_to(std::size_t offset) noexcept { at_ = first_ + offset; }
  constexpr void move_to_end() noexcept { at_ = end_; }

  /// Steps over blanks and folds (LWS, 25.1).
  constexpr void skip_lws() noexcept {
    while (at_ != end_ && static_cast<unsigned char>(*at_) <= ' ') {
      if (*at_ == ' ' || *at_ == '\t')
        ++at_;
      else if (const std::size_t fold = fold_length(); fold != 0)
        at_ += fold;
      else
        return;
    }
  }

  /// Steps over `c` if it is here.
  constexpr bool take(char c) noexcept {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }

  /// Steps over blanks, `c` and blanks; does not move when `c` is not there (25.1: SEMI, EQUAL
  /// ...).
  constexpr bool take_separator(char c) noexcept {
    const char* const before = at_;
    skip_lws();
    if (!take(c)) {
      at_ = before;
      return false;
    }
    skip_lws();
    return true;
  }

  /// Steps over the longest run of the class, which may be empty.
  constexpr std::string_view take_while(char_class of) noexcept {
    const char* const from = at_;
    while (at_ != end_ && is(of, *at_)) ++at_;
    return {from, static_cast<std::size_t>(at_ - from)};
  }

  /// Steps to the first byte that `marks(byte_block)` marks, or to the end; only as far as whole
  /// blocks may be looked at, so that more may follow.
  template <typename F>
  void skip_unmarked(F&& marks) noexcept {
    while (at_ < blocks_end_) {
      const byte_block::mask found = marks(byte_block{at_}) | ~byte_block::all;
      const auto run = static_cast<unsigned>(std::countr_zero(found));
      at_ += run;
      if (at_ >= end_) at_ = end_;
      if (run != byte_block::size || at_ == end_) return;
    }
  }

  /// Steps to the first of these bytes, or to the end.
  template <char... C>
  void skip_to() noexcept {
    skip_unmarked([](byte_block b) { return b.any_of<C...>(); });
    while (at_ != end_ && ((*at_ != C) && ...)) ++at_;
  }

  /// take_while(Of) where what stands here is mostly letters, digits, '-' and '.', all of the
  /// class.
  template <char_class Of>
  std::string_view take_word() noexcept {
    const char* const from = at_;
    for (;; ++at_) {
      skip_unmarked([](byte_block b) { return ~b.words(); });
      if (at_ == end_ || !is(Of, *at_)) return {from, static_cast<std::size_t>(at_ - from)};
    }
  }

  /// An unquoted value of a parameter.
  std::string_view take_param_value() noexcept { return take_word<char_class::param_value>(); }

  /// Steps over `lower` in whatever case, all of it letters; does not move when it is not there.
  template <std::size_t N>
  bool take_letters(const char (&lower)[N]) noexcept {
    constexpr std::size_t n = N - 1;
    if (static_cast<std::size_t>(end_ - at_) < n || !is_folded<n>(at_, lower)) return false;
    at_ += n;
    return true;
  }

  /// Steps over `text`; does not move when it is not there.
  template <std::size_t N>
  bool take_exactly(const char (&text)[N]) noexcept {
    constexpr std::size_t n = N - 1;
    if (static_cast<std::size_t>(end_ - at_) < n || std::memcmp(at_, text, n) != 0) return false;
    at_ += n;
    return true;
  }

  /// Digits as a number up to `most`; nothing when there are none or it is larger.
  constexpr std::optional<std::uint32_t> take_number(std::uint32_t most) noexcept {
    const char* const from = at_;
    std::uint64_t number = 0;
    for (; at_ != end_; ++at_) {
      const auto digit = static_cast<unsigned char>(*at_ - '0');
      if (digit > 9) break;
      number = number * 10 + digit;
      if (number > most) return std::nullopt;
    }
    if (at_ == from) return std::nullopt;
    return static_cast<std::uint32_t>(number);
  }

  /// Steps over a token; empty when there is none.
  constexpr std::string_view take_token() noexcept { return take_while(char_class::token); }

  /// Steps over a quoted string; the view is what stands between the quotes, pairs still escaped.
  /// Call it only where a quote is.
  result<std::string_view, parse_error> take_quoted() noexcept {
    const char* const opening = at_++;
    skip_quoted_text();
    if (const char* const closing = at_; take('"'))
      return std::string_view{opening + 1, static_cast<std::size_t>(closing - opening - 1)};
    // What is not inlined gets a copy, so that this one can stay in registers.
    cursor copy = *this;
    auto read = copy.take_odd_quoted(static_cast<std::size_t>(opening - first_));
    *this = copy;
    return read;
  }

  /// Steps over a comment with the comments in it; the view is what stands between the outer
  /// parentheses. Call it only where an opening parenthesis is.
  result<std::string_view, parse_error> take_comment() noexcept;

  /// A fault at this place, and a failed result with it.
  [[nodiscard]] constexpr parse_error fault(parse_errc code) const noexcept {
    return {code, static_cast<std::uint32_t>(offset())};
  }
  [[nodiscard]] constexpr auto failure(parse_errc code) const noexcept {
    return tl::unexpected<parse_error>(fault(code));
  }

  /// Succeeds with the value when only blanks are left.
  template <typename T>
  result<T, parse_error> finish(T value) noexcept {
    skip_lws();
    if (!at_end()) return failure(parse_errc::trailing_text);
    return value;
  }

 private:
  /// The letters at `p` are those of `lower` but for case: two words that may overlap.
  template <std::size_t N>
  static bool is_folded(const char* p, const char* lower) noexcept {
    if constexpr (N >= 4) {
      using word = std::conditional_t<(N >= 8), std::uint64_t, std::uint32_t>;
      const auto differ = [&](std::size_t at) {
        word a;
        word b;
        std::memcpy(&a, p + at, sizeof a);
        std::memcpy(&b, lower + at, sizeof b);
        return (a | static_cast<word>(0x2020202020202020u)) ^ b;
      };
      return (differ(0) | differ(N - sizeof(word))) == 0;
    } else {
      for (std::size_t i = 0; i < N; ++i)
        if ((p[i] | 0x20) != lower[i]) return false;
      return true;
    }
  }

  /// Length of a line break that a blank follows; 0 when there is none here.
  [[nodiscard]] constexpr std::size_t fold_length() const noexcept {
    const char* p = at_;
    if (p != end_ && *p == '\r') ++p;
    if (p == end_ || *p != '\n') return 0;
    ++p;
    if (p == end_ || !is_blank(*p)) return 0;
    return static_cast<std::size_t>(p - at_);
  }

  /// Steps to what may end a quoted string, or is no text of it.
  void skip_quoted_text() noexcept {
    skip_unmarked([](byte_block b) { return b.up_to('\x1f') | b.any_of<'"', '\\', '\x7f'>(); });
    while (at_ != end_ && is(char_class::quoted_text, *at_)) ++at_; // a tab, and what follows it
  }
  /// The rest of a quoted string that has pairs or folds in it, or is wrong.
  result<std::string_view, parse_error> take_odd_quoted(std::size_t opening) noexcept;

  const char* first_;
  const char* at_;
  const char* end_;
  const char* blocks_end_; ///< at any place before it sixteen bytes may be looked at
};

/// The meaning of what stood between quotes: pairs replaced by their second character, folds by
/// their blank. Allocates.
[[nodiscard]] std::string unquote(std::string_view between_quotes);

/// Whether two texts between quotes, or one between quotes and one plain, mean the same bytes.
[[nodiscard]] bool means_same(std::string_view escaped_a, std::string_view escaped_b) noexcept;

/// What goes between quotes to mean `text`: a backslash before each quote and backslash. Allocates.
[[nodiscard]] std::string escape_quoted(std::string_view text);

/// Whether the text may stand between quotes, or between parentheses, as it is.
[[nodiscard]] bool is_quoted_text(std::string_view text) noexcept;
[[nodiscard]] bool is_comment_text(std::string_view text) noexcept;

} // namespace tandem::sip
