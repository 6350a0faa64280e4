// SPDX-License-Identifier: Apache-2.0
// Header lines for a message that is still to be made: checked when they are added, and then never
// taken apart again. Keeps its memory when it is cleared. One thread at a time.
#pragma once

#include <tandem/base/result.hpp>
#include <tandem/sip/edit_errc.hpp>
#include <tandem/sip/header_name.hpp>

#include <initializer_list>
#include <string>
#include <string_view>

namespace tandem::sip {

class header_lines {
 public:
  /// Appends a line. Fails with bad_name, unsafe_text, or too_large beyond 65,535 bytes in all;
  /// then nothing was appended.
  [[nodiscard]] result<void, edit_errc> add(header_name name, std::string_view value) {
    return add(name, {value});
  }
  /// The same of a value in pieces, one after the other.
  [[nodiscard]] result<void, edit_errc> add(header_name name,
                                            std::initializer_list<std::string_view> value);
  /// Not {first, last}: that would be two texts, of which the second has no end.
  void add(header_name name, std::initializer_list<const char*> value) = delete;

  /// Appends lines that were checked before.
  [[nodiscard]] result<void, edit_errc> add(const header_lines& lines);

  /// The lines, each with its CRLF; a view until the next change.
  [[nodiscard]] std::string_view text() const noexcept { return text_; }
  [[nodiscard]] bool empty() const noexcept { return text_.empty(); }
  void clear() noexcept { text_.clear(); }

 private:
  std::string text_;
};

} // namespace tandem::sip
