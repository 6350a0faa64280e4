// SPDX-License-Identifier: Apache-2.0
// What a script sees, and its callers are told, at the bounds of what transactions keep.
#include <tandem/modules/script_fixture_for_test.hpp>

namespace tandem::modules::for_test {
namespace {

class tm_bounds : public script_fixture {
 protected:
  static request_parts large(unsigned number) {
    auto p = request("INVITE");
    p.via += std::to_string(number);
    p.call_id = "call-" + std::to_string(number);
    p.body = std::string(20'000, 'x');
    return p;
  }
};

// RFC 3261 21.5.4
TEST_F(tm_bounds,
       a_request_whose_client_transaction_finds_no_room_is_answered_503_with_retry_after) {
  load_route("t_relay();", "overload_retry_after=7\n");
  auto within = large(1);
  within.method = "MESSAGE";
  within.to += ";tag=bob-1"; // which has twice the bound
  // Room for the request as it came, and not for its copy, which is longer by our Via.
  layer.set_kept_limits(
      {.in_all = 1'000'000, .per_source = stack::for_test::request_text(within).size() / 2 + 1});
  receive(within);
  EXPECT_EQ(take_parsed("503").first(sip::header_id::retry_after), "7");
  EXPECT_EQ(sent(), "");
  EXPECT_EQ(layer.counters().servers, 1U);
  EXPECT_EQ(layer.counters().clients, 0U);
  EXPECT_EQ(layer.counters().out_of_bytes, 1U);
}

TEST_F(tm_bounds, what_a_failure_route_keeps_is_charged_to_its_source_and_given_back) {
  load_route(R"(if (method == "INVITE") t_on_failure("1"); t_relay();)", "failure_route[1] { }\n");
  auto plain = large(1);
  plain.method = "MESSAGE";
  receive(plain);
  const std::size_t without = layer.kept_bytes();
  answer(take("MESSAGE"), 486);
  out.advance(seconds{100});
  ASSERT_EQ(layer.kept_bytes(), 0U);
  sent();

  // The request as it came, which the block sees.
  receive(large(2));
  EXPECT_GE(layer.kept_bytes(), without + large(2).body.size());
  // It fills what this source may keep, and nobody else's.
  layer.set_kept_limits({.in_all = 1'000'000, .per_source = without + 30'000});
  take("100");
  const auto invite = take("INVITE");
  receive(large(3));
  EXPECT_EQ(layer.counters().out_of_bytes, 1U);
  sent();
  receive(large(4), "192.0.2.9:5060");
  EXPECT_EQ(layer.counters().out_of_bytes, 1U);
  take("100");
  const auto other = take("INVITE");

  answer(invite, 486);
  answer(other, 486);
  out.advance(seconds{100});
  EXPECT_EQ(layer.kept_bytes(), 0U);
}

} // namespace
} // namespace tandem::modules::for_test
