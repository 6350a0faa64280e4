// SPDX-License-Identifier: Apache-2.0
// Cuts a terminal's bytes into lines: CR, LF or both, empty lines skipped, NUL, telnet commands and
// other dirt before a message taken out. Sans-I/O, one thread.
#pragma once

#include <tandem/sip2/protocol/wire_format.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace tandem::sip2 {

/// How the connection began.
enum class line_discipline : std::uint8_t {
  raw,    ///< telnet commands are taken out before a message only: FF is a letter in some sets
  telnet, ///< telnet commands are taken out everywhere, FF FF is FF (RFC 854)
};

class line_framer {
 public:
  /// The longest line; a peer that sends more without an end is no terminal.
  static constexpr std::size_t longest = 65536;

  explicit line_framer(line_discipline discipline = line_discipline::raw) noexcept
      : discipline_{discipline} {}

  /// Takes bytes in.
  void append(std::string_view bytes);

  /// The next whole line without its end, from its first printable byte on; nothing when there is
  /// none yet. Valid until the next call of append or next.
  [[nodiscard]] std::optional<std::string_view> next(accepted_end ends);

  /// A line longer than `longest` stands in the buffer: close.
  [[nodiscard]] bool is_overflowing() const noexcept;

  /// Bytes that wait, for back-pressure.
  [[nodiscard]] std::size_t buffered() const noexcept { return buffer_.size() - begin_; }

 private:
  void append_telnet(std::string_view bytes);

  enum class telnet_state : std::uint8_t { text, command, option, sub, sub_command };

  std::string buffer_;
  std::size_t begin_ = 0;   ///< of what next() has not given out
  std::size_t scanned_ = 0; ///< no line end in [begin_, scanned_)
  std::string cleaned_;     ///< the last line, when bytes were taken out of it
  line_discipline discipline_;
  telnet_state telnet_ = telnet_state::text;
};

} // namespace tandem::sip2
