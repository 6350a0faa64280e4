// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/secret.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>

namespace tandem {
namespace {

TEST(secret, is_what_it_was_made_of_and_moves_whole) {
  secret a{"4711"};
  secret b{a};
  EXPECT_EQ(b.reveal(), "4711");
  secret c{std::move(a)};
  EXPECT_EQ(c.reveal(), "4711");
  EXPECT_TRUE(a.empty()); // NOLINT(bugprone-use-after-move): it is what is asked
  c = secret{"a longer one that no small string holds"};
  EXPECT_EQ(c.reveal(), "a longer one that no small string holds");
  c = secret{};
  EXPECT_TRUE(c.empty());
  EXPECT_EQ(c.reveal(), "");
}

TEST(secret, compares_whole) {
  EXPECT_TRUE(secret{"4711"}.matches("4711"));
  for (const std::string_view wrong : {"", "4", "4712", "47114711"})
    EXPECT_FALSE(secret{"4711"}.matches(wrong)) << wrong;
  EXPECT_TRUE(secret{}.matches(""));
  EXPECT_FALSE(secret{}.matches("x"));
}

// A short std::string would leave its letters in the object that it was moved from.
TEST(secret, keeps_no_letter_in_the_object_itself) {
  alignas(secret) std::array<std::byte, sizeof(secret)> room{};
  auto* const in = new (room.data()) secret{"hunter2"};
  const secret moved{std::move(*in)};
  std::string bytes(sizeof(secret), '\0');
  std::memcpy(bytes.data(), room.data(), room.size());
  EXPECT_EQ(bytes.find("hunter"), std::string::npos);
  in->~secret();
}

TEST(secret, does_not_print) {
  static_assert(!std::is_convertible_v<secret, std::string_view>);
  static_assert(!std::is_convertible_v<secret, std::string>);
}

} // namespace
} // namespace tandem
