// SPDX-License-Identifier: Apache-2.0
// What is wrong with a script, all of it at once, printed as compilers do: file:line:column, the
// line, a caret, what was expected and the nearest known name. Plain value; one thread at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tandem/script/source.hpp>

namespace tandem::script {

enum class severity { warning, error };

struct diagnostic {
  severity grade;
  span where;
  std::string text; ///< what is wrong, and what was expected
  std::string hint; ///< the remedy ("did you mean 't_relay'?"), may be empty
};

enum class colour { off, on };

/// The complaints about one source.
class diagnostics {
 public:
  /// More errors than this are counted but not kept: the later ones are mostly echoes.
  static constexpr std::size_t limit = 100;

  explicit diagnostics(std::shared_ptr<const source> from) : source_(std::move(from)) {}

  void error(span where, std::string text, std::string hint = {});
  void warning(span where, std::string text, std::string hint = {});

  [[nodiscard]] std::size_t error_count() const noexcept { return errors_; }
  [[nodiscard]] std::size_t warning_count() const noexcept { return warnings_; }
  [[nodiscard]] bool has_errors() const noexcept { return errors_ != 0; }
  /// In the order of the source once sort() ran.
  [[nodiscard]] std::span<const diagnostic> all() const noexcept { return found_; }
  void sort();

  /// All complaints as text, each with its line and caret, and a last line that counts them; empty
  /// when there are none.
  [[nodiscard]] std::string to_string(colour use = colour::off) const;

 private:
  void add(severity grade, span where, std::string text, std::string hint);

  std::shared_ptr<const source> source_;
  std::vector<diagnostic> found_;
  std::size_t errors_ = 0;
  std::size_t warnings_ = 0;
};

/// "did you mean 'x'?", or nothing when `nearest` is empty.
[[nodiscard]] std::string did_you_mean(std::string_view nearest);

} // namespace tandem::script
