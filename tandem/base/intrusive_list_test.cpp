// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/intrusive_list.hpp>

#include <gtest/gtest.h>
#include <utility>

namespace tandem {
namespace {

struct element : list_hook<> {
  explicit element(int& alive) : count{alive} { ++count; }
  element(const element&) = delete;
  element& operator=(const element&) = delete;
  ~element() { --count; }
  int& count;
};

TEST(intrusive_list, hands_out_all_elements_which_may_be_deleted_or_enter_another_list) {
  int alive = 0;
  intrusive_list<element> list;
  intrusive_list<element> kept;
  for (int i = 0; i < 3; ++i) list.push_back(*new element{alive});
  bool is_first = true;
  list.clear_and_dispose([&](element* one) {
    EXPECT_FALSE(one->is_linked());
    if (std::exchange(is_first, false))
      kept.push_back(*one);
    else
      delete one;
  });
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(alive, 1);
  delete kept.pop_front();
  EXPECT_EQ(alive, 0);
  list.clear_and_dispose([](element*) { FAIL() << "there is none"; });
}

} // namespace
} // namespace tandem
