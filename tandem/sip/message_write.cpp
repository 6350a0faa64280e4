// SPDX-License-Identifier: Apache-2.0
// Writing a message: neighbours among the received bytes go out as one piece, edits between them.
#include <tandem/sip/message.hpp>

#include <tandem/base/text.hpp>

#include <algorithm>
#include <array>
#include <cstring>

namespace tandem::sip {
namespace {

constexpr std::string_view crlf = "\r\n";

bool is_crlf(const char* p, const char* end) noexcept {
  return end - p >= 2 && std::memcmp(p, crlf.data(), 2) == 0;
}

} // namespace

template <typename F>
void message::for_each_piece(F&& f) const {
  if (!base_) return;
  const char* from = nullptr;
  const char* to = nullptr;
  const auto put = [&](const char* begin, const char* end) {
    if (begin == to) {
      to = end;
      return;
    }
    if (from != to) f(std::string_view{from, static_cast<std::size_t>(to - from)});
    from = begin;
    to = end;
  };
  const auto put_crlf = [&] { put(crlf.data(), crlf.data() + crlf.size()); };

  const char* const base = base_.data();
  const char* const base_end = base + at_.size;
  const char* const edits = edits_ ? edits_.data() : nullptr;
  const char* const edits_end = edits + at_.text_used;

  // What ends a line is written as it stands if it is CRLF, blanks before it and all.
  const auto put_line = [&](const char* begin, const char* end, const char* limit) {
    if (is_crlf(end, limit)) return put(begin, end + 2); // as it mostly is
    const char* next = end;
    while (next != limit && is_blank(*next)) ++next;
    if (is_crlf(next, limit)) {
      put(begin, next + 2);
    } else {
      put(begin, end);
      put_crlf();
    }
  };

  const char* const start = origin(at_.start_is_edit);
  const char* const start_end = at_.start_is_edit ? edits_end : base_end;
  if (at_.target_is_edit && !at_.start_is_edit) {
    put(start + at_.start.begin, start + at_.method_end + 1);
    put(edits + at_.target.begin, edits + at_.target.end);
    const std::string_view after = version();
    put(after.data() - 1, after.data());
    put_line(after.data(), after.data() + after.size(), start_end);
  } else {
    put_line(start + at_.start.begin, start + at_.start.end, start_end);
  }
  for (std::size_t i = 0; i < at_.lines; ++i) {
    const index_line& l = line_at(i);
    const char* const text = l.is_edit ? edits : base;
    put_line(text + l.begin, text + l.end, l.is_edit ? edits_end : base_end);
  }
  if (is_crlf(base + at_.headers_end, base_end))
    put(base + at_.headers_end, base + at_.headers_end + 2);
  else
    put_crlf();
  const auto bytes = body();
  if (!bytes.empty()) put(bytes.data(), bytes.data() + bytes.size());
  if (from != to) f(std::string_view{from, static_cast<std::size_t>(to - from)});
}

std::size_t message::wire_size() const noexcept {
  std::size_t size = 0;
  for_each_piece([&](std::string_view piece) { size += piece.size(); });
  return size;
}

std::pair<block_ref, std::uint32_t> message::to_block() const {
  // One walk where the edits are few: a proxy makes three or four.
  constexpr std::size_t usual = 24;
  std::array<std::string_view, usual> pieces;
  std::size_t count = 0;
  std::size_t size = 0;
  for_each_piece([&](std::string_view piece) {
    if (count < usual) pieces[count] = piece;
    ++count;
    size += piece.size();
  });
  block_ref block = block_ref::make(size);
  char* to = block.data();
  const auto copy = [&to](std::string_view piece) {
    std::memcpy(to, piece.data(), piece.size());
    to += piece.size();
  };
  if (count > usual)
    for_each_piece(copy);
  else
    std::for_each_n(pieces.begin(), count, copy);
  return {std::move(block), static_cast<std::uint32_t>(size)};
}

std::string message::to_string() const {
  std::string text;
  text.reserve(wire_size());
  for_each_piece([&](std::string_view piece) { text += piece; });
  return text;
}

} // namespace tandem::sip
