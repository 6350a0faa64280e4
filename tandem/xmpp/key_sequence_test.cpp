// SPDX-License-Identifier: Apache-2.0
#include <tandem/crypto/hash.hpp>
#include <tandem/xmpp/key_sequence.hpp>

#include <gtest/gtest.h>

namespace tandem::xmpp {
namespace {

std::string sha1(std::string_view text) {
  return std::string{crypto::hex_digest{*crypto::hash(crypto::hash_function::sha1, {text})}.view()};
}

// XEP-0124 15.5: what the server checks of each request.
TEST(key_sequence, each_key_is_the_hash_of_the_next_one_over_all_chains) {
  key_sequence keys{"seed"};
  request_keys now = keys.next();
  EXPECT_EQ(now.key, "");
  std::string expected = now.newkey;
  int chains = 0;
  for (int i = 0; i < 350; ++i) {
    now = keys.next();
    ASSERT_EQ(sha1(now.key), expected) << i;
    expected = now.newkey.empty() ? now.key : now.newkey;
    if (!now.newkey.empty()) ++chains;
  }
  EXPECT_EQ(chains, 3);
}

TEST(key_sequence, goes_on_from_what_was_kept) {
  key_sequence keys{"seed"};
  for (int i = 0; i < 250; ++i) {
    key_sequence kept{keys.seed(), keys.left()};
    EXPECT_EQ(kept.next(), keys.next()) << i;
  }
}

TEST(key_sequence, is_silent_where_none_is_wanted) {
  EXPECT_EQ(key_sequence{}.next(), request_keys{});
}

} // namespace
} // namespace tandem::xmpp
