// SPDX-License-Identifier: Apache-2.0
#include <tandem/storage/change_set.hpp>

#include <tandem/base/count_allocations_for_test.hpp>

#include <gtest/gtest.h>
#include <string>

namespace tandem::storage {
namespace {

#ifdef TANDEM_COUNTS_ALLOCATIONS
TEST(change_set, has_room_for_all_that_it_was_made_for) {
  const std::string text(1'000, 'x');
  sip::binding value;
  value.contact = value.parameters = value.path = value.call_id = value.user_agent = text;
  change_set set;
  for (int round = 0; round < 3; ++round) { // a used one has room already, and needs more
    for (int i = 0; i < 10; ++i) set.reserve_for(text, value);
    const auto before = tandem::for_test::allocations;
    for (std::uint64_t i = 0; i < 10; ++i) set.add(change_kind::added, i, text, value);
    const auto after = tandem::for_test::allocations;
    EXPECT_EQ(after, before) << round;
  }
  std::size_t whole = 0;
  set.for_each([&](const binding_change& change) {
    whole += change.aor == text && change.value.user_agent == text ? 1 : 0;
  });
  EXPECT_EQ(whole, 30U);
}
#endif

} // namespace
} // namespace tandem::storage
