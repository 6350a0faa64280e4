// SPDX-License-Identifier: Apache-2.0
// Who is let in by a script, asked by a phone that is made of nothing but the arithmetic.
#include <tandem/modules/auth/settings.hpp>
#include <tandem/modules/script_fixture_for_test.hpp>
#include <tandem/server/privileges.hpp>
#include <tandem/stack/digest_phone_for_test.hpp>
#include <tandem/storage/account_file.hpp>

#include <thread>

namespace tandem::modules::for_test {
namespace {

using phone = stack::for_test::digest_phone;
using storage::account_answer;
using storage::account_file;
using storage::account_key;
using storage::account_query;

std::string line_of(const phone& p) {
  return p.username + ":" + p.realm + ":" +
         std::string{stack::make_ha1(p.algorithm, p.username, p.realm, p.password)->reveal()} +
         "\n";
}

/// Accounts that answer late, or never: a database.
class slow_accounts final : public storage::accounts {
 public:
  explicit slow_accounts(std::string_view text) : known_{text, "slow"} {}
  [[nodiscard]] std::optional<account_answer> find(const account_key&) const override {
    return std::nullopt;
  }
  void fetch(account_query whose, std::function<void(account_answer)> done) override {
    asked.push_back([this, whose = std::move(whose), done = std::move(done)]() mutable {
      known_.fetch(std::move(whose), std::move(done));
    });
  }
  std::vector<std::function<void()>> asked;

 private:
  account_file known_;
};

class auth : public script_fixture {
 protected:
  auth() {
    auto& sources = shared.state<account_sources>().by_scheme;
    sources["text"] = [this](const std::string&) {
      return std::make_shared<account_file>(accounts, "text");
    };
    sources["slow"] = [this](const std::string&) {
      return slow = std::make_shared<slow_accounts>(accounts);
    };
  }

  void load_auth(std::string_view block, std::string_view more = {},
                 std::string_view url = "text:") {
    load_route(block, "loadmodule \"auth\"\nloadmodule \"auth_db\"\nloadmodule \"uri\"\n"
                      "modparam(\"auth\", \"algorithms\", \"SHA-256,MD5\")\n"
                      "modparam(\"auth_db\", \"db_url\", \"" +
                          std::string{url} + "\")\n" + std::string{more});
  }
  /// Of a request with these credentials, in a transaction of its own.
  request_parts asking(const phone& p, std::string_view credentials = {}) {
    request_parts r = request(p.method);
    r.uri = p.uri;
    r.via += std::to_string(++requests);
    r.call_id += std::to_string(requests);
    r.from = "<sip:" + p.username + "@example.com>;tag=1";
    r.to = "<sip:" + p.username + "@example.com>";
    if (!credentials.empty()) r.more = "Authorization: " + std::string{credentials} + "\r\n";
    return r;
  }
  /// The challenge for a request without credentials.
  std::string nonce_for(const phone& p) {
    receive(asking(p));
    return nonce_in(take_parsed("401"));
  }
  static std::string nonce_in(const sip::message& response) {
    const auto challenge =
        sip::challenge::parse(response.value(response.find(sip::header_id::www_authenticate)));
    return std::string{challenge->nonce()};
  }
  std::string answered(const phone& p, std::string_view credentials) {
    receive(asking(p, credentials));
    return sent();
  }
  std::string let_in(const phone& p) { return answered(p, p.credentials(nonce_for(p))); }

  phone alice;
  phone alice_md5{.algorithm = stack::digest_algorithm::md5};
  std::string accounts = line_of(alice) + line_of(alice_md5);
  std::shared_ptr<slow_accounts> slow;
  unsigned requests = 0;
};

const std::string usual = R"(if (!www_authorize("example.com", "subscriber")) {
    www_challenge("example.com", "1"); sl_send_reply("500", "went on"); }
  sl_send_reply("200", "OK");)";

TEST_F(auth, lets_in_who_knows_the_password_and_challenges_all_others_rfc3261_22_2) {
  load_auth(usual);
  EXPECT_EQ(let_in(alice), "200");
  EXPECT_EQ(let_in(alice_md5), "200");
  phone guesser = alice;
  guesser.password = "guess";
  EXPECT_EQ(let_in(guesser), "401");
  phone stranger = alice;
  stranger.username = "nobody";
  EXPECT_EQ(let_in(stranger), "401");
  phone elsewhere = alice;
  elsewhere.realm = "example.org";
  EXPECT_EQ(let_in(elsewhere), "401");
  EXPECT_EQ(answered(alice, "Digest nonsense"), "400");
  EXPECT_EQ(shared.metrics.value("tandem_auth_total", {{"result", "good"}}), 2);
  EXPECT_EQ(shared.metrics.value("tandem_auth_failures_total", {{"reason", "wrong"}}), 2);
  EXPECT_EQ(shared.metrics.value("tandem_auth_failures_total", {{"reason", "malformed"}}), 1);
}

TEST_F(auth, challenges_once_for_each_algorithm_and_says_when_only_the_nonce_is_stale_rfc7616_3_3) {
  load_auth(usual);
  receive(asking(alice));
  const auto first = take_parsed("401");
  EXPECT_EQ(first.count(sip::header_id::www_authenticate), 2u);
  EXPECT_EQ(first.to_string().find("stale"), std::string::npos);
  const std::string credentials = alice.credentials(nonce_in(first));
  EXPECT_EQ(answered(alice, credentials), "200");
  receive(asking(alice, credentials));
  EXPECT_NE(take_parsed("401").to_string().find("stale=true"), std::string::npos);
}

TEST_F(auth, of_one_request_is_judged_once_however_often_it_is_asked_for) {
  load_auth(
      R"(if (!www_authorize("example.com", "subscriber")) { www_challenge("example.com", "1"); }
    if (www_authorize("example.com", "subscriber")) sl_send_reply("200", "OK");
    else sl_send_reply("403", "second");)");
  EXPECT_EQ(let_in(alice), "200");
}

TEST_F(auth, as_proxy_is_407_by_its_own_headers_rfc3261_22_3) {
  load_auth(R"(if (!proxy_authorize("", "subscriber")) { proxy_challenge("", "auth-int"); }
    sl_send_reply("200", "OK");)");
  receive(asking(alice));
  const auto response = take_parsed("407");
  EXPECT_NE(response.to_string().find("qop=\"auth-int\""), std::string::npos);
  const auto challenge =
      sip::challenge::parse(response.value(response.find(sip::header_id::proxy_authenticate)));
  EXPECT_EQ(challenge->realm(), "example.com") << "To is ours";
  phone p = alice;
  p.qop = stack::digest_qop::auth_int;
  auto r = asking(p);
  r.more = "Proxy-Authorization: " + p.credentials(std::string{challenge->nonce()}) + "\r\n";
  receive(r);
  EXPECT_EQ(sent(), "200");
  auto foreign = asking(alice);
  foreign.to = "<sip:alice@elsewhere.example>";
  receive(foreign);
  EXPECT_EQ(sent(), "403") << "no realm of ours";
}

TEST_F(auth, never_asks_an_ack_or_a_cancel_and_they_prove_nobody_rfc3261_22_1) {
  load_auth(R"(if (www_authorize("example.com", "subscriber") && !is_user("alice") && !check_from())
      append_hf("X-Seen: yes\r\n");
    www_challenge("example.com", "1");)");
  for (const char* method : {"ACK", "CANCEL"}) {
    phone p = alice;
    p.method = method;
    EXPECT_EQ(answered(p, ""), "") << method;
  }
}

TEST_F(auth, knows_the_user_by_the_account_and_not_by_what_the_sender_says) {
  load_auth(
      R"(if (!www_authorize("example.com", "subscriber")) { www_challenge("example.com", "1"); }
    if (is_user("alice") && check_from() && check_to()) sl_send_reply("200", "$au@$ad $ar");
    else sl_send_reply("403", "$au");)");
  auto r = asking(alice, alice.credentials(nonce_for(alice)));
  receive(r);
  EXPECT_EQ(take_parsed("200").reason(), "alice@example.com example.com");
  for (const char* from : {"<sip:bob@example.com>;tag=1", "<sip:alice@elsewhere.example>;tag=1",
                           "<tel:+1201>;tag=1", "<sip:example.com>;tag=1"}) {
    r = asking(alice, alice.credentials(nonce_for(alice)));
    r.from = from;
    receive(r);
    EXPECT_EQ(sent(), "403") << from;
  }
}

TEST_F(auth, consumes_the_credentials_that_were_right_and_no_others) {
  load_auth(
      R"cfg(if (!www_authorize("example.com", "subscriber")) { www_challenge("example.com", "1"); }
    consume_credentials(); sl_send_reply("200", "$hdr(Authorization)");)cfg");
  auto r = asking(alice, alice.credentials(nonce_for(alice)));
  r.more += "Authorization: Digest realm=\"other\"\r\n";
  receive(r);
  EXPECT_EQ(take_parsed("200").reason(), "Digest realm=\"other\"");
}

TEST_F(auth, consumes_all_credentials_for_a_realm_whoever_they_are_of) {
  load_auth(
      R"cfg(consume_credentials("example.com"); sl_send_reply("200", "$hdr(Authorization)$hdr(Proxy-Authorization)");)cfg");
  auto r = asking(alice, alice.credentials("made up"));
  r.more += "Proxy-Authorization: Digest realm=\"example.com\", username=\"bob\"\r\n"
            "Authorization: Digest realm=\"other\"\r\n";
  receive(r);
  EXPECT_EQ(take_parsed("200").reason(), "Digest realm=\"other\"");
}

TEST_F(auth, sees_credentials_without_using_them_up) {
  load_auth(R"(if (has_credentials("example.com") && !has_credentials("example.org"))
      { www_authorize("example.com", "subscriber"); sl_send_reply("200", "$au"); }
    www_challenge("example.com", "1");)");
  receive(asking(alice, alice.credentials(nonce_for(alice))));
  EXPECT_EQ(take_parsed("200").reason(), "alice");
}

TEST_F(auth, takes_a_password_of_the_scripts_own) {
  const std::string ha1{
      stack::make_ha1(alice.algorithm, "alice", "example.com", "secret")->reveal()};
  for (const std::string& call : {std::string{"\"secret\""}, '"' + ha1 + "\", 1"}) {
    load_auth("if (pv_www_authenticate(\"example.com\", " + call +
              ")) { sl_send_reply(\"200\", \"OK\"); break; } "
              "www_challenge(\"example.com\", \"1\");");
    EXPECT_EQ(let_in(alice), "200") << call;
    phone guesser = alice;
    guesser.password = "guess";
    EXPECT_EQ(let_in(guesser), "401") << call;
  }
  load_auth(R"(if (!pv_www_authenticate("example.com", "secret")) www_challenge("example.com", "1");
    if (pv_www_authenticate("example.com", "another")) sl_send_reply("500", "another password");
    if (pv_www_authenticate("example.com", "secret") && www_authorize("example.com", "subscriber"))
      sl_send_reply("200", "$au");)");
  EXPECT_EQ(let_in(alice), "200") << "the same credentials, asked for in three ways";
  load_auth(
      R"cfg(if (pv_www_authenticate("example.com", "$hdr(X-None)")) sl_send_reply("200", "OK");
  www_challenge("example.com", "1");)cfg");
  phone empty = alice;
  empty.password = "";
  EXPECT_EQ(let_in(empty), "401") << "a variable without a value is no password";
}

TEST_F(auth, sends_a_qop_as_the_rfc_wants_unless_the_script_is_a_classic_one) {
  load_auth(R"(www_challenge("example.com", "0");)", "compat=\"rfc\"\n");
  receive(asking(alice));
  EXPECT_NE(take_parsed("401").to_string().find("qop=\"auth\""), std::string::npos);
  load_auth(R"(www_challenge("example.com", "0");)", "compat=\"classic\"\n");
  receive(asking(alice));
  EXPECT_EQ(take_parsed("401").to_string().find("qop"), std::string::npos);
}

TEST_F(auth, of_a_copy_of_a_forwarded_invite_is_not_asked_for_again) {
  load_auth(
      R"(if (!www_authorize("example.com", "subscriber")) { www_challenge("example.com", "1"); }
    forward("192.0.2.2", 5060);)");
  phone p = alice;
  p.method = "INVITE";
  const auto r = asking(p, p.credentials(nonce_for(p)));
  receive(r);
  EXPECT_EQ(sent(), "100 INVITE");
  receive(r);
  EXPECT_EQ(sent(), "100") << "absorbed, with what was answered last";
}

// ---- a source that has to be waited for

TEST_F(auth, waits_for_a_slow_source_and_lets_nobody_else_wait) {
  load_auth(usual, {}, "slow:");
  const std::string nonce = nonce_for(alice);
  const auto r = asking(alice, alice.credentials(nonce));
  receive(r);
  receive(r); // a copy
  ASSERT_EQ(slow->asked.size(), 1u);
  EXPECT_EQ(shared.metrics.value("tandem_auth_waiting"), 1);
  EXPECT_EQ(sent(), "");
  EXPECT_EQ(answered(alice, ""), "401") << "meanwhile";
  std::thread{slow->asked[0]}.join(); // from another thread
  ASSERT_TRUE(shard.run_until([&] { return !out.sent.empty(); }));
  EXPECT_EQ(sent(), "200");
  EXPECT_EQ(shared.metrics.value("tandem_auth_waiting"), 0);
  slow->asked[0] = nullptr;
}

TEST_F(auth, of_a_silent_source_is_500_at_the_deadline_and_a_late_answer_is_nothing) {
  load_auth(usual, "modparam(\"auth_db\", \"deadline\", 20)\n", "slow:");
  receive(asking(alice, alice.credentials(nonce_for(alice))));
  EXPECT_EQ(sent(), "");
  ASSERT_TRUE(shard.run_until([&] { return !out.sent.empty(); }));
  EXPECT_EQ(sent(), "500");
  slow->asked[0]();
  EXPECT_EQ(sent(), "");
  EXPECT_EQ(shared.metrics.value("tandem_auth_failures_total", {{"reason", "failed"}}), 1);
}

TEST_F(auth, beyond_the_bound_of_waits_is_503) {
  load_auth(usual, "modparam(\"auth_db\", \"max_waiting\", 1)\n", "slow:");
  const std::string nonce = nonce_for(alice);
  receive(asking(alice, alice.credentials(nonce, 1)));
  receive(asking(alice, alice.credentials(nonce, 2)));
  EXPECT_TRUE(take_parsed("503").has(sip::header_id::retry_after));
}

TEST_F(auth, without_a_source_lets_nobody_in_and_blames_nobody) {
  load_auth(usual, {}, "");
  EXPECT_EQ(answered(alice, ""), "500");
  load_auth(usual, "modparam(\"auth_db\", \"sha256_column\", \"ha1_sha256\")\n",
            "sqlite:/nowhere/x.db");
  receive(asking(alice, alice.credentials(nonce_for(alice))));
  ASSERT_TRUE(shard.run_until([&] { return !out.sent.empty(); }));
  EXPECT_EQ(sent(), "500") << "a database that cannot be asked";
}

// ---- what a script may say

TEST_F(auth, refuses_a_script_in_which_somebody_could_never_log_in) {
  accounts = line_of(alice_md5);
  EXPECT_THROW(load_auth(usual), server::start_error);
  accounts = "alice\n";
  EXPECT_THROW(load_auth(usual), server::start_error);
  EXPECT_THROW(load_auth(usual, "modparam(\"auth\", \"algorithms\", \"MD5-sess\")\n"),
               server::start_error);
  EXPECT_THROW(load_route("break;", "loadmodule \"auth_db\"\n"), server::start_error)
      << "without auth nobody could be asked";
  EXPECT_THROW(load_auth(usual, {}, "mysql://ser:heslo@localhost/ser"), server::start_error)
      << "SHA-256 is offered, and no column has hashes of it";
  EXPECT_THROW(load_auth(usual, {}, "oracle://x/y"), server::start_error);
}

TEST_F(auth, takes_the_accounts_of_the_script_that_was_loaded_last) {
  load_auth(usual);
  EXPECT_EQ(let_in(alice), "200");
  const std::string before = nonce_for(alice);
  phone changed = alice;
  changed.password = "changed";
  phone changed_md5 = alice_md5;
  changed_md5.password = "changed";
  accounts = line_of(changed) + line_of(changed_md5);
  load_auth(usual);
  EXPECT_EQ(answered(alice, alice.credentials(before)), "401");
  EXPECT_EQ(answered(changed, changed.credentials(before)), "200") << "nonces stay good";
}

} // namespace
} // namespace tandem::modules::for_test
