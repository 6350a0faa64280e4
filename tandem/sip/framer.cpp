// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/framer.hpp>

#include <tandem/base/text.hpp>
#include <tandem/sip/lexical.hpp>
#include <tandem/sip/line_break.hpp>
#include <tandem/sip/line_writer.hpp>

#include <algorithm>
#include <cstring>

namespace tandem::sip {

void framer::feed(std::string_view bytes) {
  if (bytes.empty() || is_failed_) return;
  const std::size_t kept = end_ - begin_;
  if (end_ + bytes.size() > buffer_.capacity()) {
    if (kept + bytes.size() <= buffer_.capacity()) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, kept);
    } else {
      const std::size_t size = kept + bytes.size() + kept / 2;
      block_ref larger = block_ref::make(size + message::room_for_index(size));
      if (kept != 0) std::memcpy(larger.data(), buffer_.data() + begin_, kept);
      buffer_ = std::move(larger);
    }
    begin_ = 0;
    end_ = kept;
  }
  put_bytes(buffer_.data() + end_, bytes);
  end_ += bytes.size();
}

frame framer::next() {
  if (is_failed_) return {};
  if (!seen_.is_started && seen_.scanned == 0) {
    frame blank = skip_blank_lines();
    if (blank.kind != frame_kind::need_more) return blank;
  }
  if (begin_ == end_) {
    release_if_empty();
    return {};
  }
  if (seen_.headers == 0) {
    if (const auto error = scan_headers(); error != parse_errc{}) return give_up(error);
    if (seen_.headers == 0) {
      if (end_ - begin_ > max_message_size) return give_up(parse_errc::too_large);
      return {};
    }
    // Nothing is kept for a body that is too large: the answer is known now (RFC 3261 21.5.7).
    if (seen_.length > max_message_size - std::min(seen_.headers, max_message_size) ||
        seen_.headers > max_message_size)
      return give_up(parse_errc::too_large);
  }
  const std::size_t whole = seen_.headers + seen_.length;
  if (end_ - begin_ < whole) return {};
  return cut(frame_kind::message, whole);
}

/// Between messages: CRLF and CRLF CRLF are keep-alives, wherever the reads cut them.
frame framer::skip_blank_lines() {
  while (begin_ != end_) {
    const char* const p = at(0);
    if (*p == '\n') { // RFC 3261 7.5 lets empty lines pass; a lone LF is one to some
      ++begin_;
      continue;
    }
    if (*p != '\r') {
      follows_crlf_ = false;
      return {};
    }
    if (end_ - begin_ < 2) return {}; // its LF may come
    if (p[1] != '\n') return give_up(parse_errc::bare_cr);
    begin_ += 2;
    const bool is_second = std::exchange(follows_crlf_, false);
    if (is_second) return {.kind = frame_kind::ping};
    if (end_ - begin_ >= 2 && std::string_view{at(0), 2} == "\r\n") {
      begin_ += 2;
      return {.kind = frame_kind::ping};
    }
    // Before a message it is but an empty line.
    if (begin_ != end_ && *at(0) != '\r') continue;
    follows_crlf_ = true;
    return {.kind = frame_kind::pong};
  }
  return {};
}

/// Goes on over header lines to the blank line. The parser reads the same lines: both end them at
/// CRLF alone.
parse_errc framer::scan_headers() noexcept {
  const char* const end = buffer_.data() + end_;
  while (begin_ + seen_.scanned < end_) {
    const char* const found = find_break(at(seen_.scanned), end);
    seen_.scanned = static_cast<std::size_t>(found - at(0));
    if (found == end) return {};
    if (*found == '\0') {
      if (!is_escaped(at(seen_.line), found)) return parse_errc::nul_byte;
      ++seen_.scanned;
      continue;
    }
    if (*found == '\n') return parse_errc::bare_lf;
    if (found + 1 == end) return {}; // its LF may come
    if (found[1] != '\n') return parse_errc::bare_cr;
    const std::size_t line_end = seen_.scanned;
    seen_.scanned += 2;
    if (const auto error = end_line(line_end); error != parse_errc{}) return error;
    if (seen_.headers != 0) return {};
  }
  return {};
}

/// The line from seen_.line to `end` is whole.
parse_errc framer::end_line(std::size_t end) noexcept {
  const std::size_t begin = std::exchange(seen_.line, end + 2);
  const std::string_view line{at(begin), end - begin};
  if (!seen_.is_started) {
    seen_.is_started = true;
    return {};
  }
  if (!line.empty() && is_blank(line.front())) { // a fold: the value goes on
    if (seen_.length_end != 0) seen_.length_end = end;
    return {};
  }
  if (const auto error = take_length(); error != parse_errc{}) return error;
  if (line.empty()) {
    if (!seen_.has_length) return parse_errc::missing_length;
    seen_.headers = end + 2;
    return {};
  }
  const char first = to_lower(line.front());
  if (first != 'c' && first != 'l') return {};
  cursor at_name{line};
  const auto name = at_name.take_token();
  // The other names with these letters are known by their length already.
  if (name.size() != 1 && name.size() != to_string(header_id::content_length).size()) return {};
  // RFC 3261 25.1 HCOLON: blanks before the colon are no other header.
  if (find_header(name) != header_id::content_length || !at_name.take_separator(':')) return {};
  seen_.length_begin = begin + at_name.offset();
  seen_.length_end = end;
  return {};
}

/// Reads the Content-Length whose line, folds and all, has ended.
parse_errc framer::take_length() noexcept {
  if (seen_.length_end == 0) return {};
  const std::string_view value{at(seen_.length_begin), seen_.length_end - seen_.length_begin};
  seen_.length_end = 0;
  const auto length = parse_number<std::uint32_t>(trim(value));
  if (!length) return parse_errc::bad_content_length;
  if (std::exchange(seen_.has_length, true)) return parse_errc::conflicting_length;
  seen_.length = *length;
  return {};
}

frame framer::cut(frame_kind kind, std::size_t size) {
  frame whole{.kind = kind, .size = static_cast<std::uint32_t>(size)};
  if (begin_ == 0 && end_ == size) { // read alone, it leaves in the block that it was read into
    whole.block = std::move(buffer_);
  } else {
    whole.block = block_ref::make(size + message::room_for_index(size));
    std::memcpy(whole.block.data(), at(0), size);
  }
  begin_ += size;
  seen_ = {};
  release_if_empty();
  return whole;
}

frame framer::give_up(parse_errc error) {
  is_failed_ = true;
  const std::size_t headers = seen_.headers != 0 ? seen_.headers : end_ - begin_;
  frame rest = cut(frame_kind::failed, std::min(headers, max_message_size));
  rest.error = error;
  begin_ = end_;
  release_if_empty();
  return rest;
}

/// An idle connection keeps no memory.
void framer::release_if_empty() noexcept {
  if (begin_ != end_) return;
  begin_ = end_ = 0;
  buffer_ = {};
}

} // namespace tandem::sip
