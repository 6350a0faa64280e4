// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/keyed_text_hash.hpp>

#include <gtest/gtest.h>

#include <string>

namespace tandem {
namespace {

TEST(keyed_text_hash, is_that_of_the_text_under_the_secret_of_the_process) {
  const keyed_text_hash hash;
  EXPECT_EQ(hash("example.com"), hash(std::string{"example.com"}));
  EXPECT_NE(hash("example.com"), hash("example.org"));
  EXPECT_EQ(hash("a"), keyed_hash(process_hash_key(), "a"));
  EXPECT_NE(hash("a"), keyed_hash(hash_key::random(), "a"));
}

} // namespace
} // namespace tandem
