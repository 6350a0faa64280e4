// SPDX-License-Identifier: Apache-2.0
#include <tandem/storage/change_set.hpp>

#include <tandem/base/count_allocations_for_test.hpp>

#include <gtest/gtest.h>
#include <string>

namespace tandem::storage {
namespace {

#ifdef TANDEM_COUNTS_ALLOCATIONS
/// How often memory is asked for to add so many changes, which are forgotten then.
std::size_t allocated_for(change_set& changes, unsigned count) {
  const std::string path(100, 'p');
  sip::binding b;
  b.contact = "sip:alice@192.0.2.1";
  b.path = path;
  const auto before = tandem::for_test::allocations;
  for (unsigned i = 0; i < count; ++i) {
    changes.reserve_for("alice", b);
    changes.add(change_kind::added, i, "alice", b);
  }
  const auto after = tandem::for_test::allocations;
  changes.clear();
  return after - before;
}

TEST(change_set, keeps_its_room_unless_a_burst_has_needed_much) {
  change_set changes;
  EXPECT_GT(allocated_for(changes, 10), 0U);
  EXPECT_EQ(allocated_for(changes, 10), 0U);
  EXPECT_GT(allocated_for(changes, 10'000), 0U);
  EXPECT_GT(allocated_for(changes, 10'000), 0U) << "given back";
}
#endif

} // namespace
} // namespace tandem::storage
