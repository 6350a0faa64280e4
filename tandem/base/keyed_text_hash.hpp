// SPDX-License-Identifier: Apache-2.0
// The hash of tables that nobody else has to agree with, under a secret of this process, so that a
// peer who chooses the keys cannot aim at one bucket. Any thread.
#pragma once

#include <tandem/base/hash.hpp>

#include <cstddef>
#include <string_view>

namespace tandem {

/// The secret of such tables, made when it is first asked for.
[[nodiscard]] const hash_key& process_hash_key();

/// Of texts: `std::unordered_map<std::string, entry, keyed_text_hash>`.
struct keyed_text_hash {
  std::size_t operator()(std::string_view text) const noexcept {
    return keyed_hash(process_hash_key(), text);
  }
};

} // namespace tandem
