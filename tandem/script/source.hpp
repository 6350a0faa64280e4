// SPDX-License-Identifier: Apache-2.0
// The text of a script and where things stand in it. Immutable, shared by what was compiled from
// it; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::script {

/// A stretch of a source, in bytes. Length 0 stands for one place.
struct span {
  std::uint32_t offset = 0;
  std::uint32_t length = 0;

  friend bool operator==(const span&, const span&) = default;
};

/// From the first byte of `a` to the last of `b`.
[[nodiscard]] constexpr span join(span a, span b) noexcept {
  return {a.offset, b.offset + b.length - a.offset};
}

/// Line and column, both from 1; the column counts bytes.
struct position {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
};

/// A script as it was read. Views into it live as long as it does.
class source {
 public:
  /// @param name what diagnostics call it, usually the file's path
  source(std::string name, std::string text);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::string_view text() const noexcept { return text_; }
  [[nodiscard]] std::string_view text(span where) const noexcept;
  [[nodiscard]] position at(std::uint32_t offset) const noexcept;           ///< O(log lines)
  [[nodiscard]] std::string_view line(std::uint32_t number) const noexcept; ///< without its end
  /// "file:line:column", as logs and complaints name a place.
  [[nodiscard]] std::string place(span where) const;

 private:
  std::string name_;
  std::string text_;
  std::vector<std::uint32_t> line_starts_;
};

} // namespace tandem::script
