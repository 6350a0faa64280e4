// SPDX-License-Identifier: Apache-2.0
// Each allocation of a proxied call fails in turn: that call may be refused or lost, the machines
// stay whole, and the next call is served.
#include <tandem/base/count_allocations_for_test.hpp>
#ifdef TANDEM_COUNTS_ALLOCATIONS
#include <tandem/stack/failing_turns_for_test.hpp>
#include <tandem/stack/proxy.hpp>

#include <array>
#include <thread>

namespace tandem::stack {
namespace {

using namespace for_test;

/// A proxy whose user allocates nothing itself.
class frugal_proxy final : public failing_turns, request_user, proxy_user {
 public:
  frugal_proxy() { layer.set_core(*this); }

  /// Says everything that the two sides of a call say, and repeats what was lost.
  /// \return the final status that reached the caller.
  int place_call(unsigned n) {
    request_parts p;
    p.call_id = "call-" + std::to_string(n);
    p.via = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKinvite" + std::to_string(n);
    int status = 0;
    for (int attempt = 0; attempt < 4; ++attempt) {
      receive(request_text(p), "192.0.2.1:5060");
      while (!out.sent.empty()) {
        const sent_message m = std::move(out.sent.front());
        out.sent.pop_front();
        if (m.kind() == "INVITE") {
          receive(answer_text(m.text, 180), "192.0.2.2:5060");
          receive(answer_text(m.text, answer), "192.0.2.2:5060");
        } else if (m.kind() == "CANCEL" || m.kind() == "BYE") {
          receive(answer_text(m.text, 200), "192.0.2.2:5060");
        } else if (m.text.starts_with("SIP/2.0")) {
          const int got = parsed(m.text).status();
          if (got >= 200 && parsed(m.text).key()->cseq_method == sip::method::invite) status = got;
        }
      }
      turn([&] { out.advance(milliseconds{500}); });
    }
    p.method = "ACK";
    p.to += ";tag=bob-1";
    if (status < 300) p.via += "ack";
    receive(request_text(p), "192.0.2.1:5060");
    p.method = "BYE";
    p.cseq = 2;
    p.via = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKbye" + std::to_string(n);
    receive(request_text(p), "192.0.2.1:5060");
    while (!out.sent.empty()) {
      const sent_message m = std::move(out.sent.front());
      out.sent.pop_front();
      if (m.kind() == "BYE") receive(answer_text(m.text, 200), "192.0.2.2:5060");
    }
    return status;
  }

  proxy core{layer, {}};
  int answer = 200;

 private:
  void on_request(sip::message& request, const arrival& source) override {
    const std::array<forward_to, 1> ways{{{"sip:bob@192.0.2.2", to_}}};
    const auto routing = routing_hash(request, layer.secret());
    if (request.method() == sip::method::ack) {
      static_cast<void>(core.forward_stateless(request, source, ways[0], routing));
    } else if (const auto made = core.create(request, source, routing, *this, {})) {
      if (!core.relay(*made, request, ways)) core.drop(*made);
    }
  }
  void on_cancel(server_handle, sip::message&, const arrival&) override {}
  void on_stray_response(sip::message&, const arrival&) override {}
  reply_verdict on_reply(context_handle, user_tag, branch_handle, sip::message&,
                         const arrival&) override {
    return reply_verdict::pass;
  }
  failure_verdict on_failure(context_handle, user_tag, int, const sip::message*) override {
    return failure_verdict::decided;
  }
  void on_final(context_handle, user_tag, int) override {}
  void on_end(context_handle, user_tag) override {}

  std::array<target, 1> to_{target_at("192.0.2.2")};
};

class answers : public ::testing::TestWithParam<int> {};

TEST_P(answers, leave_the_machines_whole_whichever_allocation_of_the_call_fails) {
  bool is_beyond = false;
  for (std::size_t n = 1; !is_beyond; ++n) {
    ASSERT_LT(n, 5'000U);
    // A thread of its own, since blocks that a thread has had are had without allocation.
    std::thread{[&] {
      SCOPED_TRACE("allocation " + std::to_string(n));
      frugal_proxy t;
      t.answer = GetParam();
      t.fail(n);
      t.place_call(1);
      is_beyond = !t.has_failed();
      t.fail(0);
      EXPECT_EQ(t.place_call(2), GetParam()) << "the next call is served";
      t.out.advance(std::chrono::hours{1});
      EXPECT_EQ(t.layer.size(), 0U);
      EXPECT_EQ(t.core.size(), 0U);
      EXPECT_EQ(t.layer.counters().impossible, 0U);
    }}.join();
  }
}

INSTANTIATE_TEST_SUITE_P(of_the_callee, answers, ::testing::Values(200, 486));

} // namespace
} // namespace tandem::stack
#endif
