// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/digest.hpp>

#include <gtest/gtest.h>

#include <string>

namespace tandem::stack {
namespace {

std::string response_of(std::string_view username, std::string_view realm,
                        std::string_view password, const digest_input& of) {
  const auto secret = make_ha1(of.algorithm, username, realm, password);
  if (!secret) return "no ha1";
  const auto made = digest_response(*secret, of);
  return made ? std::string{crypto::hex_digest{*made}.view()} : "none";
}

TEST(digest, is_that_of_the_examples_with_md5_and_sha_256_rfc7616_3_9_1) {
  digest_input of{.qop = digest_qop::auth,
                  .method = "GET",
                  .uri = "/dir/index.html",
                  .nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
                  .nonce_count = "00000001",
                  .cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"};
  EXPECT_EQ(response_of("Mufasa", "http-auth@example.org", "Circle of Life", of),
            "8ca523f5e9506fed4657c9700eebdbec");
  of.algorithm = digest_algorithm::sha_256;
  EXPECT_EQ(response_of("Mufasa", "http-auth@example.org", "Circle of Life", of),
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
}

// As erratum 4897 has it: the RFC itself shows SHA-512 cut short.
TEST(digest, is_that_of_the_example_with_sha_512_256_rfc7616_3_9_2) {
  const digest_input of{.algorithm = digest_algorithm::sha_512_256,
                        .qop = digest_qop::auth,
                        .method = "GET",
                        .uri = "/doe.json",
                        .nonce = "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
                        .nonce_count = "00000001",
                        .cnonce = "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v"};
  EXPECT_EQ(response_of("J\xc3\xa4s\xc3\xb8n Doe", "api@example.org", "Secret, or not?", of),
            "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5");
}

TEST(digest, is_that_of_the_example_rfc2617_3_5) {
  const digest_input of{.qop = digest_qop::auth,
                        .method = "GET",
                        .uri = "/dir/index.html",
                        .nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093",
                        .nonce_count = "00000001",
                        .cnonce = "0a4f113b"};
  EXPECT_EQ(response_of("Mufasa", "testrealm@host.com", "Circle Of Life", of),
            "6629fae49393a05397450978507c4ef1");
}

// The same as above without qop, nonce count and cnonce.
TEST(digest, is_that_of_rfc2069_without_qop) {
  const digest_input of{
      .method = "GET", .uri = "/dir/index.html", .nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093"};
  EXPECT_EQ(response_of("Mufasa", "testrealm@host.com", "Circle Of Life", of),
            "670fd8c2df070c60b045671b8b24ff02");
}

// Step by step from the words of the section, with the hash alone.
TEST(digest, of_a_session_and_of_a_body_is_what_the_words_say_rfc7616_3_4_2) {
  const auto h = [](crypto::hash_function f, std::string_view text) {
    return std::string{crypto::hex_digest{*crypto::hash(f, {text})}.view()};
  };
  for (const auto algorithm : {digest_algorithm::md5_sess, digest_algorithm::sha_256_sess,
                               digest_algorithm::sha_512_256_sess}) {
    const auto f = hash_of(algorithm);
    const std::string a1 = h(f, h(f, "u:r:p") + ":n:c");
    const std::string a2 = h(f, "INVITE:sip:h:" + h(f, "body"));
    EXPECT_EQ(response_of("u", "r", "p",
                          {.algorithm = algorithm,
                           .qop = digest_qop::auth_int,
                           .method = "INVITE",
                           .uri = "sip:h",
                           .nonce = "n",
                           .nonce_count = "00000002",
                           .cnonce = "c",
                           .body = "body"}),
              h(f, std::string{a1}.append(":n:00000002:c:auth-int:").append(a2)));
  }
}

TEST(digest_algorithm, has_the_names_of_rfc8760_2_1_in_any_case) {
  for (std::size_t i = 0; i < digest_algorithm_count; ++i) {
    const auto each = static_cast<digest_algorithm>(i);
    EXPECT_EQ(parse_digest_algorithm(to_string(each)), each);
    EXPECT_EQ(is_of_session(each), to_string(each).ends_with("-sess"));
    EXPECT_EQ(make_ha1(each, "u", "r", "p")->reveal().size(), digest_length(each));
  }
  EXPECT_EQ(parse_digest_algorithm("md5"), digest_algorithm::md5);
  EXPECT_EQ(parse_digest_algorithm(""), digest_algorithm::md5) << "RFC 7616 3.3";
  for (const std::string_view unknown : {"SHA-1", "SHA-512", "MD5-", "MD5-sess-sess", "AKAv1-MD5"})
    EXPECT_EQ(parse_digest_algorithm(unknown), std::nullopt) << unknown;
}

TEST(digest_qop, has_the_names_of_rfc7616_3_4) {
  EXPECT_EQ(parse_digest_qop(""), digest_qop::none);
  EXPECT_EQ(parse_digest_qop("AUTH"), digest_qop::auth);
  EXPECT_EQ(parse_digest_qop("auth-int"), digest_qop::auth_int);
  EXPECT_EQ(parse_digest_qop("auth,auth-int"), std::nullopt);
}

} // namespace
} // namespace tandem::stack
