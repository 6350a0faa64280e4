// SPDX-License-Identifier: Apache-2.0
// Each allocation of a whole REGISTER, and of a whole call through a script, fails in turn: that
// one request may be refused or lost, nothing stays behind, and the next one is served.
#include <tandem/base/count_allocations_for_test.hpp>
#ifdef TANDEM_COUNTS_ALLOCATIONS
#include <tandem/modules/script_fixture_for_test.hpp>
#include <tandem/sip/headers.hpp>
#include <tandem/sip/single_values.hpp>

#include <set>
#include <thread>

namespace tandem::modules::for_test {
namespace {

using tandem::for_test::allocations;
using tandem::for_test::failing_allocation;

class server_without_memory : public script_fixture {
 public:
  server_without_memory() {
    load(R"(
      loadmodule "sl" loadmodule "tm" loadmodule "rr" loadmodule "maxfwd" loadmodule "usrloc"
      loadmodule "registrar" loadmodule "textops" loadmodule "xlog"
      route {
        if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); break; }
        if (loose_route()) { t_relay(); break; }
        if (method=="REGISTER") { save("location"); break; }
        if (method=="CANCEL") { t_relay(); break; }
        if (!lookup("location")) { sl_send_reply("404", "Not Found"); break; }
        record_route();
        t_on_failure("1");
        t_on_reply("1");
        if (!t_relay()) sl_reply_error();
      }
      failure_route[1] { append_hf("P-Failed: yes\r\n"); }
      onreply_route[1] { append_hf("P-Seen: yes\r\n"); }
    )");
  }
  void TestBody() override {}

  /// The n-th allocation from now on fails; 0: none.
  void fail(std::size_t n) { left_ = n; }
  [[nodiscard]] bool has_failed() const noexcept { return left_ == 0; }

  /// \return what was sent on it
  std::vector<std::string> receive(const std::string& text, std::string_view from) {
    auto source = stack::for_test::arrived_from(from);
    source.at = out.now();
    const std::size_t before = allocations;
    if (left_ != 0) failing_allocation = before + left_;
    out.to_tell().take([&] {
      auto m = sip::message::parse(text);
      if (!m) return;
      stack::stamp_top_via(*m, source.source);
      if (m->is_request())
        layer.receive_request(*m, source);
      else
        layer.receive_response(*m, source);
    });
    out.end_turn();
    failing_allocation = 0;
    if (left_ != 0) left_ -= std::min(left_, allocations - before);
    std::vector<std::string> sent;
    for (; !out.sent.empty(); out.sent.pop_front()) sent.push_back(out.sent.front().text);
    return sent;
  }

  /// \return final answers, each status once
  std::set<int> register_bob(unsigned cseq) {
    auto p = request("REGISTER");
    p.uri = "sip:192.0.2.100";
    p.to = p.from = "<sip:bob@192.0.2.100>";
    p.from += ";tag=1";
    p.call_id = "a-registration-of-bob-at-192.0.2.2";
    p.cseq = cseq;
    p.via = "SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKregister" + std::to_string(cseq);
    p.more = "Contact: <sip:bob@192.0.2.2:5060>;expires=3600\r\n";
    std::set<int> statuses;
    for (const std::string& text : receive(stack::for_test::request_text(p), "192.0.2.2:5060"))
      statuses.insert(parsed(text).status());
    return statuses;
  }
  /// Contacts of bob, by a query.
  std::size_t contacts(unsigned number) {
    auto p = request("REGISTER");
    p.uri = "sip:192.0.2.100";
    p.to = p.from = "<sip:bob@192.0.2.100>";
    p.from += ";tag=1";
    p.call_id = "a-query";
    p.via = "SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKquery" + std::to_string(number);
    const auto sent = receive(stack::for_test::request_text(p), "192.0.2.2:5060");
    return sent.size() == 1 ? sip::count_values(parsed(sent[0]), sip::header_id::contact) : 0;
  }

  /// Says all that the two sides of a call say, and repeats what nobody answered.
  /// \return the final statuses that reached the caller
  std::set<int> place_call(unsigned n, int answer) {
    const auto unique = std::to_string(n);
    auto p = request("INVITE");
    p.uri = "sip:bob@192.0.2.100";
    p.call_id = "a-call-of-some-length-at-192.0.2.1-" + unique;
    p.via = "SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bKinvite" + unique;
    p.body = std::string(150, 'x');
    statuses_.clear();
    route_.clear();
    for (int attempt = 0; attempt < 4 && statuses_.empty(); ++attempt) {
      say(stack::for_test::request_text(p), "192.0.2.1:5062", answer);
      advance(milliseconds{500}, answer);
    }
    auto finals = statuses_;
    p.method = "ACK";
    p.to += ";tag=bob-1";
    p.body.clear();
    if (finals.contains(200)) {
      p.via += "ack";
      p.uri = "sip:bob@192.0.2.2:5060";
      p.more = route_.empty() ? "" : "Route: " + route_ + "\r\n";
    }
    say(stack::for_test::request_text(p), "192.0.2.1:5062", answer);
    if (!finals.contains(200)) return finals;
    p.method = "BYE";
    p.cseq = 2;
    p.via = "SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bKbye" + unique;
    say(stack::for_test::request_text(p), "192.0.2.1:5062", answer);
    return finals;
  }

  void expect_nothing_left() {
    out.advance(std::chrono::hours{2});
    out.sent.clear();
    EXPECT_EQ(layer.size(), 0U);
    EXPECT_EQ(core->proxy().size(), 0U);
    EXPECT_FALSE(core->has_unanswered());
    EXPECT_EQ(layer.counters().impossible, 0U);
  }

 private:
  /// Both sides answer until nobody says anything more.
  void say(const std::string& text, std::string_view from, int answer) {
    for (const std::string& sent : receive(text, from)) hear(sent, answer);
  }
  void hear(const std::string& text, int answer) {
    const auto m = parsed(text);
    if (m.is_request()) {
      if (m.method() == sip::method::ack) return;
      if (m.method() != sip::method::invite)
        return say(answer_text(text, 200), "192.0.2.2:5060", answer);
      if (const auto route = m.first(sip::header_id::record_route)) route_ = *route;
      say(answer_text(text, 180), "192.0.2.2:5060", answer);
      say(answer_text(text, answer), "192.0.2.2:5060", answer);
    } else if (m.status() >= 200 && m.key()->cseq_method == sip::method::invite) {
      statuses_.insert(m.status());
    }
  }
  void advance(duration by, int answer) {
    out.advance(by);
    std::vector<std::string> sent;
    for (; !out.sent.empty(); out.sent.pop_front()) sent.push_back(out.sent.front().text);
    for (const std::string& text : sent) hear(text, answer);
  }

  std::size_t left_ = 0;
  std::set<int> statuses_;
  std::string route_;
};

/// Has each allocation fail in turn, in a thread of its own each: blocks that a thread has had are
/// had without allocation.
template <typename F>
void fail_each(F&& what) {
  bool is_beyond = false;
  for (std::size_t n = 1; !is_beyond && !::testing::Test::HasFailure(); ++n) {
    ASSERT_LT(n, 5'000U);
    std::thread{[&] {
      SCOPED_TRACE("allocation " + std::to_string(n));
      server_without_memory t;
      is_beyond = !what(t, n);
    }}.join();
  }
}

TEST(without_memory, a_register_is_refused_or_lost_and_the_next_one_is_served) {
  fail_each([](server_without_memory& t, std::size_t n) {
    t.fail(n);
    const auto first = t.register_bob(1);
    const bool has_failed = t.has_failed();
    t.fail(0);
    EXPECT_LE(first.size(), 1U) << "at most one final answer";
    for (const int status : first) EXPECT_TRUE(status == 200 || status >= 500) << status;
    EXPECT_EQ(t.register_bob(2), std::set{200}) << "the next one is served";
    EXPECT_EQ(t.contacts(1), 1U);
    t.expect_nothing_left();
    EXPECT_EQ(t.contacts(2), 0U) << "it expires all the same";
    return has_failed;
  });
}

class calls_without_memory : public ::testing::TestWithParam<int> {};

TEST_P(calls_without_memory, end_and_the_next_one_is_served) {
  const int answer = GetParam();
  fail_each([answer](server_without_memory& t, std::size_t n) {
    EXPECT_EQ(t.register_bob(1), std::set{200});
    t.fail(n);
    const auto first = t.place_call(1, answer);
    const bool has_failed = t.has_failed();
    t.fail(0);
    EXPECT_LE(first.size(), 1U) << "at most one final answer";
    for (const int status : first) EXPECT_TRUE(status == answer || status >= 500) << status;
    EXPECT_EQ(t.place_call(2, answer), std::set{answer}) << "the next one is served";
    t.expect_nothing_left();
    return has_failed;
  });
}

INSTANTIATE_TEST_SUITE_P(callee, calls_without_memory, ::testing::Values(200, 486));

} // namespace
} // namespace tandem::modules::for_test
#endif
