// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/usrloc/location_tables.hpp>
#include <tandem/server/services.hpp>

#include <array>
#include <gtest/gtest.h>
#include <thread>

namespace tandem::modules {
namespace {

class location_tables_of_a_process : public ::testing::Test {
 protected:
  [[nodiscard]] int count() {
    int all = 0;
    tables.for_each([&](storage::location_table&) { ++all; });
    return all;
  }

  server::services shared;
  location_tables& tables = shared.state<location_tables>();
};

TEST_F(location_tables_of_a_process, are_the_same_for_whoever_asks) {
  EXPECT_EQ(&shared.state<location_tables>(), &tables);
  ASSERT_EQ(shared.locations, &tables);
  storage::location_table& table = shared.locations->table("location");
  EXPECT_EQ(&tables.table("location"), &table);
  EXPECT_NE(&tables.table("aliases"), &table);
  EXPECT_EQ(count(), 2);
  EXPECT_EQ(tables.find("location"), &table);
  EXPECT_EQ(tables.find("none"), nullptr);
  EXPECT_EQ(count(), 2);
}

TEST_F(location_tables_of_a_process, are_made_once_for_all_threads_that_ask) {
  std::array<storage::location_table*, 2> found{};
  std::thread other{[&] {
    for (int i = 0; i < 200; ++i) found[1] = &tables.table("t" + std::to_string(i));
  }};
  for (int i = 0; i < 200; ++i) found[0] = &tables.table("t" + std::to_string(i));
  other.join();
  EXPECT_EQ(found[0], found[1]);
  EXPECT_EQ(count(), 200);
}

TEST_F(location_tables_of_a_process, have_the_bounds_that_were_set_first) {
  tables.limit({.bytes = 1});
  tables.limit({.bytes = 1'000'000});
  sip::binding contact;
  contact.contact = "sip:b@192.0.2.2";
  contact.expires = tandem::now() + seconds{60};
  const auto refused = tables.table("location")
                           .update("bob", tandem::now(),
                                   [&](std::span<const sip::binding>, sip::binding_edits& edits) {
                                     edits.push_back({.old = {}, .put = &contact});
                                     return true;
                                   });
  EXPECT_FALSE(refused);
}

} // namespace
} // namespace tandem::modules
