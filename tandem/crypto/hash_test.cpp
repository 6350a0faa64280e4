// SPDX-License-Identifier: Apache-2.0
#include <tandem/crypto/hash.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <new>
#include <string>
#include <type_traits>

namespace tandem::crypto {
namespace {

std::string hex(const std::optional<message_digest>& of) {
  return of ? std::string{hex_digest{*of}.view()} : "none";
}

TEST(hash, is_that_of_rfc1321_and_fips_180_4) {
  using enum hash_function;
  EXPECT_EQ(hex(hash(md5, {"abc"})), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(hex(hash(sha256, {"abc"})),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(hash(sha512_256, {"abc"})),
            "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23");
  EXPECT_EQ(hex(hash(sha1, {"abc"})), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex(hash(md5, {})), "d41d8cd98f00b204e9800998ecf8427e");
}

TEST(hash, of_parts_is_that_of_the_whole) {
  for (const auto function : {hash_function::md5, hash_function::sha256, hash_function::sha512_256})
    EXPECT_EQ(hex(hash(function, {"a", "", "bc"})), hex(hash(function, {"abc"})));
}

TEST(secret_digest, is_the_hash_and_is_read_in_any_case) {
  const auto made = hash_secret(hash_function::md5, {"abc"});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->reveal(), "900150983cd24fb0d6963f7d28e17f72");
  const auto read = secret_digest::parse("900150983CD24FB0D6963F7D28E17F72");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->reveal(), made->reveal());
  for (const std::string_view bad :
       {"", "90", "900150983cd24fb0d6963f7d28e17f7", "900150983cd24fb0d6963f7d28e17f7g",
        "900150983cd24fb0d6963f7d28e17f7200"})
    EXPECT_FALSE(secret_digest::parse(bad)) << bad;
}

template <typename T>
concept printable = requires(std::ostream& out, const T& value) {
  out << value;
};

TEST(secret_digest, does_not_print_and_is_wiped_when_it_dies) {
  static_assert(!printable<secret_digest>);
  static_assert(!std::is_convertible_v<secret_digest, std::string_view>);
  alignas(secret_digest) std::array<unsigned char, sizeof(secret_digest)> place{};
  auto* const one = new (place.data()) secret_digest{*hash_secret(hash_function::md5, {"abc"})};
  std::destroy_at(one);
  for (const unsigned char byte : place) EXPECT_EQ(byte, 0);
}

} // namespace
} // namespace tandem::crypto
