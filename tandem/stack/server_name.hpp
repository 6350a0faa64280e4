// SPDX-License-Identifier: Apache-2.0
// The name that a server must prove by its certificate (RFC 5922 7). A value that costs little to
// copy and may travel between threads: its text is shared and never changes.
#pragma once

#include <tandem/base/text.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace tandem::stack {

class server_name {
 public:
  /// No longer name is one (RFC 1035 2.3.4).
  static constexpr std::size_t longest = 255;

  /// None.
  server_name() noexcept = default;

  /// A host name or an address in text, in lower case from now on (RFC 4343 3); none when it is
  /// empty or longer than a name can be.
  explicit server_name(std::string_view text) {
    if (text.empty() || text.size() > longest) return;
    text_ = std::make_shared<const std::string>(to_lower_copy(text));
  }

  [[nodiscard]] explicit operator bool() const noexcept { return text_ != nullptr; }
  /// Valid as long as a copy of this lives.
  [[nodiscard]] std::string_view text() const noexcept {
    return text_ ? std::string_view{*text_} : std::string_view{};
  }

  friend bool operator==(const server_name& a, const server_name& b) noexcept {
    return a.text_ == b.text_ || a.text() == b.text();
  }

 private:
  std::shared_ptr<const std::string> text_;
};

} // namespace tandem::stack
