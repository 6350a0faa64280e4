// SPDX-License-Identifier: Apache-2.0
// Turns arguments as written into arguments as a function declared them. Used while a script is
// checked.
#pragma once

#include <vector>

#include <tandem/script/argument.hpp>
#include <tandem/script/code.hpp>
#include <tandem/script/names.hpp>
#include <tandem/script/syntax.hpp>
#include <tandem/script/text_pieces.hpp>

namespace tandem::script {

/// What arguments can name.
struct argument_surroundings {
  const source& text;
  const names& known;
  const std::vector<block_info>& blocks; ///< all blocks of the script
  unknown_variable policy;
};

/// The block of that kind and name; nothing when the script has none.
[[nodiscard]] std::optional<block_id> find_block(const std::vector<block_info>& blocks,
                                                 block_kind kind, std::string_view name) noexcept;

/// One for each argument; complains about those that do not fit.
[[nodiscard]] std::vector<argument> convert_arguments(const call_syntax& written,
                                                      const function_info& function,
                                                      const argument_surroundings& around,
                                                      diagnostics& found);

} // namespace tandem::script
