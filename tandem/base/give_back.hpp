// SPDX-License-Identifier: Apache-2.0
// Empties a container and gives its memory back. Any thread.
#pragma once

namespace tandem {

/// Not `container = {}`: of a vector or a string that is an assignment of no elements, which keeps
/// their room.
template <typename Container>
void give_back(Container& container) noexcept {
  Container{}.swap(container);
}

} // namespace tandem
