// SPDX-License-Identifier: Apache-2.0
// What one stranger makes the whole server send to an address that he named, over all his requests
// (RFC 9000 8.1). The victim never answers.
#include <tandem/modules/script_fixture_for_test.hpp>

#include <tandem/sip/single_values.hpp>
#include <tandem/stack/reflection.hpp>

#include <chrono>

namespace tandem::modules::for_test {
namespace {

constexpr std::string_view victim = "192.0.2.66";

class reflection : public script_fixture {
 protected:
  void send(request_parts p) {
    ++number_;
    p.via += std::to_string(number_);
    p.call_id += std::to_string(number_);
    spent_ += stack::for_test::request_text(p).size();
    receive(p, "203.0.113.7:5060");
    note();
  }
  /// \param contacts each at a port of its own
  void register_victim(unsigned user, unsigned contacts) {
    request_parts p = request("REGISTER");
    p.uri = "sip:" + std::string{victim};
    p.to = "<sip:u" + std::to_string(user) + "@example.com>";
    p.from = p.to + ";tag=1";
    for (unsigned i = 0; i < contacts; ++i)
      p.more += "m: <sip:" + std::string{victim} + ":" + std::to_string(5'000 + i) + ">\r\n";
    send(p);
  }
  void call(std::string method, std::string uri, std::string more = {}) {
    request_parts p = request(std::move(method));
    p.uri = std::move(uri);
    p.more = std::move(more);
    send(p);
  }
  void wait(duration time) {
    out.advance(time);
    note();
  }
  void note() {
    for (; !out.sent.empty(); out.sent.pop_front())
      if (out.sent.front().to.address.ip.is_in(*ip_address::parse(victim), 24))
        reflected_ += out.sent.front().text.size();
  }

  std::size_t spent_ = 0;     ///< bytes that the stranger has sent
  std::size_t reflected_ = 0; ///< bytes that went to the victim

 private:
  unsigned number_ = 0;
};

TEST_F(reflection, all_requests_and_registers_of_a_source_bring_ten_times_their_bytes_to_a_victim) {
  for (const char* const script : {
           R"(if (method=="REGISTER") save("location");
              else if (uri==myself) { if (lookup("location")) t_relay(); }
              else t_relay();)",
           // Each REGISTER counts once, though it is forwarded as well; so does a call of whose
           // failure the script makes another one.
           R"(if (method=="REGISTER") { save_noreply("location"); t_relay(); }
              else if (method=="OPTIONS" && uri==myself) {
                if (lookup("location")) { append_branch(); append_branch(); t_relay(); t_relay(); }
              }
              else if (uri==myself) { t_on_failure("1"); if (lookup("location")) t_relay(); }
              else { t_newtran(); t_on_failure("1"); t_relay(); })",
           // The script changes the user, and the host is still the stranger's.
           R"(if (method=="REGISTER") save("location");
              else if (uri==myself) sl_send_reply("404", "Not Found");
              else { rewriteuser("somebody"); record_route(); t_relay(); })"}) {
    load_route(script, R"(failure_route[1] { append_branch(); t_relay(); })");
    spent_ = reflected_ = 0;
    const std::string host{victim};
    for (unsigned round = 0; round < 40; ++round) {
      register_victim(round % 5, 1 + round % 32);
      const std::string user = "sip:u" + std::to_string(round % 5) + "@example.com";
      call("INVITE", user);
      call("OPTIONS", user);
      call("INVITE", "sip:x@" + host);
      call("MESSAGE", "sip:x@" + host + ":5070");
      call("OPTIONS", "sip:x@192.0.2.9", "Route: <sip:" + host + ";lr>\r\n");
      call("ACK", "sip:x@" + host);
      if (round % 8 == 0) wait(seconds{40});
    }
    wait(seconds{600});
    EXPECT_LE(reflected_, 10 * spent_) << script;
    EXPECT_GT(reflected_, spent_) << script;
  }
}

// One REGISTER names 32 victims, and then the smallest of requests comes again and again.
TEST_F(reflection, of_32_victims_is_ten_times_what_was_sent_and_once_what_is_lent) {
  load_route(R"(if (method=="REGISTER") save("location"); else if (lookup("location")) t_relay();)",
             {});
  request_parts p = request("REGISTER");
  p.uri = "sip:example.com";
  p.to = "<sip:bob@example.com>";
  p.from = p.to + ";tag=1";
  for (unsigned i = 0; i < 32; ++i)
    p.more += "m: <sip:" + std::string(300, 'u') + "@192.0.2." + std::to_string(100 + i) + ">\r\n";
  send(p);
  const instant begin = out.now();
  for (unsigned round = 0; round < 100; ++round) {
    call("OPTIONS", "sip:bob@example.com");
    if (round % 10 == 0) wait(seconds{1});
  }
  wait(seconds{40});
  const auto passed = std::chrono::duration_cast<seconds>(out.now() - begin).count();
  EXPECT_LE(reflected_, 10 * spent_ + stack::reflection_loans::at_a_time +
                            stack::reflection_loans::a_second * static_cast<std::size_t>(passed));
  EXPECT_GT(reflected_, spent_);
}

/// Contacts of one address that ring, when all were registered over this transport from there.
class phones_of_one_host : public script_fixture {
 protected:
  std::size_t ringing(transport_kind registered_over, const std::string& more = {}) {
    load_route(R"(if (method=="REGISTER") save("location");
                  else if (lookup("location")) t_relay();)",
               {});
    request_parts p = request("REGISTER");
    p.uri = "sip:example.com";
    p.to = "<sip:bob@example.com>";
    p.from = p.to + ";tag=1";
    p.more = more;
    for (unsigned i = 0; i < phones; ++i)
      p.more += "m: <sip:198.51.100.7:" + std::to_string(5'000 + i) + ">\r\n";
    auto m = stack::for_test::parsed(stack::for_test::request_text(p));
    auto from = stack::for_test::arrived_from("198.51.100.7:40000", registered_over, {1, 1, 0});
    from.at = out.now();
    stack::stamp_top_via(m, from.source);
    layer.receive_request(m, from);
    out.end_turn();
    out.sent.clear();

    request_parts call = request("INVITE");
    call.uri = "sip:bob@example.com";
    call.via += "call";
    call.call_id = "call";
    call.body = std::string(700, 'x');
    receive(call);
    std::size_t n = 0;
    while (!out.sent.empty()) n += out.take().kind() == "INVITE" ? 1 : 0;
    return n;
  }

  static constexpr unsigned phones = 30;
};

// The bound is there for a victim. Who registers over a connection has shown that it is none.
TEST_F(phones_of_one_host, all_ring_when_they_were_registered_over_a_connection_from_there) {
  EXPECT_EQ(ringing(transport_kind::tcp), phones);
}

TEST_F(phones_of_one_host, share_what_was_paid_when_the_source_of_their_register_may_be_forged) {
  const std::size_t some = ringing(transport_kind::udp);
  EXPECT_GT(some, 0U);
  EXPECT_LT(some, phones);
}

// The hop is the Path then, which anybody can write.
TEST_F(phones_of_one_host, have_proved_nothing_of_the_path_that_leads_to_them) {
  EXPECT_LT(ringing(transport_kind::tcp, "Path: <sip:192.0.2.66;lr>\r\nSupported: path\r\n"),
            phones);
}

} // namespace
} // namespace tandem::modules::for_test
