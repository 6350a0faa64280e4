// SPDX-License-Identifier: Apache-2.0
// The server's side of digest authentication, asked by a phone that is made of nothing but the
// arithmetic.
#include <tandem/stack/authentication.hpp>

#include <tandem/base/count_allocations_for_test.hpp>
#include <tandem/stack/digest_phone_for_test.hpp>

#include <stdexcept>

namespace tandem::stack {

void PrintTo(auth_verdict verdict, std::ostream* out) {
  constexpr std::array<const char*, 7> names{"good",      "none",   "stale", "wrong",
                                             "malformed", "exempt", "failed"};
  *out << names[static_cast<std::size_t>(verdict)];
}

namespace {

using phone = for_test::digest_phone;
using for_test::challenged_by;
using for_test::challenges_of;
using enum auth_verdict;

constexpr instant asked_at{seconds{1'000'000}};
constexpr protection_space own_space{.by = challenger::user_agent, .realm = "example.com"};

std::string authorization(std::string_view credentials) {
  return "Authorization: " + std::string{credentials} + "\r\n";
}

class authenticating : public ::testing::Test {
 protected:
  /// The challenges, as they stand behind the names of their lines.
  static std::vector<std::string> values(const authentication& by, const protection_space& of,
                                         qop_offer offer, auth_verdict why,
                                         instant now = asked_at) {
    const auto response = challenged_by(by, phone{}.request(""), of, offer, why, now);
    return response ? challenges_of(*response, of.by) : std::vector<std::string>{};
  }
  static std::string nonce_of(const std::vector<std::string>& challenges) {
    return std::string{sip::challenge::parse(challenges.at(0))->nonce()};
  }
  std::string nonce(qop_offer offer = qop_offer::auth, instant now = asked_at,
                    const protection_space& of = own_space) {
    return nonce_of(values(auth, of, offer, none, now));
  }

  /// The verdict on a request, by a table where everybody has the password "secret" but `nobody`.
  auth_verdict verdict(const authentication& by, const sip::message& request,
                       instant now = asked_at, const protection_space& of = own_space) {
    const auto claim = by.read(request, of);
    if (!claim) return claim.error();
    if (claim->user() == "nobody") return by.judge(*claim, nullptr, of, now);
    const auto known = make_ha1(claim->algorithm, claim->username.view(), of.realm, "secret");
    return by.judge(*claim, &*known, of, now);
  }
  auth_verdict verdict(const phone& p, std::string_view lines, instant now = asked_at) {
    return verdict(auth, p.request(lines), now);
  }
  /// Of the phone's own credentials.
  auth_verdict verdict(const phone& p, qop_offer offer = qop_offer::auth) {
    return verdict(p, authorization(p.credentials(nonce(offer))));
  }

  nonce_issuer shared{{.lifetime = seconds{300}}};
  authentication auth{{}, shared};
};

TEST_F(authenticating, lets_in_who_knows_the_password_by_each_algorithm_and_qop_rfc8760_2) {
  for (std::size_t i = 0; i < digest_algorithm_count; ++i) {
    const auto algorithm = static_cast<digest_algorithm>(i);
    authentication of{{.algorithms = {algorithm}}, shared};
    for (const auto& [qop, offer] :
         {std::pair{digest_qop::none, qop_offer::none},
          std::pair{digest_qop::auth, qop_offer::auth},
          std::pair{digest_qop::auth_int, qop_offer::auth_int},
          std::pair{digest_qop::auth, qop_offer::auth_or_auth_int},
          std::pair{digest_qop::auth_int, qop_offer::auth_or_auth_int}}) {
      phone p{.algorithm = algorithm, .qop = qop, .body = "hello"};
      EXPECT_EQ(verdict(of, p.request(authorization(p.credentials(nonce(offer))))), good)
          << to_string(algorithm) << ' ' << to_string(qop);
      p.password = "Secret";
      EXPECT_EQ(verdict(of, p.request(authorization(p.credentials(nonce(offer))))), wrong)
          << to_string(algorithm) << ' ' << to_string(qop);
    }
  }
}

TEST_F(authenticating, challenges_in_the_order_of_preference_with_one_nonce_rfc8760_2_3) {
  const authentication of{{.algorithms = {digest_algorithm::sha_512_256, digest_algorithm::sha_256,
                                          digest_algorithm::md5}},
                          shared};
  const auto texts = values(of, own_space, qop_offer::auth_or_auth_int, stale);
  ASSERT_EQ(texts.size(), 3u);
  std::string order;
  for (const std::string& text : texts) {
    const auto c = sip::challenge::parse(text);
    ASSERT_TRUE(c) << text;
    (order += c->algorithm()) += ' ';
    EXPECT_EQ(c->nonce(), sip::challenge::parse(texts[0])->nonce());
    EXPECT_EQ(c->realm(), "example.com");
    EXPECT_TRUE(c->is_stale());
    EXPECT_TRUE(c->offers_qop("auth") && c->offers_qop("auth-int"));
  }
  EXPECT_EQ(order, "SHA-512-256 SHA-256 MD5 ");
  const auto without = values(of, own_space, qop_offer::none, none);
  const auto plain = sip::challenge::parse(without[0]);
  EXPECT_FALSE(plain->params.has("qop"));
  EXPECT_FALSE(plain->params.has("stale"));
}

TEST_F(authenticating, has_status_and_headers_of_its_role_rfc3261_22_2_and_22_3) {
  EXPECT_EQ(challenge_status(challenger::user_agent), 401);
  EXPECT_EQ(challenge_status(challenger::proxy), 407);
  const phone p;
  constexpr protection_space proxy{.by = challenger::proxy, .realm = "example.com"};
  const std::string credentials = p.credentials(nonce());
  EXPECT_EQ(verdict(auth, p.request(authorization(credentials)), asked_at, proxy), none);
  EXPECT_EQ(verdict(auth, p.request("Proxy-" + authorization(credentials)), asked_at, own_space),
            none);
  EXPECT_EQ(verdict(auth, p.request("Proxy-" + authorization(credentials)), asked_at, proxy), good);
}

TEST_F(authenticating, never_asks_an_ack_or_a_cancel_rfc3261_22_1) {
  for (const std::string method : {"ACK", "CANCEL"}) {
    phone p;
    p.method = method;
    EXPECT_EQ(verdict(p, ""), exempt);
    EXPECT_EQ(verdict(p, authorization("Digest nonsense")), exempt);
  }
  for (const std::string method :
       {"INVITE", "BYE", "PRACK", "MESSAGE", "OPTIONS", "X-OWN", "ack"}) {
    phone p;
    p.method = method;
    EXPECT_EQ(verdict(p, ""), none) << method;
    EXPECT_EQ(verdict(p), good) << method;
  }
}

TEST_F(authenticating, tells_an_unknown_user_from_a_wrong_password_by_nothing) {
  phone stranger{.username = "nobody"};
  phone guesser{.password = "guess"};
  EXPECT_EQ(verdict(stranger), wrong);
  EXPECT_EQ(verdict(guesser), wrong);
  // Nor by an old nonce: what is stale has the right password.
  for (const phone& p : {stranger, guesser})
    EXPECT_EQ(verdict(p, authorization(p.credentials(nonce())), asked_at + seconds{301}), wrong);
  // A stored value of another size is nobody's, too.
  const phone p;
  const auto request = p.request(authorization(p.credentials(nonce())));
  const auto claim = auth.read(request, own_space);
  for (const ha1& stored : {ha1{}, *ha1::parse("d41d8cd98f00b204e9800998ecf8427e")})
    EXPECT_EQ(auth.judge(*claim, &stored, own_space, asked_at), wrong);
}

TEST_F(authenticating, says_stale_when_only_the_nonce_is_too_old_or_not_ours_rfc7616_3_3) {
  const phone p;
  const std::string credentials = authorization(p.credentials(nonce()));
  EXPECT_EQ(verdict(p, credentials, asked_at + seconds{300}), stale);
  EXPECT_EQ(verdict(p, credentials), good);
  for (const std::string other : {"x", "dcd98b7102dd2f0e8b11d0f600bfb0c093", "a\\b\"c"})
    EXPECT_EQ(verdict(p, authorization(p.credentials(other))), stale) << other;
  nonce_issuer of_another_process;
  const authentication before{{}, of_another_process};
  const std::string theirs = nonce_of(values(before, own_space, qop_offer::auth, none));
  EXPECT_EQ(verdict(p, authorization(p.credentials(theirs))), stale);
}

TEST_F(authenticating, binds_nonces_to_a_source_where_that_is_wanted) {
  const phone p;
  const protection_space here{.realm = "example.com", .source = "192.0.2.1"};
  const protection_space there{.realm = "example.com", .source = "192.0.2.2"};
  const auto request =
      p.request(authorization(p.credentials(nonce(qop_offer::auth, asked_at, here))));
  EXPECT_EQ(verdict(auth, request, asked_at, there), stale);
  EXPECT_EQ(verdict(auth, request, asked_at, own_space), stale);
  EXPECT_EQ(verdict(auth, request, asked_at, here), good);
}

TEST_F(authenticating, accepts_no_replay_of_100_000_on_either_of_two_shards_rfc7616_5_5) {
  authentication other_shard{{}, shared};
  const phone p{.algorithm = digest_algorithm::md5};
  const std::string mine = nonce();
  std::vector<sip::message> requests;
  for (unsigned count = 1; count <= 100; ++count)
    requests.push_back(p.request(authorization(p.credentials(mine, count))));
  for (auto& request : requests) EXPECT_EQ(verdict(auth, request), good);
  std::size_t accepted = 0;
  for (std::size_t i = 0; i < 100'000; ++i) {
    const auto got = verdict(i % 2 == 0 ? auth : other_shard, requests[i % requests.size()],
                             asked_at + milliseconds{i * 4});
    accepted += got == good ? 1 : 0;
    ASSERT_EQ(got, stale);
  }
  EXPECT_EQ(accepted, 0u);
}

TEST_F(authenticating, takes_each_nonce_once_where_there_is_no_qop) {
  const phone p{.qop = digest_qop::none};
  const std::string credentials = authorization(p.credentials(nonce(qop_offer::none)));
  EXPECT_EQ(verdict(p, credentials), good);
  EXPECT_EQ(verdict(p, credentials), stale);
}

TEST_F(authenticating, accepts_no_qop_and_no_algorithm_that_was_not_offered_rfc7616_5_6) {
  EXPECT_EQ(verdict(phone{.qop = digest_qop::none}, qop_offer::auth), malformed);
  EXPECT_EQ(verdict(phone{.qop = digest_qop::auth}, qop_offer::auth_int), malformed);
  EXPECT_EQ(verdict(phone{.qop = digest_qop::auth_int}, qop_offer::auth), malformed);
  EXPECT_EQ(verdict(phone{.qop = digest_qop::auth}, qop_offer::none), malformed);
  EXPECT_EQ(verdict(phone{.qop = digest_qop::none}, qop_offer::auth_or_auth_int), malformed);
  authentication strict{{.algorithms = {digest_algorithm::sha_256}}, shared};
  for (const auto weaker : {digest_algorithm::md5, digest_algorithm::md5_sess,
                            digest_algorithm::sha_256_sess, digest_algorithm::sha_512_256}) {
    const phone p{.algorithm = weaker};
    EXPECT_EQ(verdict(strict, p.request(authorization(p.credentials(nonce())))), none)
        << to_string(weaker);
  }
}

// RFC 7616 5.8: who is between the two takes the better challenge away, and the phone answers what
// is left.
TEST_F(authenticating, can_be_brought_to_the_weakest_algorithm_that_it_offers_and_no_further) {
  const phone weak{.algorithm = digest_algorithm::md5};
  EXPECT_EQ(verdict(weak), good) << "MD5 is among the defaults";
  const authentication strict{{.algorithms = {digest_algorithm::sha_256}}, shared};
  EXPECT_EQ(verdict(strict, weak.request(authorization(weak.credentials(nonce())))), none);
}

TEST_F(authenticating, of_a_session_wants_an_a1_of_the_present_cnonce) {
  const authentication of{{.algorithms = {digest_algorithm::sha_256_sess}}, shared};
  const std::string mine = nonce();
  phone p{.algorithm = digest_algorithm::sha_256_sess};
  EXPECT_EQ(verdict(of, p.request(authorization(p.credentials(mine)))), good);
  p.cnonce = "another";
  EXPECT_EQ(verdict(of, p.request(authorization(p.credentials(mine, 2)))), good);
  // RFC 7616 3.4.2 has the client keep the A1 of its first cnonce, which nobody remembers here.
  std::string text = p.credentials(mine, 3);
  text.replace(text.find("another"), 7, "abc");
  EXPECT_EQ(verdict(of, p.request(authorization(text))), wrong);
}

TEST_F(authenticating, has_each_of_its_algorithms_once_and_at_least_one) {
  const auto make = [&](std::vector<digest_algorithm> all) {
    const authentication made{{.algorithms = std::move(all)}, shared};
  };
  EXPECT_THROW(make({}), std::invalid_argument);
  EXPECT_THROW(make({digest_algorithm::md5, digest_algorithm::sha_256, digest_algorithm::md5}),
               std::invalid_argument);
  EXPECT_NO_THROW(make({digest_algorithm::md5, digest_algorithm::md5_sess}));
}

TEST_F(authenticating, makes_no_challenge_for_a_realm_that_no_line_can_carry) {
  for (const std::string_view realm :
       {std::string_view{"a\r\nVia: x"}, std::string_view{"a\nb"}, std::string_view{"a\0b", 3}}) {
    const protection_space odd{.by = challenger::user_agent, .realm = realm};
    EXPECT_TRUE(values(auth, odd, qop_offer::auth, none).empty());
  }
}

// So that one look at one request is one: who asks twice has to keep the first verdict.
TEST_F(authenticating, takes_the_count_of_a_request_with_the_first_judgement) {
  const phone p;
  const auto request = p.request(authorization(p.credentials(nonce())));
  EXPECT_EQ(verdict(auth, request), good);
  EXPECT_EQ(verdict(auth, request), stale);
}

TEST_F(authenticating, judges_the_first_credentials_of_its_realm_and_no_others_rfc3261_22_3) {
  const phone p;
  const phone elsewhere{.realm = "example.org"};
  const phone guesser{.password = "guess"};
  const std::string other = authorization(elsewhere.credentials("n"));
  const std::string basic =
      authorization("Basic YWxpY2U6c2VjcmV0") + authorization("Negotiate abc==");
  const std::string unknown = authorization(
      R"(Digest username="alice", realm="example.com", nonce="n", uri="sip:example.com",)"
      R"( response="00", algorithm=SHA-1)");
  const std::string broken = authorization("Digest username=\"alice");
  const auto right = [&] { return authorization(p.credentials(nonce())); };
  EXPECT_EQ(verdict(p, other), none);
  EXPECT_EQ(verdict(p, basic), none);
  EXPECT_EQ(verdict(p, unknown), none);
  EXPECT_EQ(verdict(p, broken), malformed);
  EXPECT_EQ(verdict(p, other + basic + unknown + broken + right()), good);
  EXPECT_EQ(verdict(p, authorization(guesser.credentials(nonce())) + right()), wrong)
      << "one guess a request";
}

TEST_F(authenticating, refuses_what_is_malformed_in_any_way_rfc7616_3_4) {
  const phone p;
  const std::string whole = p.credentials(nonce());
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string text = whole;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return authorization(text.replace(at, from.size(), to));
  };
  const std::string response = whole.substr(whole.find("response=\"") + 10, 64);
  const std::string mine = std::string{sip::credentials::parse(whole)->nonce()};
  for (const std::string& text : {
           with("username=\"alice\"", "user=\"alice\""),
           with("username=\"alice\"", "username=\"\""),
           with("username=\"alice\"", "username=\"" + std::string(256, 'a') + "\""),
           with("username=\"alice\"", "username=\"alice\", username=\"bob\""),
           with("username=\"alice\"", "username=\"alice\", USERNAME=\"alice\""),
           with("username=\"alice\"", "username=\"alice\", userhash=true"),
           with("username=\"alice\"", "username*=UTF-8''alice"),
           with("username=\"alice\"", "username=\"ali\\\x1b[1mce\""),
           with("username=\"alice\"", "username=\"ali\\\x01\""),
           with("username=\"alice\"", "username=\"ali\\\x7f\""),
           with("username=\"alice\"", "username=\"ali\tce\""),
           with("username=\"alice\"", "username=\"ali\xe9\""),
           with("username=\"alice\"", "username=\"ali\xc0\x80\""),
           with("realm=\"example.com\"", "realms=\"example.com\""),
           with("realm=\"example.com\"", "realm=\"example.com\", realm=\"example.com\""),
           with("nonce=\"" + mine + "\"", "nonce=\"\""),
           with(", nonce=\"" + mine + "\"", ""),
           with("uri=\"sip:example.com\"", "uri=\"\""),
           with("uri=\"sip:example.com\"", "uri=\"sip:example.org\""),
           with("uri=\"sip:example.com\"", "uri=\"sips:example.com\""),
           with("uri=\"sip:example.com\"", "uri=\"sip:alice@example.com\""),
           with("uri=\"sip:example.com\"", "uri=\"sip:example.com:5061\""),
           with("uri=\"sip:example.com\"", "uri=\"not a uri\""),
           with(response, ""),
           with(response, "00"),
           with(response, response.substr(1)),
           with(response, response.substr(2)),
           with(response, response + "00"),
           with(response, response + std::string(64, '0')),
           with(response, "g" + response.substr(1)),
           with("nc=00000001", "nc=00000000"),
           with("nc=00000001", "nc=1"),
           with("nc=00000001", "nc=000000001"),
           with("nc=00000001", "nc=+0000001"),
           with("nc=00000001", "nc=-0000001"),
           with("nc=00000001", "nc=0x000001"),
           with("nc=00000001", "nc=\"\""),
           with(", nc=00000001", ""),
           with("nc=00000001", "nc=00000001, nc=00000002"),
           with("cnonce=\"abc\"", "cnonce=\"\""),
           with(", cnonce=\"abc\"", ""),
           with("qop=auth", "qop=auth-conf"),
           with("qop=auth", "qop=\"\""),
           with("qop=auth", "qop=\"auth,auth-int\""),
           authorization("Digest"),
           authorization("Digest "),
           authorization("Digest ,"),
           authorization("Digest abc=="),
           authorization("Digest realm=\"example.com\""),
           authorization(whole + ", x"),
           authorization(whole + " y"),
           authorization(whole + ", z=\""),
       })
    EXPECT_EQ(verdict(p, text), malformed) << text;
  EXPECT_EQ(verdict(p, authorization(whole)), good) << "and none of them used the nonce up";
}

TEST_F(authenticating, reads_cases_blanks_quotes_and_unknown_parameters_as_they_may_be_written) {
  const phone p;
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string text = p.credentials(nonce());
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return authorization(text.replace(at, from.size(), to));
  };
  EXPECT_EQ(verdict(p, with("Digest ", "dIGEST   ")), good);
  EXPECT_EQ(verdict(p, with("Digest ", "Digest\r\n  ")), good);
  EXPECT_EQ(verdict(p, with("username=", "USERNAME = ")), good);
  EXPECT_EQ(verdict(p, with("username=\"alice\"", "username=alice")), good);
  EXPECT_EQ(verdict(p, with("username=\"alice\"", R"(username="\a\l\i\c\e")")), good);
  EXPECT_EQ(verdict(p, with("realm=\"example.com\"", R"(realm="ex\ample.com")")), good);
  EXPECT_EQ(verdict(p, with("qop=auth", "qop=\"auth\"")), good);
  EXPECT_EQ(verdict(p, with("algorithm=SHA-256", "algorithm=\"sha-256\"")), good);
  EXPECT_EQ(verdict(p, with("Digest ", "Digest opaque=\"x\", auth-param=1, ")), good);
}

TEST_F(authenticating, takes_quotes_and_backslashes_for_what_they_mean_rfc7616_3_4) {
  const protection_space odd{.realm = R"(a "b\c")"};
  const phone p{.username = R"(al"i\ce)", .realm = std::string{odd.realm}, .cnonce = R"("\)"};
  const auto texts = values(auth, odd, qop_offer::auth, none);
  EXPECT_EQ(sip::plain_text{sip::challenge::parse(texts[0])->realm()}.view(), odd.realm);
  const auto request =
      p.request(authorization(p.credentials(nonce(qop_offer::auth, asked_at, odd))));
  EXPECT_EQ(auth.read(request, odd)->username.view(), p.username);
  EXPECT_EQ(verdict(auth, request, asked_at, odd), good);
}

TEST_F(authenticating, parts_a_user_name_at_its_last_at_sign) {
  const auto parts = [this](const std::string& username) {
    const phone p{.username = username};
    const auto request = p.request(authorization(p.credentials(nonce())));
    const auto claim = auth.read(request, own_space);
    EXPECT_EQ(claim->username.view(), username);
    return std::pair{std::string{claim->user()}, std::string{claim->domain()}};
  };
  using both = std::pair<std::string, std::string>;
  EXPECT_EQ(parts("alice"), (both{"alice", ""}));
  EXPECT_EQ(parts("alice@example.com"), (both{"alice", "example.com"}));
  EXPECT_EQ(parts("a@b@c"), (both{"a@b", "c"}));
  EXPECT_EQ(parts("alice@"), (both{"alice", ""}));
  EXPECT_EQ(parts("@c"), (both{"", "c"}));
  EXPECT_EQ(verdict(phone{.username = "alice@example.com"}), good);
}

TEST_F(authenticating, wants_the_uri_of_the_target_unless_told_otherwise_rfc7616_3_4_6) {
  EXPECT_EQ(verdict(phone{.uri = "sip:EXAMPLE.com;transport=tcp"}), good);
  EXPECT_EQ(verdict(phone{.uri = "sip:example.com;lr"}), good);
  EXPECT_EQ(verdict(phone{.uri = "sip:example.com:5060"}), good) << "the default of the scheme";
  EXPECT_EQ(verdict(phone{.request_uri = "sip:example.com:5060"}), good);
  EXPECT_EQ(verdict(phone{.uri = "sip:example.com:5061"}), malformed);
  EXPECT_EQ(verdict(phone{.uri = "sips:example.com:5061", .request_uri = "sips:example.com"}),
            good);
  EXPECT_EQ(verdict(phone{.uri = "sips:example.com", .request_uri = "sips:example.com:5060"}),
            malformed);
  const phone p{.uri = "sip:192.0.2.1:5060"};
  EXPECT_EQ(verdict(p), malformed);
  authentication lenient{{.uri_rule = digest_uri_rule::any}, shared};
  EXPECT_EQ(verdict(lenient, p.request(authorization(p.credentials(nonce())))), good);
}

TEST_F(authenticating, does_not_take_a_response_for_another_method_body_or_user) {
  const phone p{.qop = digest_qop::auth_int, .body = "one"};
  phone other = p;
  const std::string mine = nonce(qop_offer::auth_int);
  other.body = "two";
  EXPECT_EQ(verdict(auth, other.request(authorization(p.credentials(mine)))), wrong);
  other = p;
  other.method = "INVITE";
  EXPECT_EQ(verdict(auth, other.request(authorization(p.credentials(mine)))), wrong);
  std::string text = p.credentials(mine);
  EXPECT_EQ(verdict(auth, p.request(authorization(text.replace(text.find("alice"), 5, "bobby")))),
            wrong);
}

#ifdef TANDEM_COUNTS_ALLOCATIONS
using tandem::for_test::allocations;

TEST_F(authenticating, asks_for_no_memory_of_its_own_when_all_is_well) {
  const phone p;
  const std::string mine = nonce();
  std::vector<sip::message> requests;
  for (unsigned count = 1; count <= 3; ++count)
    requests.push_back(p.request(authorization(p.credentials(mine, count))));
  const auto known = make_ha1(p.algorithm, p.username, p.realm, p.password);
  std::size_t taken = 0;
  for (const auto& request : requests) {
    const std::size_t before = allocations;
    const auto claim = auth.read(request, own_space);
    const std::size_t read = allocations;
    EXPECT_EQ(auth.judge(*claim, &*known, own_space, asked_at), good);
    EXPECT_EQ(read - before, 0u);
    taken = allocations - read;
  }
  EXPECT_LE(taken, 7u) << "OpenSSL's own, for two hashes and an HMAC";
}

TEST_F(authenticating, takes_as_many_steps_for_a_stranger_as_for_a_user) {
  const phone p;
  const auto known = make_ha1(p.algorithm, p.username, p.realm, p.password);
  const auto other = make_ha1(p.algorithm, p.username, p.realm, "another");
  const auto steps = [&](const ha1* stored, auth_verdict expected, instant now = asked_at) {
    const auto request = p.request(authorization(p.credentials(nonce())));
    const auto claim = auth.read(request, own_space);
    static_cast<void>(auth.judge(*claim, stored, own_space, now)); // what OpenSSL keeps is there
    const std::size_t before = allocations;
    EXPECT_EQ(auth.judge(*claim, stored, own_space, now), expected);
    return allocations - before;
  };
  const std::size_t stranger = steps(nullptr, wrong);
  EXPECT_EQ(steps(&*other, wrong), stranger);
  EXPECT_EQ(steps(&*known, stale), stranger);
  EXPECT_EQ(steps(&*known, stale, asked_at + seconds{301}), stranger);
}

TEST_F(authenticating, asks_for_no_memory_of_its_own_to_challenge) {
  const auto request = phone{}.request("");
  const auto taken = [&](const protection_space& space) {
    sip::response_writer out{request, 401, "", "tag"};
    EXPECT_TRUE(auth.add_challenges(out, space, qop_offer::auth, none, asked_at));
    const std::size_t before = allocations;
    EXPECT_TRUE(auth.add_challenges(out, space, qop_offer::auth, stale, asked_at));
    return allocations - before;
  };
  EXPECT_LE(taken(own_space), 5u) << "OpenSSL's own, for an HMAC";
}

TEST_F(authenticating, fails_without_blame_or_challenge_when_openssl_has_no_memory) {
  const phone p;
  const auto known = make_ha1(p.algorithm, p.username, p.realm, p.password);
  const auto request = p.request(authorization(p.credentials(nonce())));
  const auto claim = auth.read(request, own_space);
  sip::response_writer out{request, 401, "", "tag"};
  using tandem::for_test::failing_allocation;
  allocations = 0;
  failing_allocation = 1;
  const auto judged = auth.judge(*claim, &*known, own_space, asked_at);
  allocations = 0;
  const bool is_challenged = auth.add_challenges(out, own_space, qop_offer::auth, none, asked_at);
  failing_allocation = 0;
  EXPECT_EQ(judged, failed);
  EXPECT_FALSE(is_challenged);
  EXPECT_EQ(auth.judge(*claim, &*known, own_space, asked_at), good) << "nothing was used up";
}
#endif

} // namespace
} // namespace tandem::stack
