// SPDX-License-Identifier: Apache-2.0
// What a text between quotes means (RFC 3261 25.1), without a copy where it stands so. Any thread.
#pragma once

#include <string>
#include <string_view>

namespace tandem::sip {

/// Allocates only when there is a backslash or a line break. A view of the text, which outlives it,
/// or an own one.
class plain_text {
 public:
  plain_text() noexcept = default;
  explicit plain_text(std::string_view between_quotes);
  [[nodiscard]] std::string_view view() const noexcept { return is_own_ ? own_ : text_; }

 private:
  std::string_view text_;
  std::string own_;
  bool is_own_ = false;
};

} // namespace tandem::sip
