// SPDX-License-Identifier: Apache-2.0
// Walking the branches of a response context. Internal to proxy.
#pragma once

#include <tandem/stack/proxy.hpp>

namespace tandem::stack {

/// Tag index of a client transaction whose context is over: slot and generation are those of the
/// server transaction, to which copies of a 2xx still go.
inline constexpr std::uint32_t context_is_over = 0xffffffff;

template <typename F>
void proxy::for_each_branch(context_handle context, F&& f) {
  const response_context* c = contexts_.find(context);
  for (branch_handle h = c ? c->first_branch : branch_handle{}; h;) {
    proxy_branch* b = branches_.find(h);
    if (!b) return;
    const branch_handle next = b->next;
    f(h, *b);
    h = next;
  }
}

} // namespace tandem::stack
