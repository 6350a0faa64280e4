// SPDX-License-Identifier: Apache-2.0
// The one pass over received bytes: start line, index of the header lines, body (RFC 3261 7).
// It takes what can be understood and keeps the first fault; whether to refuse is validate()'s.
#include <tandem/sip/header_table.hpp>
#include <tandem/sip/lexical.hpp>
#include <tandem/sip/line_break.hpp>
#include <tandem/sip/line_writer.hpp>
#include <tandem/sip/message.hpp>

#include <tandem/base/text.hpp>

#include <algorithm>
#include <array>
#include <cstring>

namespace tandem::sip {

class message_scanner {
 public:
  message_scanner(block_ref block, std::size_t size) noexcept
      : block_{std::move(block)}, first_{block_.data()}, p_{first_}, end_{first_ + size} {
    // The index goes behind the bytes while there is room, so that a small message is one block.
    if (block_.is_unique() && block_.capacity() >= size + index_size(1) + sizeof(index_line)) {
      top_ = end_of_index(block_.data(), block_.capacity());
      next_ = top_;
      const auto room = static_cast<std::size_t>(reinterpret_cast<char*>(top_) - end_);
      lowest_ = top_ - std::min(room / sizeof(index_line), max_header_lines);
      is_behind_bytes_ = true;
    }
  }

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

  /// The end of [begin, end) without the blanks before it; there is a byte before `begin`.
  static const char* trim_back(const char* begin, const char* end) noexcept {
    while (static_cast<unsigned char>(end[-1]) <= ' ' && end != begin && is_blank(end[-1])) --end;
    return end;
  }

  /// The end of the line that begins at `begin`, whose first break stands at `found`.
  line_end end_of_line(const char* begin, const char* found) noexcept {
    for (;; found = find_break(found + 1, end_)) {
      // The finder does not write, but the lines it finds may be overwritten here.
      char* const end = first_ + (found - first_);
      if (end_ - end >= 2 && end[0] == '\r' && end[1] == '\n') return {end, end + 2};
      if (end == end_) {
        note(parse_errc::incomplete, end);
        return {end, end};
      }
      if (*end == '\n') {
        note(parse_errc::bare_lf, end);
        return {end, end + 1};
      }
      if (*end == '\0' && is_escaped(begin, end)) continue;
      note(*end == '\r' ? parse_errc::bare_cr : parse_errc::nul_byte, end);
    }
  }

  result<void, parse_error> scan_start_line() {
    char* const begin = p_;
    auto [end, next] = end_of_line(begin, find_break(begin, end_));
    p_ = next;
    at_.headers_begin = offset(next);
    if (end != begin && is_blank(end[-1])) {
      note(parse_errc::bad_start_line, end - 1);
      while (end != begin && is_blank(end[-1])) --end;
    }
    at_.start = {offset(begin), offset(end)};
    const std::string_view line{begin, static_cast<std::size_t>(end - begin)};
    const bool is_status_line = line.starts_with("SIP/2.0 ") || iequals(line.substr(0, 4), "SIP/");
    return is_status_line ? scan_status_line(line) : scan_request_line(line);
  }

  /// Status-Line = SIP-Version SP Status-Code SP Reason-Phrase CRLF. A bad one makes the whole
  /// response worthless (RFC 3261 8.1.3, RFC 4475 3.1.2.19).
  result<void, parse_error> scan_status_line(std::string_view line) {
    const auto begin = at_.start.begin;
    if (!line.starts_with("SIP/2.0") && !spell_version(line.substr(0, 7)))
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
    const char* const stop = line.data() + line.size();
    const auto first = static_cast<std::size_t>(find_byte<' '>(line.data(), stop) - line.data());
    if (first == line.size()) return parse_failure(parse_errc::bad_start_line, begin);
    const bool is_usual = line.ends_with(" SIP/2.0");
    const auto last = is_usual ? line.size() - 8 : line.rfind(' ');
    if (first == last) return parse_failure(parse_errc::bad_start_line, begin);
    const auto version = line.substr(last + 1);
    if (!is_usual && !iequals(version.substr(0, 4), "SIP/"))
      return parse_failure(parse_errc::bad_start_line, begin + last);
    const auto method = line.substr(0, first);
    at_.method = find_method(method);
    if (at_.method == method::unknown && !is_token(method))
      note(parse_errc::bad_method, line.data());
    at_.method_end = static_cast<std::uint16_t>(begin + first);
    auto uri = line.substr(first + 1, last - first - 1);
    // RFC 4475 3.1.2.7 to 3.1.2.9: blanks or brackets around or in the Request-URI. (The search
    // may run into the blank that ends it.)
    if (uri.empty() ||
        find_byte<' ', '\t', '<', '>', '"'>(uri.data(), stop) != line.data() + last) {
      note(parse_errc::bad_start_line, uri.data());
      uri = trim(uri);
    }
    at_.target = {offset(uri.data()), offset(uri.data() + uri.size())};
    if (!is_usual && !spell_version(version)) note(parse_errc::bad_version, version.data());
    return {};
  }

  /// RFC 3261 7.1: SIP-Version is read in any case and sent in upper case. Written so at once, as a
  /// fold is, it goes on so whoever writes the message. \return it is version 2.0.
  bool spell_version(std::string_view version) noexcept {
    constexpr std::string_view ours = "SIP/2.0";
    if (!iequals(version, ours)) return false;
    std::memcpy(first_ + (version.data() - first_), ours.data(), ours.size());
    return true;
  }

  bool is_blank_line(const char* p) const noexcept {
    return *p == '\n' || (*p == '\r' && p + 1 != end_ && p[1] == '\n');
  }

  void scan_headers() noexcept {
    scan_header_lines();
    at_.headers_end = offset(p_);
    if (p_ == end_) return note(parse_errc::incomplete, p_);
    if (*p_ == '\n') note(parse_errc::bare_lf, p_);
    p_ += *p_ == '\n' ? 1 : 2;
  }

  void scan_header_lines() noexcept {
    // Two blocks where a line begins and one where it ends may be looked at: bytes of the index
    // too.
    const auto readable = static_cast<std::ptrdiff_t>(block_.capacity() - 2 * byte_block::size);
    const char* const usual_end = first_ + std::min(end_ - first_ - 1, readable);
    while (p_ != end_)
      if (p_ >= usual_end || next_ == lowest_ || !scan_usual_line(usual_end)) [[unlikely]] {
        if (is_blank_line(p_)) break;
        scan_odd_line();
      }
  }

  // message-header = field-name HCOLON field-value CRLF, HCOLON = *( SP / HTAB ) ":" SWS

  /// A line as nearly all are; moves nothing when scan_odd_line() must look at it.
  [[gnu::always_inline]] bool scan_usual_line(const char* usual_end) noexcept {
    const char* const begin = p_;
    const byte_block bytes{begin};
    const char* colon = begin;
    auto colons = bytes.equal_to(':');
    if (colons == 0) [[unlikely]] {
      colon += byte_block::size;
      colons = byte_block{colon}.equal_to(':');
      if (colons == 0) return false;
    }
    colon += std::countr_zero(colons);
    const std::string_view name{begin, static_cast<std::size_t>(colon - begin)};
    const header_id id = detail::find_header_in_line(name, bytes); // what it knows is a token
    if (id == header_id::unknown && !is_token(name)) return false;
    const char* const end = find_mark(colon + 1, usual_end);
    if (end >= usual_end || !ends_usually(end)) return false;
    const char* value = colon + 1;
    value += *value == ' '; // there is mostly one
    while (static_cast<unsigned char>(*value) <= ' ' && is_blank(*value)) ++value;
    write_line(id, begin, name.size(), value, trim_back(value, end));
    p_ += end + 2 - begin;
    return true;
  }

  /// The first byte up to CR, or any place from `limit` on.
  static const char* find_mark(const char* from, const char* limit) noexcept {
    for (; from < limit; from += byte_block::size)
      if (const auto marks = byte_block{from}.up_to('\r')) return from + std::countr_zero(marks);
    return from;
  }

  /// CRLF, and the next line does not go on with this one.
  static bool ends_usually(const char* end) noexcept {
    if (std::memcmp(end, "\r\n", 2) != 0) return false;
    return static_cast<unsigned char>(end[2]) > ' ' || !is_blank(end[2]);
  }

  /// A line that is folded, or has blanks before the colon, or is wrong in some way, or the last.
  [[gnu::noinline]] void scan_odd_line() noexcept {
    char* const begin = p_;
    const char* const found = find_break(begin, end_);
    const char* const colon = find_byte<':'>(begin, found);
    const std::string_view name{begin, static_cast<std::size_t>(trim_back(begin, colon) - begin)};
    const header_id id = find_header(name);
    if (colon == found || (id == header_id::unknown && !is_token(name))) {
      note(colon == found ? parse_errc::missing_colon : parse_errc::bad_header_name, begin);
      p_ = end_of_line(begin, found).next;
      return;
    }
    auto [end, next] = end_of_line(begin, found);
    while (next != end_ && is_blank(*next)) {
      // RFC 3261 7.3.1: a fold means one blank. Written as blanks now, it cannot be read in
      // another way by whom the message is sent on to.
      for (; end != next; ++end) *end = ' ';
      const auto continued = end_of_line(begin, find_break(next, end_));
      end = continued.end;
      next = continued.next;
    }
    p_ = next;
    if (next_ == lowest_ && !make_room()) return note(parse_errc::too_many_headers, begin);
    const char* value = colon + 1;
    while (value != end && is_blank(*value)) ++value;
    const std::size_t name_size = std::min<std::size_t>(name.size(), index_line::long_name);
    write_line(id, begin, name_size, value, trim_back(value, end));
  }

  void write_line(header_id id, const char* begin, std::size_t name_size, const char* value,
                  const char* end) noexcept {
    index_line& to = *--next_;
    to.begin = offset(begin);
    to.value = offset(value);
    to.end = offset(end);
    to.id = id;
    to.name_size = name_size & index_line::long_name;
    to.is_edit = 0;
    names_.add(id);
    if (id == header_id::content_length)
      read_content_length({value, static_cast<std::size_t>(end - value)});
  }

  /// The index goes on in a place that has room for all lines there may be.
  bool make_room() noexcept {
    const std::size_t used = count();
    if (used == max_header_lines) return false;
    index_line* const end = lines_.data() + lines_.size();
    if (used != 0) std::memcpy(end - used, next_, used * sizeof(index_line));
    top_ = end;
    next_ = end - used;
    lowest_ = lines_.data();
    is_behind_bytes_ = false;
    return true;
  }
  std::size_t count() const noexcept { return static_cast<std::size_t>(top_ - next_); }

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
    const std::size_t lines = count();
    at_.lines = static_cast<std::uint16_t>(lines);
    at_.size = static_cast<std::uint16_t>(size);
    result<message, parse_error> made{message{}};
    message& msg = *made;
    if (!is_behind_bytes_) {
      msg.edits_ = block_ref::make(index_size(lines) + sizeof(index_line)); // for rounding
      top_ = end_of_index(msg.edits_.data(), msg.edits_.capacity());
      if (lines != 0) std::memcpy(top_ - lines, next_, lines * sizeof(index_line));
      at_.index_is_edit = true;
    }
    at_.index_end = top_;
    msg.base_ = std::move(block_);
    msg.at_ = at_;
    msg.known().names = names_;
    return made;
  }

  block_ref block_;
  char* first_;
  char* p_;
  char* end_;
  message_places at_;
  // The index grows down, from `top_` to `next_`, which may become `lowest_`.
  index_line* top_ = nullptr;
  index_line* next_ = nullptr;
  index_line* lowest_ = nullptr;
  bool is_behind_bytes_ = false; ///< it stands in block_
  line_names names_;
  std::uint32_t length_ = 0;
  bool has_length_ = false;
  std::array<index_line, max_header_lines> lines_; // not initialised: written before it is read
};

result<message, parse_error> message::parse(block_ref block, std::size_t size) {
  if (size > max_message_size) return parse_failure(parse_errc::too_large, max_message_size);
  if (!block || size == 0) return parse_failure(parse_errc::empty, 0);
  return message_scanner{std::move(block), size}.scan();
}

result<message, parse_error> message::parse(std::string_view text) {
  if (text.size() > max_message_size) return parse_failure(parse_errc::too_large, max_message_size);
  block_ref block = block_ref::make(text.size() + room_for_index(text.size()));
  put_bytes(block.data(), text);
  return parse(std::move(block), text.size());
}

} // namespace tandem::sip
