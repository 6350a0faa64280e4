// SPDX-License-Identifier: Apache-2.0
// Each allocation of a request of ours fails in turn: it may be refused or fail, its caller has one
// answer all the same, nothing stays behind, and the next request is served.
#include <tandem/base/count_allocations_for_test.hpp>
#ifdef TANDEM_COUNTS_ALLOCATIONS
#include <tandem/stack/failing_turns_for_test.hpp>
#include <tandem/stack/request_draft.hpp>
#include <tandem/stack/user_agent_client.hpp>

#include <thread>

namespace tandem::stack {
namespace {

using namespace for_test;

/// An agent in a world that allocates nothing of the agent's.
class frugal_agent final : public failing_turns, request_user {
 public:
  frugal_agent() { layer.set_core(*this); }

  /// An INVITE that is redirected, asked for a password and accepted twice, by a peer who says
  /// everything again. \return whether it was taken
  bool call(std::string_view call_id) {
    answers = 0;
    bool is_taken = false;
    turn([&] {
      auto made = make_own_request(
          {.method = "INVITE",
           .uri = "sip:bob@192.0.2.2",
           .headers = "From: sip:we@x\nTo: sip:bob@x\nCall-ID: " + std::string{call_id}});
      if (!made) return;
      is_taken = agent
                     .send(std::move(*made),
                           {.redirects = 2, .on_answer = [this](const own_answer&) { ++answers; }})
                     .has_value();
    });
    for (int attempt = 0; attempt < 60; ++attempt) {
      while (!out.sent.empty()) {
        const sent_message m = std::move(out.sent.front());
        out.sent.pop_front();
        if (m.kind() == "INVITE") answer_invite(m.text);
        if (m.kind() == "BYE" || m.kind() == "CANCEL") receive(answer_text(m.text, 200));
      }
      turn([&] { out.advance(seconds{10}); });
    }
    return is_taken;
  }

  user_agent_client agent{layer, [](const std::string& uri, const auto& found) {
                            const bool is_second = uri.find("192.0.2.3") != uri.npos;
                            const target one = is_second ? second_target() : first_target();
                            found({&one, 1});
                          }};
  int answers = 0;

 private:
  static target first_target() { return target_at("192.0.2.2"); }
  static target second_target() { return target_at("192.0.2.3"); }

  void answer_invite(const std::string& text) {
    const bool is_redirected = text.find("192.0.2.3 SIP/2.0") != text.npos;
    const bool has_password = text.find("Authorization: ") != text.npos;
    if (!is_redirected)
      return receive(answer_text(text, 302, "t", "Contact: <sip:bob@192.0.2.3>\r\n"));
    if (!has_password)
      return receive(answer_text(
          text, 401, "t", "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n"));
    receive(answer_text(text, 180, "one"));
    for (const std::string_view tag : {"one", "two", "one", "two"})
      receive(answer_text(text, 200, tag, "Contact: <sip:bob@192.0.2.2>\r\n"));
  }
  void receive(std::string_view text) { failing_turns::receive(text, "192.0.2.2:5060"); }
  void on_request(sip::message&, const arrival&) override {}
  void on_cancel(server_handle, sip::message&, const arrival&) override {}
  void on_stray_response(sip::message&, const arrival&) override {}
};

TEST(own_requests_memory, whichever_allocation_fails_the_caller_has_one_answer_and_nothing_stays) {
  bool is_beyond = false;
  for (std::size_t n = 1; !is_beyond; ++n) {
    ASSERT_LT(n, 2'000U);
    // A thread of its own, since blocks that a thread has had are had without allocation.
    std::thread{[&] {
      SCOPED_TRACE("allocation " + std::to_string(n));
      frugal_agent t;
      t.agent.set_accounts({{.realm = "r",
                             .host = "192.0.2.3",
                             .username = "we",
                             .password = secret{"open sesame"}}});
      t.fail(n);
      const bool is_taken = t.call("call-1");
      is_beyond = !t.has_failed();
      t.fail(0);
      EXPECT_EQ(t.answers, is_taken ? 1 : 0);
      EXPECT_TRUE(t.call("call-2"));
      EXPECT_EQ(t.answers, 1) << "the next one is served";
      t.out.advance(std::chrono::hours{1});
      EXPECT_EQ(t.agent.size(), 0U);
      EXPECT_EQ(t.agent.bytes(), 0U);
      EXPECT_EQ(t.layer.size(), 0U);
      EXPECT_EQ(t.layer.counters().impossible, 0U);
    }}.join();
  }
}

} // namespace
} // namespace tandem::stack
#endif
