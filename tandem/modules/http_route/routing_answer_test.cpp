// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/http_route/routing_answer.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>

namespace tandem::modules {
namespace {

using action = routing_answer::action;
using ::testing::HasSubstr;

routing_answer good(std::string_view json) {
  auto read = read_routing_answer(json, false);
  EXPECT_TRUE(read) << json << ": " << read.error();
  return read ? std::move(*read) : routing_answer{};
}

std::string fault_of(std::string_view json, bool for_invite = false) {
  const auto read = read_routing_answer(json, for_invite);
  return read ? "none" : read.error();
}

TEST(routing_answer, lets_the_script_go_on) {
  EXPECT_EQ(good(R"({"action":"continue"})").what, action::go_on);
}

TEST(routing_answer, names_destinations_in_their_order) {
  const auto a = good(R"({"action":"relay","to":["sip:a@192.0.2.1",
      {"uri":"sip:b@example.com","next_hop":"sip:192.0.2.9;transport=tcp","q":0.5},
      {"uri":"tel:+15551234","q":0}]})");
  EXPECT_EQ(a.what, action::relay);
  ASSERT_EQ(a.to.size(), 3U);
  EXPECT_EQ(a.to[0].uri, "sip:a@192.0.2.1");
  EXPECT_EQ(a.to[0].next_hop, "");
  EXPECT_EQ(a.to[0].q, 1000);
  EXPECT_EQ(a.to[1].uri, "sip:b@example.com");
  EXPECT_EQ(a.to[1].next_hop, "sip:192.0.2.9;transport=tcp");
  EXPECT_EQ(a.to[1].q, 500);
  EXPECT_EQ(a.to[2].uri, "tel:+15551234");
  EXPECT_EQ(a.to[2].q, 0);
}

TEST(routing_answer, answers_the_request) {
  const auto a = good(R"({"action":"reply","status":486,"reason":"Busy Here"})");
  EXPECT_EQ(a.what, action::reply);
  EXPECT_EQ(a.status, 486);
  EXPECT_EQ(a.reason, "Busy Here");
  EXPECT_TRUE(a.to.empty());
}

TEST(routing_answer, redirects_with_302_where_it_names_no_status) {
  const auto a = good(R"({"action":"redirect","to":["sip:a@192.0.2.1"]})");
  EXPECT_EQ(a.what, action::reply);
  EXPECT_EQ(a.status, 302);
  EXPECT_EQ(good(R"({"action":"redirect","to":["sip:a@192.0.2.1"],"status":301})").status, 301);
  EXPECT_THAT(fault_of(R"({"action":"redirect","to":["sip:a@192.0.2.1"],"status":404})"),
              HasSubstr("from 300 to 399"));
}

TEST(routing_answer, sets_adds_and_removes_headers) {
  const auto a = good(
      R"({"action":"continue","headers":{"X-One":"1","X-Two":["2","zwei"],"X-None":null,"s":"x"}})");
  ASSERT_EQ(a.headers.size(), 4U);
  EXPECT_THAT(a.headers[0].values, ::testing::ElementsAre("1"));
  EXPECT_THAT(a.headers[1].values, ::testing::ElementsAre("2", "zwei"));
  EXPECT_THAT(a.headers[2].values, ::testing::IsEmpty());
}

/// RFC 3261 8.1.1, 16.6: who changes these breaks the transaction, the dialog or the way.
TEST(routing_answer, cannot_change_what_belongs_to_the_transaction) {
  for (const char* name : {"Via", "v", "From", "t", "Call-ID", "i", "CSeq", "max-forwards", "Route",
                           "Record-Route", "Contact", "m", "Content-Length", "l", "Content-Type",
                           "Authorization", "Proxy-Authorization"}) {
    const std::string json =
        R"({"action":"continue","headers":{")" + std::string{name} + R"(":"x"}})";
    EXPECT_THAT(fault_of(json), HasSubstr("not the application's to change")) << name;
  }
}

TEST(routing_answer, puts_no_line_of_its_own_on_the_wire) {
  for (const char* json :
       {R"({"action":"continue","headers":{"X":"a\r\nVia: b"}})",
        R"({"action":"continue","headers":{"X":"a\nb"}})",
        R"({"action":"continue","headers":{"X":"a\u0000b"}})",
        R"({"action":"continue","headers":{"X":["a","b\r"]}})",
        R"({"action":"continue","headers":{"X\r\nY":"a"}})",
        R"({"action":"continue","headers":{"X: Y":"a"}})",
        R"({"action":"continue","headers":{"":"a"}})",
        R"({"action":"reply","status":404,"reason":"No\r\nVia: x"})",
        R"({"action":"relay","to":["sip:a@b\r\nVia: x"]})",
        R"({"action":"relay","to":[{"uri":"sip:a@b","next_hop":"sip:a\r\n@b"}]})"})
    EXPECT_NE(fault_of(json), "none") << json;
}

TEST(routing_answer, that_is_not_wholly_understood_is_none) {
  for (const char* json : {"",
                           "null",
                           "[]",
                           "1",
                           "{",
                           R"({"action":1})",
                           R"({"action":"Relay","to":["sip:a@b"]})",
                           R"({"action":"relay"})",
                           R"({"action":"relay","to":[]})",
                           R"({"action":"relay","to":"sip:a@b"})",
                           R"({"action":"relay","to":[1]})",
                           R"({"action":"relay","to":[{}]})",
                           R"({"action":"relay","to":[{"uri":"sip:a@b","Q":1}]})",
                           R"({"action":"relay","to":[{"uri":"sip:a@b","q":1.5}]})",
                           R"({"action":"relay","to":[{"uri":"sip:a@b","q":"1"}]})",
                           R"({"action":"relay","to":["no uri"]})",
                           R"({"action":"relay","to":["sip:a@b"],"status":302})",
                           R"({"action":"reply"})",
                           R"({"action":"reply","status":"404"})",
                           R"({"action":"reply","status":199})",
                           R"({"action":"reply","status":700})",
                           R"({"action":"reply","status":404.5})",
                           R"({"action":"reply","status":404,"reason":5})",
                           R"({"action":"reply","status":404,"to":["sip:a@b"]})",
                           R"({"action":"continue","headers":[]})",
                           R"({"action":"continue","headers":{"X":1}})",
                           R"({"action":"continue","headers":{"X":[1]}})",
                           R"({"action":"continue","header":{}})",
                           R"({"action":"continue"} x)"})
    EXPECT_NE(fault_of(json), "none") << json;
}

TEST(routing_answer, never_accepts_a_call) {
  EXPECT_THAT(fault_of(R"({"action":"reply","status":200})", true),
              HasSubstr("accepted by a user agent"));
  EXPECT_EQ(fault_of(R"({"action":"reply","status":200})", false), "none");
  EXPECT_EQ(fault_of(R"({"action":"reply","status":300})", true), "none");
}

TEST(routing_answer, is_bounded_in_number_and_bytes) {
  std::string many = R"({"action":"relay","to":[)";
  for (int i = 0; i < 33; ++i) many += (i == 0 ? "" : ",") + std::string{R"("sip:a@b")"};
  EXPECT_THAT(fault_of(many + "]}"), HasSubstr("1 to 32"));
  const std::string value(4097, 'x');
  EXPECT_NE(fault_of(R"({"action":"continue","headers":{"X":")" + value + R"("}})"), "none");
  EXPECT_NE(fault_of(R"({"action":"reply","status":404,"reason":")" + value + R"("})"), "none");
  EXPECT_NE(fault_of(R"({"action":"relay","to":["sip:)" + value + R"(@b"]})"), "none");
  EXPECT_NE(fault_of(std::string(10'000, '[')), "none") << "depth is bounded";
}

/// What stands in the log was written by the application.
TEST(routing_answer, that_is_refused_is_shown_short_and_printable) {
  const std::string why = fault_of("{\"action\":\"\x1b[2J" + std::string(1'000, 'x') + "\"}");
  EXPECT_LT(why.size(), 200U);
  EXPECT_EQ(why.find('\x1b'), std::string::npos);
}

} // namespace
} // namespace tandem::modules
