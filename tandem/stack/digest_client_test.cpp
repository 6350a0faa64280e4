// SPDX-License-Identifier: Apache-2.0
// The client's side of digest authentication, against challenges as text and against our own
// server's side.
#include <tandem/stack/digest_client.hpp>

#include <tandem/sip/headers.hpp>
#include <tandem/stack/authentication.hpp>
#include <tandem/stack/digest_phone_for_test.hpp>

#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace tandem::stack {
namespace {

using for_test::answer_text;
using for_test::challenged_by;
using for_test::make_request;
using for_test::parsed;
using errc = digest_client_errc;

const std::string plain_challenge =
    R"(Digest realm="example.com", nonce="n1", algorithm=MD5, qop="auth")";

client_account account_of(std::string_view realm = "example.com",
                          std::string_view host = "sip.example.com") {
  client_account one;
  one.realm = realm;
  one.host = host;
  one.username = "alice";
  one.password = secret{"secret"};
  return one;
}

sip::message registering(std::string_view lines = "", std::string_view body = "") {
  return make_request({.method = "REGISTER",
                       .uri = "sip:example.com",
                       .more = std::string{lines},
                       .body = std::string{body}});
}

sip::message challenged(const std::vector<std::string>& values, int status = 401,
                        std::string_view header = "WWW-Authenticate") {
  std::string more;
  for (const std::string& value : values) more += std::string{header} + ": " + value + "\r\n";
  return parsed(answer_text(registering().to_string(), status, "tag", more));
}

class answering : public ::testing::Test {
 protected:
  /// The credentials for one challenge, read again.
  std::string answer(const std::vector<std::string>& values, std::string_view sent = "") {
    const auto lines = client.answer(registering(sent), challenged(values), "sip.example.com", 0);
    EXPECT_TRUE(lines && lines->size() == 1) << values.front();
    return lines && !lines->empty() ? lines->front().value : std::string{};
  }
  digest_client_errc why_not(const std::vector<std::string>& values, std::string_view sent = "",
                             std::string_view host = "sip.example.com", unsigned round = 0) {
    const auto lines = client.answer(registering(sent), challenged(values), host, round);
    EXPECT_FALSE(lines) << lines->front().value;
    return lines ? errc::failed : lines.error();
  }

  digest_client client{{account_of(), account_of("other.example")}};
};

TEST_F(answering, gives_the_server_what_it_accepts_by_each_algorithm_and_qop_rfc7616_3_4) {
  constexpr instant now{seconds{1'000'000}};
  nonce_issuer shared;
  for (std::size_t i = 0; i < digest_algorithm_count; ++i)
    for (const auto offer :
         {qop_offer::none, qop_offer::auth, qop_offer::auth_int, qop_offer::auth_or_auth_int}) {
      authentication server{{.algorithms = {static_cast<digest_algorithm>(i)}}, shared};
      for (const auto by : {challenger::user_agent, challenger::proxy}) {
        const protection_space space{.by = by, .realm = "example.com"};
        const auto judge = [&](const sip::message& retry) {
          const auto claim = server.read(retry, space);
          if (!claim) return claim.error();
          const auto known = make_ha1(claim->algorithm, "alice", "example.com", "secret");
          return server.judge(*claim, &*known, space, now);
        };
        sip::message first = registering("", "hello");
        const auto response = challenged_by(server, first, space, offer, auth_verdict::none, now);
        ASSERT_TRUE(response);
        const auto lines = client.answer(first, *response, "SIP.example.com", 0);
        ASSERT_TRUE(lines);
        ASSERT_TRUE(put_credentials(first, *lines));
        EXPECT_EQ(judge(first), auth_verdict::good);
        EXPECT_EQ(judge(first), auth_verdict::stale) << "the server takes nothing twice";
        if (offer == qop_offer::none) continue;
        sip::message second = registering("", "more");
        for (const auto& line : client.repeat(second, "sip.example.com"))
          if (line.by == by) {
            ASSERT_TRUE(put_credentials(second, {line}));
          }
        EXPECT_EQ(judge(second), auth_verdict::good);
      }
    }
}

TEST_F(answering, is_for_nobody_whose_realm_and_host_are_not_configured) {
  EXPECT_EQ(why_not({plain_challenge}, "", "evil.example"), errc::no_account);
  EXPECT_EQ(why_not({plain_challenge}, "", ""), errc::no_account);
  EXPECT_EQ(why_not({plain_challenge}, "", "sip.example.com.evil.example"), errc::no_account);
  for (const std::string realm : {"evil.example", "Example.com", "example.com ", "", "example.co"})
    EXPECT_EQ(why_not({"Digest realm=\"" + realm + "\", nonce=\"n\", qop=\"auth\""}),
              errc::no_account)
        << realm;
  EXPECT_TRUE(client.repeat(registering(), "evil.example").empty());
  EXPECT_FALSE(answer({"Digest realm=\"evil.example\", nonce=\"n\"", plain_challenge}).empty());
  EXPECT_TRUE(client.repeat(registering(), "evil.example").empty());
}

TEST_F(answering, takes_the_first_algorithm_that_it_has_rfc8760_2_4) {
  const std::string other = R"(Digest realm="example.com", nonce="n1", qop="auth", algorithm=)";
  const auto chosen = [&](const std::vector<std::string>& values) {
    const std::string text = answer(values);
    return std::string{sip::credentials::parse(text)->algorithm()};
  };
  EXPECT_EQ(chosen({other + "SHA-512-256", other + "SHA-256", plain_challenge}), "SHA-512-256");
  EXPECT_EQ(chosen({other + "AKAv1-MD5", other + "SHA-3", other + "SHA-256", plain_challenge}),
            "SHA-256");
  EXPECT_EQ(chosen({plain_challenge, other + "SHA-256"}), "MD5");
}

TEST(digest_client, answers_no_weaker_algorithm_than_the_account_allows_rfc7616_5_6) {
  client_account strict = account_of();
  strict.algorithms = {digest_algorithm::sha_256};
  digest_client client{{std::move(strict)}};
  const auto lines =
      client.answer(registering(), challenged({plain_challenge}), "sip.example.com", 0);
  ASSERT_FALSE(lines);
  EXPECT_EQ(lines.error(), errc::unsupported);
}

TEST_F(answering, answers_each_realm_once_and_both_headers_rfc3261_22_3) {
  const auto response = parsed(answer_text(
      registering().to_string(), 407, "tag",
      "Proxy-Authenticate: " + plain_challenge + "\r\nProxy-Authenticate: " + plain_challenge +
          "\r\nWWW-Authenticate: Digest realm=\"other.example\", nonce=\"n2\"\r\n"
          "Proxy-Authenticate: Basic realm=\"example.com\"\r\n"));
  const auto lines = client.answer(registering(), response, "sip.example.com", 0);
  ASSERT_TRUE(lines);
  ASSERT_EQ(lines->size(), 2u);
  EXPECT_EQ(lines->at(0).by, challenger::user_agent);
  EXPECT_EQ(lines->at(0).realm, "other.example");
  EXPECT_EQ(lines->at(1).by, challenger::proxy);
  EXPECT_EQ(lines->at(1).realm, "example.com");
}

TEST_F(answering, counts_each_use_of_a_nonce_and_begins_anew_with_another_rfc7616_3_4) {
  const auto count = [](const std::string& text) { return sip::credentials::parse(text)->nc(); };
  EXPECT_EQ(count(answer({plain_challenge})), 1u);
  EXPECT_EQ(count(client.repeat(registering(), "sip.example.com").at(0).value), 2u);
  EXPECT_EQ(count(answer({plain_challenge})), 3u) << "the same nonce once more";
  EXPECT_EQ(count(answer({R"(Digest realm="example.com", nonce="n2", qop="auth")"})), 1u);
}

TEST_F(answering, does_not_try_again_what_was_refused_rfc3261_22_2) {
  const std::string sent = "Authorization: " + answer({plain_challenge}) + "\r\n";
  EXPECT_EQ(why_not({plain_challenge}, sent), errc::refused);
  EXPECT_EQ(why_not({R"(Digest realm="example.com", nonce="n2", algorithm=MD5, qop="auth")"}, sent,
                    "sip.example.com", 1),
            errc::refused);
  EXPECT_TRUE(client.repeat(registering(), "sip.example.com").empty());
  EXPECT_EQ(why_not({plain_challenge + ", stale=true"}, sent), errc::refused)
      << "the nonce that was just used";
  const std::string fresh =
      R"(Digest realm="example.com", nonce="n3", algorithm=MD5, qop="auth", stale=TRUE)";
  EXPECT_FALSE(answer({fresh}, sent).empty());
  EXPECT_EQ(why_not({fresh}, "", "sip.example.com", digest_client::most_rounds), errc::refused);
}

// Many servers do not say that it is stale.
TEST_F(answering, tries_once_more_for_a_nonce_that_the_server_has_forgotten) {
  static_cast<void>(answer({plain_challenge}));
  const auto early = client.repeat(registering(), "sip.example.com");
  ASSERT_EQ(early.size(), 1u);
  const std::string sent = "Authorization: " + early.front().value + "\r\n";
  const std::string fresh = R"(Digest realm="example.com", nonce="n2", algorithm=MD5, qop="auth")";
  EXPECT_FALSE(answer({fresh}, sent).empty());
}

TEST_F(answering, answers_a_new_challenge_beside_a_refusal_rfc3261_16_7) {
  const std::string sent = "Authorization: " + answer({plain_challenge}) + "\r\n";
  const std::string other = R"(Digest realm="other.example", nonce="n9", qop="auth")";
  for (const auto& both :
       {std::vector{plain_challenge, other}, std::vector{other, plain_challenge}}) {
    const auto lines = client.answer(registering(sent), challenged(both), "sip.example.com", 1);
    ASSERT_TRUE(lines);
    ASSERT_EQ(lines->size(), 1u);
    EXPECT_EQ(lines->front().realm, "other.example");
  }
}

TEST_F(answering, gives_an_ack_the_lines_of_its_invite_and_a_cancel_none_rfc3261_22_1) {
  const auto lines =
      client.answer(registering(), challenged({plain_challenge}), "sip.example.com", 0);
  ASSERT_TRUE(lines);
  sip::message invite = make_request({.more = "Proxy-Authorization: Digest realm=\"p\"\r\n"});
  ASSERT_TRUE(put_credentials(invite, *lines));
  for (const std::string method : {"ACK", "CANCEL"}) {
    const auto made = make_request({.method = method});
    EXPECT_TRUE(client.repeat(made, "sip.example.com").empty()) << method;
  }
  sip::message ack = make_request({.method = "ACK"});
  ASSERT_TRUE(copy_credentials(ack, invite));
  for (const auto header : {sip::header_id::authorization, sip::header_id::proxy_authorization}) {
    ASSERT_EQ(ack.count(header), 1u);
    EXPECT_EQ(ack.value(ack.find(header)), invite.value(invite.find(header)));
  }
}

TEST_F(answering, writes_a_request_uri_with_a_backslash_as_a_quoted_string) {
  const auto odd = make_request({.method = "OPTIONS", .uri = R"(x:a\b)"});
  const auto lines = client.answer(odd, challenged({plain_challenge}), "sip.example.com", 0);
  ASSERT_TRUE(lines);
  const auto read = sip::credentials::parse(lines->front().value);
  ASSERT_TRUE(read) << lines->front().value;
  EXPECT_EQ(sip::plain_text{read->digest_uri()}.view(), R"(x:a\b)");
}

TEST_F(answering, gives_back_what_it_was_given_and_no_more_rfc7616_3_4) {
  const std::string text = answer({R"(Digest realm="exampl\e.com", nonce="n\"1\\", opaque="")"});
  EXPECT_NE(text.find(R"(nonce="n\"1\\")"), std::string::npos) << text;
  EXPECT_NE(text.find(R"(opaque="")"), std::string::npos) << text;
  for (const std::string absent : {"algorithm", "qop", "nc=", "cnonce"})
    EXPECT_EQ(text.find(absent), std::string::npos) << text;
  const std::string expected{crypto::hex_digest{
      *digest_response(*make_ha1(digest_algorithm::md5, "alice", "example.com", "secret"),
                       {.method = "REGISTER", .uri = "sip:example.com", .nonce = "n\"1\\"})}
                                 .view()};
  EXPECT_NE(text.find(expected), std::string::npos) << text;
}

// RFC 7616 3.9.2 shows such a user name; erratum 4897 has its hash.
TEST(digest_client, hashes_the_user_name_where_it_is_asked_to_rfc7616_3_4_4) {
  client_account doe = account_of("api@example.org", "h");
  doe.username = "J\xc3\xa4s\xc3\xb8n Doe";
  digest_client client{{std::move(doe)}};
  const auto lines = client.answer(
      registering(),
      challenged({R"(Digest realm="api@example.org", nonce="n", algorithm=SHA-512-256, qop="auth",)"
                  R"( userhash=true)"}),
      "h", 0);
  ASSERT_TRUE(lines);
  const auto credentials = sip::credentials::parse(lines->front().value);
  EXPECT_EQ(credentials->username(),
            "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b");
  EXPECT_TRUE(credentials->has_userhash());
}

TEST_F(answering, has_no_answer_to_what_is_no_challenge_or_a_strange_one) {
  EXPECT_EQ(why_not({}), errc::not_challenged);
  EXPECT_EQ(why_not({"Basic realm=\"example.com\"", "Negotiate abc=="}), errc::not_challenged);
  EXPECT_EQ(why_not({"Digest realm=\"example.com"}), errc::not_challenged);
  EXPECT_EQ(why_not({R"(Digest realm="example.com", nonce="")"}), errc::unsupported);
  EXPECT_EQ(why_not({R"(Digest realm="example.com")"}), errc::unsupported);
  EXPECT_EQ(why_not({R"(Digest realm="example.com", nonce="n", qop="auth-conf")"}),
            errc::unsupported);
  EXPECT_EQ(why_not({R"(Digest realm="example.com", nonce="n", algorithm=SHA-1)"}),
            errc::unsupported);
  EXPECT_EQ(why_not({R"(Digest realm="example.com", nonce=")" + std::string(3'000, 'a') + '"'}),
            errc::unsupported);
  const auto ok = challenged({plain_challenge}, 403);
  EXPECT_EQ(client.answer(registering(), ok, "sip.example.com", 0).error(), errc::not_challenged);
}

TEST_F(answering, replaces_the_credentials_of_its_realm_and_leaves_others) {
  sip::message retry =
      registering("Authorization: Digest realm=\"example.com\", nonce=\"old\"\r\n"
                  "Authorization: Digest realm=\"third.example\", nonce=\"x\"\r\n"
                  "Authorization: Digest realm=\"example.com\", nonce=\"older\"\r\n");
  ASSERT_TRUE(put_credentials(
      retry, {{challenger::user_agent, "example.com", "Digest realm=\"example.com\""}}));
  EXPECT_EQ(retry.count(sip::header_id::authorization), 2u);
  EXPECT_EQ(retry.to_string().find("old"), std::string::npos);
  EXPECT_NE(retry.to_string().find("third.example"), std::string::npos);
}

TEST(digest_client, takes_no_account_that_no_header_can_carry) {
  for (const std::string& bad :
       {std::string{}, std::string{"a\r\nVia: x"}, std::string{"a\0b", 3}}) {
    for (const int which : {0, 1, 2}) {
      client_account one = account_of();
      (which == 0 ? one.realm : which == 1 ? one.host : one.username) = bad;
      std::vector<client_account> all;
      all.push_back(std::move(one));
      EXPECT_THROW(digest_client{std::move(all)}, std::invalid_argument);
    }
  }
}

} // namespace
} // namespace tandem::stack
