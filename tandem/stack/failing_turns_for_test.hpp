// SPDX-License-Identifier: Apache-2.0
// Turns of machines in which one allocation fails, as the transport of a shard runs them. The world
// around allocates nothing that counts. One thread.
#pragma once

#include <tandem/base/count_allocations_for_test.hpp>
#include <tandem/stack/messages_for_test.hpp>
#include <tandem/stack/transaction_layer.hpp>
#include <tandem/stack/virtual_outbox.hpp>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

namespace tandem::stack::for_test {

class failing_turns {
 public:
  /// The n-th allocation that the machines make from now on fails; 0: none.
  void fail(std::size_t n) { left_ = n; }
  [[nodiscard]] bool has_failed() const noexcept { return left_ == 0; }

  template <typename F>
  void turn(F&& what) {
    using tandem::for_test::allocations;
    using tandem::for_test::failing_allocation;
    const std::size_t before = allocations;
    if (left_ != 0) failing_allocation = before + left_;
    out.to_tell().take(what);
    out.end_turn();
    failing_allocation = 0;
    if (left_ != 0) left_ -= std::min(left_, allocations - before);
  }
  void receive(std::string_view text, std::string_view from) {
    const arrival source = arrived_from(from);
    turn([&] {
      auto m = sip::message::parse(text);
      if (!m) return;
      if (m->is_request())
        layer.receive_request(*m, source);
      else
        layer.receive_response(*m, source);
    });
  }

  virtual_outbox out;
  transaction_layer layer{out, timer_settings{}};

 private:
  std::size_t left_ = 0;
};

} // namespace tandem::stack::for_test
