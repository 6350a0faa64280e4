// SPDX-License-Identifier: Apache-2.0
// Reads the words of a script. One pass, no recursion: what a file says cannot exhaust the stack.
#include <tandem/script/token.hpp>

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <optional>

#include <tandem/base/ip_address.hpp>
#include <tandem/base/text.hpp>

namespace tandem::script {

namespace {

bool is_name_char(char c) { return is_alnum(c) || c == '_'; }
bool is_host_char(char c) { return is_name_char(c) || c == '-' || c == '.'; }
bool is_address_char(char c) { return hex_value(c) >= 0 || c == ':' || c == '.'; }

class lexer {
 public:
  lexer(const source& from, diagnostics& found)
      : source_(from), text_(from.text()), found_(found) {}

  std::vector<token> run() {
    while (skip_blanks_and_comments()) read_one();
    tokens_.push_back({token_kind::end, {here(), 0}, {}, 0});
    return std::move(tokens_);
  }

 private:
  [[nodiscard]] std::uint32_t here() const { return static_cast<std::uint32_t>(at_); }
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  [[nodiscard]] span from(std::size_t begin) const {
    return {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(at_ - begin)};
  }

  /// False at the end of the text.
  bool skip_blanks_and_comments() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (is_blank(c) || c == '\n' || c == '\r' || c == '\f' || c == '\v') {
        ++at_;
      } else if (c == '\\' && peek(1) == '\n') {
        at_ += 2;
      } else if (c == '\\' && peek(1) == '\r' && peek(2) == '\n') {
        at_ += 3;
      } else if (c == '#') {
        line_comment();
      } else if (c == '/' && peek(1) == '*') {
        block_comment();
      } else {
        return true;
      }
    }
    return false;
  }

  void line_comment() {
    const std::size_t begin = at_;
    at_ = std::min(text_.find('\n', at_), text_.size());
    const std::string_view line = text_.substr(begin, at_ - begin);
    // A directive of later dialects would silently do nothing.
    if (line.starts_with("#!") &&
        (line.starts_with("#!def") || line.starts_with("#!if") || line.starts_with("#!subst") ||
         line.starts_with("#!else") || line.starts_with("#!endif") || line.starts_with("#!trydef")))
      found_.warning({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(line.size())},
                     "preprocessor directives are not known here; this line is a comment");
  }

  void block_comment() {
    const std::size_t begin = at_;
    std::size_t depth = 0;
    while (at_ < text_.size()) {
      if (text_[at_] == '/' && peek(1) == '*') {
        ++depth;
        at_ += 2;
      } else if (text_[at_] == '*' && peek(1) == '/') {
        at_ += 2;
        if (--depth == 0) return;
      } else {
        ++at_;
      }
    }
    found_.error({static_cast<std::uint32_t>(begin), 2},
                 "this comment does not end; comments nest, so each '/*' needs its '*/'");
  }

  void add(token_kind kind, std::size_t begin, std::int64_t number = 0) {
    const span where = from(begin);
    tokens_.push_back({kind, where, std::string(source_.text(where)), number});
  }

  void read_one() {
    const char c = text_[at_];
    if (c == '"' || c == '\'') return string_literal(c);
    if (c == '$') return variable();
    if (read_address()) return;
    if (is_digit(c)) return number_or_host();
    if (is_alpha(c) || c == '_') return name_or_host();
    read_operator();
  }

  void string_literal(char quote) {
    const std::size_t begin = at_++;
    std::string content;
    while (at_ < text_.size() && text_[at_] != quote) {
      if (quote == '"' && text_[at_] == '\\' && escape(content)) continue;
      content += text_[at_++];
    }
    if (at_ == text_.size()) {
      found_.error({static_cast<std::uint32_t>(begin), 1},
                   fmt::format("this string does not end; expected {}", quote));
    } else {
      ++at_;
    }
    tokens_.push_back({token_kind::string, from(begin), std::move(content), 0});
  }

  /// Of a "..." string. Any other backslash stays, and a quote ends the string whatever is before.
  bool escape(std::string& content) {
    switch (peek(1)) {
    case 'n': content += '\n'; break;
    case 'r': content += '\r'; break;
    case 'a': content += '\a'; break;
    case 't': content += '\t'; break;
    case '\\': content += '\\'; break;
    case '\n': break;
    default: return false;
    }
    at_ += 2;
    return true;
  }

  void variable() {
    const std::size_t begin = at_++;
    while (is_name_char(peek())) ++at_;
    if (peek() == '(') {
      std::size_t depth = 0;
      do {
        if (peek() == '(') ++depth;
        if (peek() == ')') --depth;
        ++at_;
      } while (depth != 0 && at_ < text_.size() && text_[at_] != '\n');
      if (depth != 0) return found_.error(from(begin), "this variable lacks its ')'");
    }
    if (at_ == begin + 1)
      return found_.error(from(begin), "expected the name of a variable after '$'");
    add(token_kind::variable, begin);
  }

  /// The longest run that can belong to an address, when it is one. Names that look like numbers
  /// (`add`, `fa`) have no colon and no dots enough.
  bool read_address() {
    if (!is_address_char(text_[at_]) || text_[at_] == '.') return false;
    std::size_t end = at_;
    while (end < text_.size() && is_address_char(text_[end])) ++end;
    std::string_view run = text_.substr(at_, end - at_);
    if (end < text_.size() && is_host_char(text_[end]) && run.find(':') == run.npos) return false;
    if (!ip_address::parse(run)) {
      // "udp:192.0.2.1:5060" and "192.0.2.1:5060": the port is not part of it.
      run = run.substr(0, run.find(':'));
      if (std::count(run.begin(), run.end(), '.') != 3 || !ip_address::parse(run)) return false;
    }
    const std::size_t begin = at_;
    at_ += run.size();
    add(token_kind::address, begin);
    return true;
  }

  void number_or_host() {
    const std::size_t begin = at_;
    while (is_host_char(peek())) ++at_;
    std::string_view run = text_.substr(begin, at_ - begin);
    int base = 10;
    std::string_view digits = run;
    if (run.size() > 2 && run[0] == '0' && (run[1] == 'x' || run[1] == 'o')) {
      base = run[1] == 'x' ? 16 : 8;
      digits = run.substr(2);
    } else if (std::all_of(run.begin(), run.end(),
                           [](char c) { return is_digit(c) || c == '-'; }) &&
               run.find('-') != run.npos) {
      // "5-3" is no host; there is no arithmetic either, the parser will say so.
      at_ = begin + run.find('-');
      digits = run.substr(0, run.find('-'));
    }
    if (const auto value = parse_number<std::uint64_t>(digits, base);
        value && *value <= 0xffffffffU)
      return add(token_kind::number, begin, static_cast<std::int64_t>(*value));
    if (std::all_of(digits.begin(), digits.end(), is_digit))
      return bad_number(begin, "this number is too large; the limit is 4294967295");
    if (std::all_of(run.begin(), run.end(), [](char c) { return is_digit(c) || c == '.'; }))
      return bad_number(begin, "this is neither a number nor an IPv4 address");
    if (base != 10) return bad_number(begin, "this is not a number of that base");
    add(token_kind::host, begin);
  }

  void bad_number(std::size_t begin, std::string text) {
    found_.error(from(begin), std::move(text));
    add(token_kind::number, begin); // so that the parser goes on without a second complaint
  }

  void name_or_host() {
    const std::size_t begin = at_;
    while (is_name_char(peek())) ++at_;
    // Dots and hyphens join names when something follows them: foo.bar, gw-1.example.
    bool joined = false;
    while (is_host_char(peek()) || is_name_char(peek())) {
      std::size_t next = at_;
      while (next < text_.size() && (text_[next] == '.' || text_[next] == '-')) ++next;
      if (next >= text_.size() || !is_name_char(text_[next])) break;
      at_ = next;
      while (is_name_char(peek())) ++at_;
      joined = true;
    }
    const std::string_view word = text_.substr(begin, at_ - begin);
    if (joined) return add(token_kind::host, begin);
    if (word == "and" || word == "AND") return add(token_kind::logical_and, begin);
    if (word == "or" || word == "OR") return add(token_kind::logical_or, begin);
    if (word == "not" || word == "NOT") return add(token_kind::logical_not, begin);
    add(token_kind::name, begin);
  }

  void read_operator() {
    struct spelling {
      std::string_view text;
      token_kind kind;
    };
    // Longer ones first.
    static constexpr spelling spellings[] = {
        {"==", token_kind::equal},
        {"=~", token_kind::match},
        {"!=", token_kind::not_equal},
        {"!~", token_kind::not_match},
        {"&&", token_kind::logical_and},
        {"||", token_kind::logical_or},
        {"&", token_kind::logical_and},
        {"|", token_kind::logical_or},
        {"!", token_kind::logical_not},
        {"=", token_kind::assign},
        {"{", token_kind::left_brace},
        {"}", token_kind::right_brace},
        {"(", token_kind::left_parenthesis},
        {")", token_kind::right_parenthesis},
        {"[", token_kind::left_bracket},
        {"]", token_kind::right_bracket},
        {";", token_kind::semicolon},
        {",", token_kind::comma},
        {":", token_kind::colon},
        {"/", token_kind::slash},
        {".", token_kind::dot},
        {"-", token_kind::minus},
    };
    const std::size_t begin = at_;
    for (const spelling& s : spellings) {
      if (!text_.substr(at_).starts_with(s.text)) continue;
      at_ += s.text.size();
      return add(s.kind, begin);
    }
    unknown_characters();
  }

  /// One complaint for a run of them (a curly quote is three bytes).
  void unknown_characters() {
    const std::size_t begin = at_;
    const auto is_odd = [](char c) {
      const auto u = static_cast<unsigned char>(c);
      return u >= 0x7f ||
             (u < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != '\f' && c != '\v');
    };
    ++at_;
    if (is_odd(text_[begin]))
      while (at_ < text_.size() && is_odd(text_[at_])) ++at_;
    const char c = text_[begin];
    std::string hint;
    if (text_.substr(begin).starts_with("\xe2\x80\x9c") ||
        text_.substr(begin).starts_with("\xe2\x80\x9d"))
      hint = "write a plain \" instead";
    found_.error(from(begin),
                 is_odd(c) ? fmt::format("unexpected byte 0x{:02x}", static_cast<unsigned char>(c))
                           : fmt::format("unexpected character '{}'", c),
                 std::move(hint));
  }

  const source& source_;
  std::string_view text_;
  diagnostics& found_;
  std::size_t at_ = 0;
  std::vector<token> tokens_;
};

} // namespace

std::vector<token> read_tokens(const source& text, diagnostics& found) {
  return lexer(text, found).run();
}

std::uint32_t raw_offset(std::string_view raw, std::size_t index) noexcept {
  std::size_t at = 1; // the quote
  const bool escapes = raw.starts_with('"');
  while (at + 1 < raw.size()) {
    std::size_t size = 1;
    std::size_t meaning = 1;
    if (escapes && raw[at] == '\\') {
      const char c = raw[at + 1];
      if (c == 'n' || c == 'r' || c == 'a' || c == 't' || c == '\\') size = 2;
      if (c == '\n') size = 2, meaning = 0;
    }
    if (index == 0 && meaning != 0) break;
    index -= meaning;
    at += size;
  }
  return static_cast<std::uint32_t>(at);
}

std::string_view describe(token_kind kind) noexcept {
  switch (kind) {
  case token_kind::end: return "the end of the file";
  case token_kind::name: return "a name";
  case token_kind::host: return "a host name";
  case token_kind::address: return "an IP address";
  case token_kind::number: return "a number";
  case token_kind::string: return "a string";
  case token_kind::variable: return "a variable";
  case token_kind::left_brace: return "'{'";
  case token_kind::right_brace: return "'}'";
  case token_kind::left_parenthesis: return "'('";
  case token_kind::right_parenthesis: return "')'";
  case token_kind::left_bracket: return "'['";
  case token_kind::right_bracket: return "']'";
  case token_kind::semicolon: return "';'";
  case token_kind::comma: return "','";
  case token_kind::colon: return "':'";
  case token_kind::slash: return "'/'";
  case token_kind::dot: return "'.'";
  case token_kind::minus: return "'-'";
  case token_kind::assign: return "'='";
  case token_kind::equal: return "'=='";
  case token_kind::match: return "'=~'";
  case token_kind::not_equal: return "'!='";
  case token_kind::not_match: return "'!~'";
  case token_kind::logical_not: return "'!'";
  case token_kind::logical_and: return "'&&'";
  case token_kind::logical_or: return "'||'";
  }
  return "";
}

std::string describe(const token& found) {
  switch (found.kind) {
  case token_kind::name:
  case token_kind::host:
  case token_kind::address:
  case token_kind::variable: return fmt::format("'{}'", found.text);
  case token_kind::number: return fmt::format("number {}", found.text);
  default: return std::string(describe(found.kind));
  }
}

} // namespace tandem::script
