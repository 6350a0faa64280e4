// SPDX-License-Identifier: Apache-2.0
// Errors are values: every function that a peer's bytes can make fail returns a result.
#pragma once

#include <tl/expected.hpp>

namespace tandem {

/// Either a T or the reason why there is none. Test it before use; `*r` is the value, `r.error()`
/// the reason. Nothing that reads a peer's bytes throws.
template <typename T, typename E>
using result = tl::expected<T, E>;

/// Makes a failed result: `return fail(parse_errc::bad_uri);`
template <typename E>
[[nodiscard]] constexpr auto fail(E&& reason) {
  return tl::make_unexpected(std::forward<E>(reason));
}

} // namespace tandem
