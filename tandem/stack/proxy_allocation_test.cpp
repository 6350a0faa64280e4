// SPDX-License-Identifier: Apache-2.0
// In steady state a proxied message allocates nothing: parse, transaction, forwarding, response.
#include <tandem/base/count_allocations_for_test.hpp>
#include <tandem/stack/messages_for_test.hpp>
#include <tandem/stack/proxy.hpp>
#include <tandem/stack/virtual_outbox.hpp>

#include <array>
#include <cstring>

#ifdef TANDEM_COUNTS_ALLOCATIONS
namespace tandem::stack {
namespace {

using namespace for_test;
using tandem::for_test::allocations;

class plain_proxy : public request_user, public proxy_user {
 public:
  plain_proxy() {
    layer.set_core(*this);
    out.is_quiet = true;
  }

  void receive(std::string_view text) {
    block_ref block = block_ref::make(text.size() + 1024);
    std::memcpy(block.data(), text.data(), text.size());
    const std::size_t before = allocations;
    auto m = sip::message::parse(std::move(block), text.size());
    ASSERT_TRUE(m);
    if (m->is_request())
      layer.receive_request(*m, from);
    else
      layer.receive_response(*m, from);
    out.end_turn();
    counted += allocations - before;
  }

  virtual_outbox out;
  transaction_layer layer{out, timer_settings{}};
  proxy core{layer, {}};
  std::size_t counted = 0;

 private:
  void on_request(sip::message& request, const arrival& source) override {
    const std::array<forward_to, 1> ways{{{"sip:bob@192.0.2.2", to}}};
    const auto routing = routing_hash(request, layer.secret());
    if (request.method() == sip::method::ack) {
      static_cast<void>(core.forward_stateless(request, source, ways[0], routing));
    } else if (const auto made = core.create(request, source, routing, *this, {})) {
      static_cast<void>(core.relay(*made, request, ways));
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

  arrival from = arrived_from("192.0.2.1:5060");
  std::array<target, 1> to{target_at("192.0.2.2")};
};

TEST(proxy_allocation, a_call_in_steady_state_allocates_nothing) {
  plain_proxy t;
  for (unsigned n = 0; n < 2'000; ++n) {
    if (n == 1'500) t.counted = 0; // what is needed once is kept: blocks of queues, too
    request_parts p;
    p.call_id = "call-" + std::to_string(n);
    p.via = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKinvite" + std::to_string(n);
    p.body = std::string(150, 'x');
    t.receive(request_text(p));
    const std::string invite{t.out.newest.bytes()};
    t.receive(answer_text(invite, 180));
    t.receive(answer_text(invite, 200));
    p.method = "ACK";
    p.via = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKack" + std::to_string(n);
    t.receive(request_text(p));
    p.method = "BYE";
    p.via = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKbye" + std::to_string(n);
    t.receive(request_text(p));
    const std::string bye{t.out.newest.bytes()};
    t.receive(answer_text(bye, 200));
    t.out.advance(seconds{1});
  }
  EXPECT_EQ(t.out.count, 2'000U * 7);
  EXPECT_EQ(t.counted, 0U);
}

} // namespace
} // namespace tandem::stack
#endif
