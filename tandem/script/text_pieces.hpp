// SPDX-License-Identifier: Apache-2.0
// Strings with pseudo-variables ("from $fu via $hdr(Via)"), taken apart when a script is checked.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include <tandem/script/argument.hpp>
#include <tandem/script/names.hpp>

namespace tandem::script {

/// What is done with a `$name` that is no variable: in a script of the original, which had none,
/// it is text.
enum class unknown_variable : std::uint8_t { is_error, is_text };

struct text_site {
  span where;           ///< of the literal in the source
  std::string_view raw; ///< the literal with its quotes; empty when the text is a bare variable
};

/// Splits a text. `$$` is a dollar sign; a `$` before anything but a letter or `(` is one too.
/// Complains about what cannot be read. The result is one piece without variable when it has none.
[[nodiscard]] std::vector<text_piece> split_text(std::string_view text, const text_site& at,
                                                 const names& known, unknown_variable policy,
                                                 diagnostics& found);

} // namespace tandem::script
