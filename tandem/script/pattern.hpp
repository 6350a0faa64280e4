// SPDX-License-Identifier: Apache-2.0
// The regular expressions of scripts: POSIX extended syntax, letter case ignored, found anywhere in
// the text, linear time (RE2). Immutable, any thread; a match allocates nothing in steady state.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <tandem/base/result.hpp>

namespace re2 {
class RE2;
}

namespace tandem::script {

enum class letter_case : unsigned char { ignored, respected };

/// What `^`, `$` and `.` mean: the ends of the text and any byte, or those of its lines and any
/// byte but a newline (REG_NEWLINE).
enum class text_shape : unsigned char { whole, lines };

class pattern {
 public:
  /// Compiles; the error is RE2's words about what is wrong.
  [[nodiscard]] static result<pattern, std::string>
  compile(std::string_view text, letter_case sense = letter_case::ignored,
          text_shape shape = text_shape::whole);
  /// The same, but the whole text must match (modparam's module names).
  [[nodiscard]] static result<pattern, std::string> compile_whole(std::string_view text);

  pattern(pattern&&) noexcept;
  pattern& operator=(pattern&&) noexcept;
  ~pattern();

  /// True when it is found in `text`.
  [[nodiscard]] bool matches(std::string_view text) const;
  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  /// For modules that want the place of a match.
  [[nodiscard]] const re2::RE2& compiled() const noexcept { return *compiled_; }

 private:
  pattern(std::string text, std::unique_ptr<re2::RE2> compiled) noexcept;

  std::string text_;
  std::unique_ptr<re2::RE2> compiled_;
};

} // namespace tandem::script
