// SPDX-License-Identifier: Apache-2.0
// Cuts a stream (TCP, TLS) into messages by their Content-Length (RFC 3261 18.3) and recognises
// CRLF keep-alives (RFC 5626 3.5.1). Sans-I/O, one thread; what it keeps is bounded.
#pragma once

#include <tandem/base/block.hpp>
#include <tandem/base/result.hpp>
#include <tandem/sip/message.hpp>
#include <tandem/sip/parse_error.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tandem::sip {

/// What a framer found.
enum class frame_kind : std::uint8_t {
  need_more, ///< nothing whole yet: read more
  message,   ///< take block and size to message::parse
  ping,      ///< CRLF CRLF between messages: a pong (one CRLF) is owed (RFC 5626 3.5.1)
  pong,      ///< one CRLF between messages: the answer to our ping
  failed,    ///< the stream has lost its frames: answer what can be answered, then close it
};

struct frame {
  frame_kind kind = frame_kind::need_more;
  block_ref block{};      ///< message, or with `failed` the headers as far as they can be answered
  std::uint32_t size = 0; ///< bytes of it
  parse_errc error{};     ///< of `failed`
};

/// One stream's input. Feed it what was read, then take frames until it needs more:
///
///   framer.feed(bytes);
///   for (auto f = framer.next(); f.kind != frame_kind::need_more; f = framer.next()) ...
class framer {
 public:
  /// Appends bytes of the stream; they are copied. Not to be called after a failed frame.
  void feed(std::string_view bytes);

  /// The next frame. After `failed` it stays failed.
  [[nodiscard]] frame next();

  /// Part of a message is waiting for the rest of it (the half-message deadline runs).
  [[nodiscard]] bool is_inside_message() const noexcept { return begin_ != end_ || blanks_ != 0; }
  /// Bytes kept.
  [[nodiscard]] std::size_t buffered() const noexcept { return end_ - begin_; }

 private:
  frame cut(std::size_t size);
  frame give_up(parse_errc error, std::size_t size);
  void clear() noexcept;

  block_ref buffer_;
  std::size_t begin_ = 0;   ///< of what was not taken yet
  std::size_t end_ = 0;     ///< of what was fed
  std::size_t scanned_ = 0; ///< no blank line ends before it
  std::size_t whole_ = 0;   ///< size of the message once its headers are whole, else 0
  std::uint8_t blanks_ = 0; ///< bytes of CR LF CR LF seen between messages
  bool is_failed_ = false;
  parse_errc error_{};
};

} // namespace tandem::sip
