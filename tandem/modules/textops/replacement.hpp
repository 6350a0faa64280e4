// SPDX-License-Identifier: Apache-2.0
// Regular expressions that change a message: what they find, and what stands there after. A pattern
// sees each header line as "Name: value", and the body. Immutable, any thread.
#pragma once

#include <tandem/script/argument.hpp>
#include <tandem/script/pattern.hpp>
#include <tandem/sip/message.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tandem::modules {

enum class occurrences : std::uint8_t { first, all };

/// Appends what stands in place of a match; groups[0] is the whole of it.
using write_replacement =
    std::function<void(std::span<const std::string_view> groups, std::string& out)>;

/// The text with the matches replaced; nothing when there is none, or when it would grow beyond
/// what a message can hold.
[[nodiscard]] std::optional<std::string> replace_in(std::string_view text,
                                                    const script::pattern& what, occurrences which,
                                                    const write_replacement& write);

/// Replaces in headers and body, by edits of header lines. The message stays as it was, and the
/// result is false, when nothing was found or what came out is no message any more.
[[nodiscard]] bool replace_in(sip::message& m, const script::pattern& what, occurrences which,
                              const write_replacement& write);

/// "/expression/replacement/flags": any delimiter; \0 to \9 stand for what the groups matched, \n
/// \r \t \\ for what they do elsewhere; variables are filled in. Flags: i ignores letter case, g
/// replaces every match.
class substitution {
 public:
  /// Reads argument 0 of the call that is checked; complains, and is null, when it cannot be read.
  [[nodiscard]] static std::shared_ptr<const void> prepare(script::check& c);

  [[nodiscard]] const script::pattern& what() const noexcept { return what_; }
  [[nodiscard]] occurrences which() const noexcept { return which_; }
  /// For one call: reads the variables of the message.
  [[nodiscard]] write_replacement writer(script::context& message) const;

 private:
  /// Text, then a group, then a variable, each where there is one.
  struct part {
    std::string literal;
    int group = -1;
    script::variable_use variable;
  };
  friend class substitution_reader;
  explicit substitution(script::pattern&& what) : what_{std::move(what)} {}

  script::pattern what_;
  occurrences which_ = occurrences::first;
  std::vector<part> parts_;
};

} // namespace tandem::modules
