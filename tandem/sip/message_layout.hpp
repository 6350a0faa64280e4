// SPDX-License-Identifier: Apache-2.0
// Where the parts of a message stand: what scanner and builder lay out, the message reads and its
// editor changes. Plain values, any thread.
//
//   received   | bytes as they came |  ...  | line n-1 ... line 1, line 0 | essentials |
//   edits      | text of the edits  |  ...  | line n-1 ... line 1, line 0 | essentials |
//                                                                         ^ index_end
//
// One of the two blocks holds the index: the received one while it has room and no header line was
// edited, then that of the edits. A replaced body has a block of its own.
#pragma once

#include <tandem/sip/essentials.hpp>
#include <tandem/sip/header_id.hpp>
#include <tandem/sip/method.hpp>
#include <tandem/sip/parse_error.hpp>

#include <cstddef>
#include <cstdint>
#include <new>

namespace tandem::sip {

inline constexpr std::size_t max_message_size = 65'535;
inline constexpr std::size_t max_header_lines = 200;

/// A header line, as offsets into the received bytes, or into the text of the edits.
struct index_line {
  std::uint16_t begin;
  std::uint16_t value;
  std::uint16_t end; ///< of the value, without blanks
  header_id id;
  std::uint8_t name_size : 7; ///< long_name: look for its end
  std::uint8_t is_edit : 1;

  static constexpr unsigned long_name = 127;
  void set_name_size(std::size_t size) noexcept {
    name_size = (size < long_name ? size : long_name) & long_name;
  }
};
static_assert(sizeof(index_line) == 8);

/// Bytes of an index of so many lines.
[[nodiscard]] constexpr std::size_t index_size(std::size_t lines) noexcept {
  return sizeof(essentials) + lines * sizeof(index_line);
}

/// The end of an index in the last bytes of a block, of which nothing is known yet.
[[nodiscard]] inline index_line* end_of_index(char* block, std::size_t capacity) noexcept {
  char* const head =
      block + (capacity - sizeof(essentials)) / sizeof(index_line) * sizeof(index_line);
  new (head) essentials;
  return reinterpret_cast<index_line*>(head);
}

/// Where everything is. What is known of the lines stands at `index_end`, line 0 right below it.
struct message_places {
  const index_line* index_end = nullptr;
  parse_error defect{parse_errc{}, 0};
  std::uint32_t body_size = 0;
  std::uint16_t lines = 0;
  std::uint16_t text_used = 0; ///< of the edits
  std::uint16_t status = 0;
  std::uint16_t size = 0; ///< of the received bytes
  text_place start;       ///< the start line without its line break
  text_place target;      ///< Request-URI or reason phrase
  std::uint16_t method_end = 0;
  std::uint16_t headers_begin = 0;
  std::uint16_t headers_end = 0; ///< where the blank line is
  std::uint16_t body_begin = 0;
  sip::method method = sip::method::unknown;
  bool start_is_edit = false;
  bool target_is_edit = false;
  bool body_is_edit = false;
  bool index_is_edit = false; ///< the index is in the block of the edits
};

} // namespace tandem::sip
