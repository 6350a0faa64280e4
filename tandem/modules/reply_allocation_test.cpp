// SPDX-License-Identifier: Apache-2.0
// In steady state a request that the server answers itself allocates nothing: parsed, judged, run
// through the script, answered. Not with sanitizers, which have a malloc of their own.
#include <tandem/base/count_allocations_for_test.hpp>
#include <tandem/modules/script_fixture_for_test.hpp>

#include <array>
#include <cstring>

#ifdef TANDEM_COUNTS_ALLOCATIONS

namespace tandem::modules::for_test {
namespace {

using tandem::for_test::allocations;

/// Keeps the last message as a reference, as a transport's queue does.
class plain_outbox : public stack::virtual_outbox {
 public:
  void send(const stack::target&, const stack::wire_message& message,
            stack::origin) noexcept override {
    last = message;
    ++count;
  }
  stack::wire_message last;
  std::size_t count = 0;
};

class reply_allocation : public basic_script_fixture<plain_outbox> {
 protected:
  void SetUp() override {
    load_route(R"(if (!mf_process_maxfwd_header("10")) {
                    sl_send_reply("483", "Too Many Hops");
                    break;
                  }
                  if (loose_route()) {
                    t_relay();
                    break;
                  }
                  if (uri==myself) {
                    if (method=="REGISTER") {
                      save("location");
                      break;
                    }
                    if (uri=~"^sip:u[0-9]+@") {
                      if (!lookup("location")) {
                        sl_send_reply("404", "Not Found");
                        break;
                      }
                    }
                    append_to_reply("Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER\r\n");
                    sl_send_reply("200", "OK");
                  })");
  }

  /// Receives a request, as a shard does, from a block that has room behind it.
  void count(const request_parts& p) {
    const std::string text = stack::for_test::request_text(p);
    block_ref block = block_ref::make(65'535);
    std::memcpy(block.data(), text.data(), text.size());
    const std::size_t before = allocations;
    out.to_tell().take([&] {
      auto m = sip::message::parse(std::move(block), text.size());
      ASSERT_TRUE(m);
      stack::stamp_top_via(*m, from_.source);
      from_.at = out.now();
      ASSERT_TRUE(layer.receive_request(*m, from_));
    });
    counted_ += allocations - before;
    ASSERT_TRUE(out.last.bytes().starts_with("SIP/2.0 200 ")) << out.last.bytes();
  }

  /// Allocations of the later ones of many such requests.
  template <typename F>
  std::size_t in_steady_state(F&& request_number) {
    counted_ = 0;
    for (unsigned n = 0; n < 100; ++n) {
      if (n == 20) counted_ = 0; // what the first ones need is kept
      count(request_number(n));
      out.advance(seconds{1});
    }
    return counted_;
  }

  static request_parts numbered(std::string method, unsigned n) {
    auto p = request(std::move(method));
    p.via = "SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bKnumber" + std::to_string(n);
    p.uri = "sip:192.0.2.100";
    p.call_id = "a-call-id-that-no-small-string-would-hold-" + std::to_string(n);
    return p;
  }

  static request_parts registration(unsigned n) {
    auto p = numbered("REGISTER", 0);
    p.via += std::to_string(n);
    p.uri = "sip:example.com";
    p.to = "<sip:u1234567890123456789@example.com>";
    p.from = p.to + ";tag=1";
    p.cseq = n + 1;
    p.more = "Contact: <sip:u1234567890123456789@192.0.2.1:5070;transport=udp>;expires=3600\r\n"
             "User-Agent: a phone with a name that is long enough\r\n";
    return p;
  }

 private:
  stack::arrival from_ = stack::for_test::arrived_from("192.0.2.1:5070");
  std::size_t counted_ = 0;
};

TEST_F(reply_allocation, options_in_steady_state_allocate_nothing) {
  EXPECT_EQ(in_steady_state([](unsigned n) { return numbered("OPTIONS", n); }), 0U);
}

TEST_F(reply_allocation, the_refresh_of_a_binding_allocates_nothing) {
  EXPECT_EQ(in_steady_state(registration), 0U);
  EXPECT_NE(out.last.bytes().find(";expires=3600\r\n"), std::string_view::npos);
}

TEST_F(reply_allocation, a_lookup_allocates_nothing) {
  count(registration(1));
  EXPECT_EQ(in_steady_state([](unsigned n) {
              auto p = numbered("OPTIONS", n);
              p.uri = "sip:u1234567890123456789@example.com";
              return p;
            }),
            0U);
}

} // namespace
} // namespace tandem::modules::for_test
#endif
