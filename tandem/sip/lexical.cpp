// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/lexical.hpp>

namespace tandem::sip {

// quoted-string = SWS DQUOTE *(qdtext / quoted-pair) DQUOTE
// quoted-pair   = "\" (%x00-09 / %x0B-0C / %x0E-7F)
result<std::string_view, parse_error> cursor::take_odd_quoted(std::size_t opening) noexcept {
  for (;; skip_quoted_text()) {
    if (at_ == end_) return parse_failure(parse_errc::unterminated_quote, opening);
    if (*at_ == '"') {
      ++at_;
      return std::string_view{first_ + opening + 1, offset() - opening - 2};
    }
    if (*at_ == '\\') {
      if (end_ - at_ < 2) return parse_failure(parse_errc::unterminated_quote, opening);
      if (at_[1] == '\r' || at_[1] == '\n') return failure(parse_errc::bad_quoted_pair);
      at_ += 2;
    } else if (const std::size_t fold = fold_length(); fold != 0) {
      at_ += fold;
    } else {
      return failure(parse_errc::bad_character);
    }
  }
}

// comment = LPAREN *(ctext / quoted-pair / comment) RPAREN
result<std::string_view, parse_error> cursor::take_comment() noexcept {
  const std::size_t opening = offset();
  ++at_;
  const char* const from = at_;
  for (std::size_t depth = 1;;) {
    while (at_ != end_ && is(char_class::comment_text, *at_)) ++at_;
    if (at_ == end_) return parse_failure(parse_errc::unterminated_comment, opening);
    if (*at_ == '(') {
      ++depth;
      ++at_;
    } else if (*at_ == ')') {
      ++at_;
      if (--depth == 0) return std::string_view{from, static_cast<std::size_t>(at_ - from) - 1};
    } else if (*at_ == '\\') {
      if (end_ - at_ < 2) return parse_failure(parse_errc::unterminated_comment, opening);
      if (at_[1] == '\r' || at_[1] == '\n') return failure(parse_errc::bad_quoted_pair);
      at_ += 2;
    } else if (const std::size_t fold = fold_length(); fold != 0) {
      at_ += fold;
    } else {
      return failure(parse_errc::bad_character);
    }
  }
}

namespace {

/// Reads a text between quotes one meant byte at a time; -1 after the last.
class meaning {
 public:
  explicit meaning(std::string_view text) noexcept : text_{text} {}

  int next() noexcept {
    if (at_ < text_.size() && text_[at_] == '\\' && at_ + 1 < text_.size()) {
      at_ += 2;
      return static_cast<unsigned char>(text_[at_ - 1]);
    }
    while (at_ < text_.size() && (text_[at_] == '\r' || text_[at_] == '\n')) ++at_;
    return at_ < text_.size() ? static_cast<unsigned char>(text_[at_++]) : -1;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

} // namespace

std::string unquote(std::string_view between_quotes) {
  std::string out;
  out.reserve(between_quotes.size());
  meaning text{between_quotes};
  for (int c = text.next(); c >= 0; c = text.next()) out.push_back(static_cast<char>(c));
  return out;
}

bool means_same(std::string_view escaped_a, std::string_view escaped_b) noexcept {
  meaning a{escaped_a};
  meaning b{escaped_b};
  for (;;) {
    const int c = a.next();
    if (c != b.next()) return false;
    if (c < 0) return true;
  }
}

std::string escape_quoted(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 4);
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

bool is_quoted_text(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      if (++i == text.size() || text[i] == '\r' || text[i] == '\n') return false;
    } else if (!is(char_class::quoted_text, text[i]) && text[i] != '\r' && text[i] != '\n') {
      return false; // a fold's CR and LF are judged where the text is written
    }
  }
  return true;
}

bool is_comment_text(std::string_view text) noexcept {
  std::size_t depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      if (++i == text.size()) return false;
    } else if (text[i] == '(') {
      ++depth;
    } else if (text[i] == ')') {
      if (depth-- == 0) return false;
    }
  }
  return depth == 0;
}

} // namespace tandem::sip
