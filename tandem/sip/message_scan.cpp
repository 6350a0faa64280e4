// SPDX-License-Identifier: Apache-2.0
// The one pass over received bytes: start line, index of the header lines, body (RFC 3261 7).
// It takes what can be understood and keeps the first fault; whether to refuse is validate()'s.
#include <tandem/sip/lexical.hpp>
#include <tandem/sip/line_break.hpp>
#include <tandem/sip/message.hpp>

#include <tandem/base/text.hpp>

#include <algorithm>
#include <array>

namespace tandem::sip {

class message_scanner {
 public:
  message_scanner(block_ref block, std::size_t size) noexcept
      : block_{std::move(block)}, first_{block_.data()}, p_{first_}, end_{first_ + size} {}

  result<message, parse_error> scan() {
    // RFC 3261 7.5: empty lines before the start line are ignored.
    while (p_ != end_ && (*p_ == '\r' || *p_ == '\n')) ++p_;
    if (p_ == end_) return parse_failure(parse_errc::empty, 0);
    const auto start = scan_start_line();
    if (!start) return tl::unexpected<parse_error>(start.error());
    scan_headers();
    find_body();
    return finish();
  }

 private:
  struct line_end {
    char* end;  ///< of the text
    char* next; ///< behind the line break
  };

  std::uint16_t offset(const char* p) const noexcept {
    return static_cast<std::uint16_t>(p - first_);
  }

  void note(parse_errc code, const char* p) noexcept {
    if (at_.defect.code == parse_errc{}) at_.defect = {code, offset(p)};
  }

  /// The end of [begin, end) without the blanks before it.
  static char* trim_back(char* begin, char* end) noexcept {
    while (end != begin && static_cast<unsigned char>(end[-1]) <= ' ' && is_blank(end[-1])) --end;
    return end;
  }

  /// The end of the line that begins at `begin`, at `from` or behind it.
  line_end find_line_end(const char* begin, char* from) noexcept {
    if (end_ - from >= 2 && from[0] == '\r' && from[1] == '\n') return {from, from + 2};
    for (;;) {
      // find_break does not write, but what it finds may be overwritten here.
      char* const found = from + (find_break(from, end_) - from);
      if (found == end_) {
        note(parse_errc::incomplete, found);
        return {found, found};
      }
      if (*found == '\r' && found + 1 != end_ && found[1] == '\n') return {found, found + 2};
      if (*found == '\n') {
        note(parse_errc::bare_lf, found);
        return {found, found + 1};
      }
      if (*found == '\0' && is_escaped(begin, found)) {
        from = found + 1;
        continue;
      }
      note(*found == '\r' ? parse_errc::bare_cr : parse_errc::nul_byte, found);
      from = found + 1;
    }
  }

  result<void, parse_error> scan_start_line() {
    char* const begin = p_;
    auto [end, next] = find_line_end(begin, begin);
    p_ = next;
    at_.headers_begin = offset(next);
    if (end != begin && is_blank(end[-1])) {
      note(parse_errc::bad_start_line, end - 1);
      while (end != begin && is_blank(end[-1])) --end;
    }
    at_.start = {offset(begin), offset(end)};
    const std::string_view line{begin, static_cast<std::size_t>(end - begin)};
    if (iequals(line.substr(0, 4), "SIP/")) return scan_status_line(line);
    return scan_request_line(line);
  }

  /// Status-Line = SIP-Version SP Status-Code SP Reason-Phrase CRLF. A bad one makes the whole
  /// response worthless (RFC 3261 8.1.3, RFC 4475 3.1.2.19).
  result<void, parse_error> scan_status_line(std::string_view line) {
    const auto begin = at_.start.begin;
    if (!iequals(line.substr(0, 7), "SIP/2.0"))
      return parse_failure(parse_errc::bad_version, begin);
    const auto code = line.substr(7);
    if (code.size() < 4 || code[0] != ' ' || (code.size() > 4 && code[4] != ' '))
      return parse_failure(parse_errc::bad_status_code, begin + 7u);
    const auto status = parse_number<std::uint16_t>(code.substr(1, 3));
    if (!status || *status < 100 || *status > 699)
      return parse_failure(parse_errc::bad_status_code, begin + 8u);
    at_.status = *status;
    at_.method_end = static_cast<std::uint16_t>(begin + 7);
    const auto reason = static_cast<std::uint16_t>(begin + (line.size() > 12 ? 12 : line.size()));
    at_.target = {reason, at_.start.end};
    // RFC 4475 3.1.1.13: an empty phrase keeps the blank before it, which is no fault.
    if (at_.defect.code == parse_errc::bad_start_line) at_.defect = {parse_errc{}, 0};
    return {};
  }

  /// Request-Line = Method SP Request-URI SP SIP-Version CRLF
  result<void, parse_error> scan_request_line(std::string_view line) {
    const auto begin = at_.start.begin;
    const auto first = line.find(' ');
    const auto last = line.rfind(' ');
    if (first == last) return parse_failure(parse_errc::bad_start_line, begin);
    const auto version = line.substr(last + 1);
    const bool is_usual = version == "SIP/2.0";
    if (!is_usual && !iequals(version.substr(0, 4), "SIP/"))
      return parse_failure(parse_errc::bad_start_line, begin + last);
    const auto method = line.substr(0, first);
    if (!is_token(method)) note(parse_errc::bad_method, line.data());
    at_.method = find_method(method);
    at_.method_end = static_cast<std::uint16_t>(begin + first);
    auto uri = line.substr(first + 1, last - first - 1);
    // RFC 4475 3.1.2.7 to 3.1.2.9: blanks or brackets around or in the Request-URI.
    const char* const uri_end = uri.data() + uri.size();
    if (uri.empty() || find_byte<' ', '\t', '<', '>', '"'>(uri.data(), uri_end) != uri_end)
      note(parse_errc::bad_start_line, uri.data());
    uri = trim(uri);
    at_.target = {offset(uri.data()), offset(uri.data() + uri.size())};
    if (!is_usual && !iequals(version, "SIP/2.0")) note(parse_errc::bad_version, version.data());
    return {};
  }

  void scan_headers() noexcept {
    while (p_ != end_ && *p_ != '\n' && !(*p_ == '\r' && p_ + 1 != end_ && p_[1] == '\n'))
      scan_header_line();
    at_.headers_end = offset(p_);
    if (p_ == end_) return note(parse_errc::incomplete, p_);
    if (*p_ == '\n') note(parse_errc::bare_lf, p_);
    p_ += *p_ == '\n' ? 1 : 2;
  }

  /// message-header = field-name HCOLON field-value CRLF, HCOLON = *( SP / HTAB ) ":" SWS
  [[gnu::always_inline]] inline void scan_header_line() noexcept {
    char* const begin = p_;
    auto [colon, stop] = find_marks(begin, end_);
    if (!colon) colon = find_break<':'>(begin, end_); // a tab before it, or none at all
    char* p = begin + (colon - begin);
    char* const name_end = trim_back(begin, p);
    const std::string_view name{begin, static_cast<std::size_t>(name_end - begin)};
    const header_id id = find_header_in_line(name); // which a name in headers.def proves a token
    if (p == end_ || *p != ':' || (id == header_id::unknown && !is_token(name))) {
      note(p != end_ && *p == ':' ? parse_errc::bad_header_name : parse_errc::missing_colon, begin);
      p_ = find_line_end(begin, p).next;
      return;
    }
    ++p;
    auto [end, next] = find_line_end(begin, std::max(p, begin + (stop - begin)));
    while (next != end_ && is_blank(*next)) {
      // RFC 3261 7.3.1: a fold means one blank. Written as blanks now, it cannot be read in
      // another way by whom the message is sent on to.
      for (; end != next; ++end) *end = ' ';
      const auto continued = find_line_end(begin, next);
      end = continued.end;
      next = continued.next;
    }
    p_ = next;
    if (p != end && *p == ' ') ++p; // there is mostly one, and no other byte up to ' '
    while (p != end && static_cast<unsigned char>(*p) <= ' ' && is_blank(*p)) ++p;
    end = trim_back(p, end);

    if (count_ == lines_.size()) {
      note(parse_errc::too_many_headers, begin);
      return;
    }
    message::line& l = lines_[count_++];
    l.begin = offset(begin);
    l.value = offset(p);
    l.end = offset(end);
    l.id = static_cast<std::uint8_t>(id);
    l.name_size = std::min<std::size_t>(name.size(), message::long_name) & 127u;
    l.is_edit = 0;
    if (id == header_id::content_length)
      read_content_length({p, static_cast<std::size_t>(end - p)});
  }

  void read_content_length(std::string_view value) noexcept {
    const auto length = parse_number<std::uint32_t>(value);
    if (!length) return note(parse_errc::bad_content_length, value.data());
    // Twice is refused even where both agree: another parser may see only one of them.
    if (has_length_) note(parse_errc::conflicting_length, value.data());
    if (!has_length_ || *length < length_) length_ = *length;
    has_length_ = true;
  }

  void find_body() noexcept {
    const auto left = static_cast<std::size_t>(end_ - p_);
    at_.body_begin = offset(p_);
    at_.body_size = static_cast<std::uint32_t>(left);
    if (!has_length_) return;
    if (length_ > left)
      note(parse_errc::body_too_short, end_);
    else
      at_.body_size = length_; // RFC 3261 18.3: what a datagram holds beyond it is discarded
  }

  result<message, parse_error> finish() {
    const auto size = static_cast<std::size_t>(end_ - first_);
    const std::size_t index = message::index_size(count_) + sizeof(message::line); // for rounding
    at_.lines = static_cast<std::uint16_t>(count_);
    at_.size = static_cast<std::uint16_t>(size);
    result<message, parse_error> made{message{}};
    message& msg = *made;
    // The index goes behind the bytes when there is room, so that a small message is one block.
    if (block_.is_unique() && block_.capacity() >= size + index) {
      at_.index_end = hang_index(block_);
    } else {
      msg.edits_ = block_ref::make(index);
      at_.index_end = hang_index(msg.edits_);
      at_.index_is_edit = true;
    }
    msg.base_ = std::move(block_);
    msg.at_ = at_;
    return made;
  }

  const message::line* hang_index(const block_ref& block) noexcept {
    message::line* const end = message::end_of_index(block.data(), block.capacity());
    for (std::size_t i = 0; i < count_; ++i) end[-1 - static_cast<std::ptrdiff_t>(i)] = lines_[i];
    return end;
  }

  block_ref block_;
  char* first_;
  char* p_;
  char* end_;
  message::places at_;
  std::size_t count_ = 0;
  std::uint32_t length_ = 0;
  bool has_length_ = false;
  std::array<message::line, max_header_lines> lines_; // not initialised: written before it is read
};

result<message, parse_error> message::parse(block_ref block, std::size_t size) {
  if (size > max_message_size) return parse_failure(parse_errc::too_large, max_message_size);
  if (!block || size == 0) return parse_failure(parse_errc::empty, 0);
  return message_scanner{std::move(block), size}.scan();
}

result<message, parse_error> message::parse(std::string_view text) {
  if (text.size() > max_message_size) return parse_failure(parse_errc::too_large, max_message_size);
  return parse(block_ref::copy_of(text), text.size());
}

} // namespace tandem::sip
