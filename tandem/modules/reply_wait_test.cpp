// SPDX-License-Identifier: Apache-2.0
// Routes of replies and of failures that wait for a program: what they hold comes on, in order,
// with their edits, and nothing is lost.
#include <tandem/modules/script_fixture_for_test.hpp>

namespace tandem::modules::for_test {
namespace {

class waiting_routes : public script_fixture {
 protected:
  /// Until so many messages have been sent.
  void await(std::size_t count) {
    EXPECT_TRUE(shard.run_until([&] { return out.sent.size() >= count; })) << sent();
  }
  stack::sent_message call() {
    receive(request("INVITE"));
    take("100");
    return take("INVITE");
  }
};

TEST_F(waiting_routes, pass_replies_on_in_the_order_in_which_they_came_with_their_edits) {
  load_route(R"(t_on_reply("1"); t_relay();)", R"(
onreply_route[1] { exec(["/bin/true"]); if (status=="180") append_hf("X-Seen: yes\r\n"); }
)");
  const auto invite = call();
  answer(invite, 180);
  answer(invite, 183);
  answer(invite, 200);
  EXPECT_EQ(sent(), "");
  await(3);
  EXPECT_EQ(take_parsed("180").first("X-Seen"), "yes");
  EXPECT_FALSE(take_parsed("183").has("X-Seen"));
  EXPECT_EQ(take_parsed("200").to_tag(), "bob-1");
  EXPECT_FALSE(core->has_unanswered());
}

TEST_F(waiting_routes, keep_the_replies_of_all_branches_until_the_best_is_known) {
  load_route(R"(t_on_reply("1"); append_branch("sip:b@192.0.2.3"); t_relay();)", R"(
onreply_route[1] { if (status=="486") exec(["/bin/true"]); }
)");
  const auto first = call();
  const auto second = take("INVITE");
  answer(first, 486);
  answer(second, 404, {}, "bob-2");
  EXPECT_EQ(sent(), "ACK ACK");
  await(1);
  EXPECT_EQ(sent(), "404");
}

TEST_F(waiting_routes, of_a_reply_and_of_the_failure_behind_it_follow_each_other) {
  load_route(R"(t_on_reply("1"); t_on_failure("1"); t_relay();)", R"(
onreply_route[1] { exec(["/bin/true"]); setflag(3); }
failure_route[1] { exec(["/bin/true"]); if (isflagset(3)) t_reply("480", "Seen"); }
)");
  const auto invite = call();
  answer(invite, 486);
  EXPECT_EQ(sent(), "ACK");
  await(1);
  EXPECT_EQ(take_parsed("480").reason(), "Seen");
}

TEST_F(waiting_routes, let_a_200_pass_that_the_caller_has_crossed_with_a_cancel) {
  load_route(R"(t_on_reply("1"); t_relay();)", R"(
onreply_route[1] { exec(["/bin/true"]); }
)");
  const auto invite = call();
  answer(invite, 200);
  receive(request("CANCEL"));
  take("200"); // of the CANCEL
  await(1);
  EXPECT_EQ(take_parsed("200").first(sip::header_id::cseq), "1 INVITE");
}

TEST_F(waiting_routes, end_with_the_server_and_hurt_nobody) {
  load_route(R"(t_on_reply("1"); t_relay();)", R"(
onreply_route[1] { exec(["/bin/true"]); }
)");
  answer(call(), 180);
  EXPECT_TRUE(core->has_unanswered());
  core.reset();
  bool is_over = false;
  shard.post([&] { is_over = true; });
  EXPECT_TRUE(shard.run_until([&] { return is_over; }));
  EXPECT_EQ(sent(), "");
}

} // namespace
} // namespace tandem::modules::for_test
