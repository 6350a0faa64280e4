// SPDX-License-Identifier: Apache-2.0
// Cuts a stream (TCP, TLS) into messages by their Content-Length (RFC 3261 18.3) and recognises
// CRLF keep-alives (RFC 5626 3.5.1). Sans-I/O, one thread; what it keeps is bounded.
#pragma once

#include <tandem/base/block.hpp>
#include <tandem/sip/message.hpp>
#include <tandem/sip/parse_error.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tandem::sip {

/// What a framer found.
enum class frame_kind : std::uint8_t {
  need_more, ///< nothing whole yet: read more
  message,   ///< block and size go to message::parse
  pong,      ///< one CRLF between messages: the answer to a ping of ours (RFC 5626 3.5.1)
  ping,      ///< a second CRLF behind it: a pong (one CRLF) is owed; both at once are one ping
  failed,    ///< the stream has lost its frames: answer what can be answered, then close it
};

struct frame {
  frame_kind kind = frame_kind::need_more;
  block_ref block{};      ///< the message; with `failed` its headers, as far as they came
  std::uint32_t size = 0; ///< bytes of it
  parse_errc error{};     ///< of `failed`; status_owed() names the answer
};

/// One stream's input. Feed it what was read, then take frames until it needs more:
///
///   framer.feed(bytes);
///   for (auto f = framer.next(); f.kind != frame_kind::need_more; f = framer.next()) ...
///
/// What could be read in two ways ends the stream: a CR or LF alone, a NUL, a Content-Length that
/// is missing, repeated or no number that fits (a message behind it may be an attacker's).
class framer {
 public:
  /// Appends bytes of the stream; they are copied. After a failed frame they are dropped.
  void feed(std::string_view bytes);

  /// The next frame. After `failed` it needs more for ever.
  [[nodiscard]] frame next();

  /// Part of a message is waiting for the rest of it: the half-message deadline runs.
  [[nodiscard]] bool is_inside_message() const noexcept { return begin_ != end_; }
  /// Bytes kept: none between messages, at most a message and what was fed at once.
  [[nodiscard]] std::size_t buffered() const noexcept { return end_ - begin_; }

 private:
  /// Progress inside the message that begins at begin_; offsets count from there.
  struct progress {
    std::size_t line = 0;         ///< where the line being read begins
    std::size_t scanned = 0;      ///< no line break before it
    std::size_t headers = 0;      ///< size of the headers with the blank line, once they are whole
    std::size_t length = 0;       ///< Content-Length
    std::size_t length_begin = 0; ///< of its value while its line may still go on
    std::size_t length_end = 0;   ///< 0: no value waits
    bool is_started = false;      ///< the start line is behind
    bool has_length = false;
  };

  [[nodiscard]] const char* at(std::size_t offset) const noexcept {
    return buffer_.data() + begin_ + offset;
  }
  [[nodiscard]] frame skip_blank_lines();
  [[nodiscard]] parse_errc scan_headers() noexcept;
  [[nodiscard]] parse_errc end_line(std::size_t end) noexcept;
  [[nodiscard]] parse_errc take_length() noexcept;
  [[nodiscard]] frame cut(frame_kind kind, std::size_t size);
  [[nodiscard]] frame give_up(parse_errc error);
  void release_if_empty() noexcept;

  block_ref buffer_;
  std::size_t begin_ = 0; ///< of what was not taken yet
  std::size_t end_ = 0;   ///< of what was fed
  progress seen_;
  bool follows_crlf_ = false; ///< the last frame was a pong, nothing came behind it yet
  bool is_failed_ = false;
};

} // namespace tandem::sip
