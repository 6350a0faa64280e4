// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/script_fixture_for_test.hpp>
#include <tandem/sip/single_values.hpp>

namespace tandem::modules::for_test {
namespace {

using core_functions = script_fixture;

TEST_F(core_functions, edit_the_request_uri) {
  struct row {
    std::string_view statement, before, after;
  };
  const row table[] = {
      {R"(rewritehost("h.example");)", "sip:u:pw@a.example:5070;p=1",
       "sip:u:pw@h.example:5070;p=1"},
      {R"(sethost("h.example");)", "sip:a.example", "sip:h.example"},
      {R"(rewritehostport("h.example:5099");)", "sip:u@a:5070;x", "sip:u@h.example:5099;x"},
      {R"(sethp("h.example");)", "sip:u@a:5070", "sip:u@h.example"},
      {R"(rewriteport("5099");)", "sip:u@a", "sip:u@a:5099"},
      {R"(setp("5099");)", "sip:u@a:1", "sip:u@a:5099"},
      {R"(rewriteuser("v");)", "sip:u:pw@a", "sip:v:pw@a"},
      {R"(setu("v");)", "sips:u@a", "sips:v@a"},
      {R"(rewriteuserpass("v");)", "sip:u:pw@a", "sip:v@a"},
      {R"(setup("v:pw2");)", "sip:u:pw@a", "sip:v:pw2@a"},
      {R"(rewriteuri("sip:x@y:5061;lr");)", "sip:u@a", "sip:x@y:5061;lr"},
      {R"(seturi("tel:+4930");)", "sip:u@a", "tel:+4930"},
      {R"(prefix("9");)", "sip:123@a", "sip:9123@a"},
      {R"(strip(2);)", "sip:1234@a", "sip:34@a"},
      {R"(strip(9);)", "sip:1234@a", "sip:a"},
      {R"(strip_tail(1);)", "sip:1234@a", "sip:123@a"},
      {R"(strip_tail(9);)", "sip:1234@a", "sip:a"},
      {R"(seturi("sip:x@y"); revert_uri();)", "sip:u@a;k=v", "sip:u@a;k=v"},
      // What would make it none leaves it alone.
      {R"(rewritehost("a b");)", "sip:u@a", "sip:u@a"},
      {R"(rewriteport("70000");)", "sip:u@a", "sip:u@a"},
      {R"(rewriteuri("nonsense");)", "sip:u@a", "sip:u@a"},
      {R"(prefix("9");)", "tel:+4930", "tel:+4930"},
  };
  for (const row& r : table) {
    load_route(std::string{r.statement} + R"( sl_send_reply("200", "$ru");)");
    auto p = request("OPTIONS");
    p.uri = r.before;
    EXPECT_EQ(said(p), r.after) << r.statement;
  }
}

TEST_F(core_functions, refuse_one_branch_more_than_a_set_holds) {
  std::string block;
  for (std::size_t i = 0; i < server::destination_set::limit; ++i)
    block += "append_branch(\"sip:b" + std::to_string(i) + "@192.0.2." + std::to_string(10 + i) +
             "\");\n";
  load_route(block + R"(if (append_branch("sip:more@192.0.2.50")) sl_send_reply("200", "yes");
                        else sl_reply_error();)");
  receive(request("OPTIONS"));
  take("500");
}

TEST_F(core_functions, force_rport_sends_replies_to_the_port_a_request_came_from) {
  load_route(R"(force_rport(); sl_send_reply("200", "OK");)");
  auto p = request("OPTIONS");
  p.via = "SIP/2.0/UDP 10.0.0.7:5062;branch=z9hG4bKa";
  receive(p, "192.0.2.9:40404");
  const auto reply = take("200");
  EXPECT_EQ(reply.to.address.to_string(), "192.0.2.9:40404");
  const auto via = parsed(reply.text).get<sip::hdr::via>();
  ASSERT_TRUE(via);
  EXPECT_EQ(via->rport(), 40404);
}

TEST_F(core_functions, forward_goes_to_host_and_port_with_a_via_and_no_transaction) {
  load_route(R"(if (method=="OPTIONS") forward("192.0.2.7", 5070);
                else if (method=="INFO") forward(192.0.2.8);
                else forward(uri:host, uri:port);)");
  for (int copy = 0; copy < 2; ++copy) {
    receive(request("OPTIONS"));
    const auto m = take("OPTIONS");
    EXPECT_EQ(m.to.address.to_string(), "192.0.2.7:5070");
    EXPECT_EQ(count_values(parsed(m.text), sip::header_id::via), 2U);
  }
  receive(request("INFO"));
  EXPECT_EQ(take("INFO").to.address.to_string(), "192.0.2.8:5060");
  auto p = request("BYE");
  p.uri = "sip:bob@192.0.2.9:5099";
  receive(p);
  EXPECT_EQ(take("BYE").to.address.to_string(), "192.0.2.9:5099");
  EXPECT_EQ(layer.size(), 0U);
}

TEST_F(core_functions, the_response_to_what_was_forwarded_goes_back_by_the_next_via) {
  load_route(R"(forward("192.0.2.7", 5070);)");
  receive(request("OPTIONS"), "192.0.2.1:5062");
  const auto m = take("OPTIONS");
  answer(m, 200);
  const auto back = take("200");
  EXPECT_EQ(back.to.address.to_string(), "192.0.2.1:5060") << "RFC 3261 18.2.2: the port of Via";
  EXPECT_EQ(count_values(parsed(back.text), sip::header_id::via), 1U);
}

TEST_F(core_functions, forward_to_an_unknown_transport_fails_with_478) {
  load_route(R"(if (!forward_tls("192.0.2.7", 5061)) sl_reply_error();)");
  receive(request("OPTIONS"));
  take("478");
}

TEST_F(core_functions, send_passes_the_message_as_it_is) {
  load_route(R"(send("192.0.2.7", 5070);)");
  receive(request("OPTIONS"));
  const auto m = take("OPTIONS");
  EXPECT_EQ(m.text, stack::for_test::request_text(request("OPTIONS")));
  EXPECT_EQ(m.to.address.to_string(), "192.0.2.7:5070");
}

TEST_F(core_functions, send_passes_the_bytes_that_came_whatever_was_edited_since) {
  load_route(R"(rewriteuri("sip:other@192.0.2.8"); append_hf("X-Edit: 1\r\n");
                send("192.0.2.7");)");
  auto p = request("OPTIONS");
  p.via = "SIP/2.0/UDP client.example.com;branch=z9hG4bK77"; // gets a received
  receive(p);
  EXPECT_EQ(take("OPTIONS").text, stack::for_test::request_text(p));
}

// RFC 3261 18.2.2, RFC 3263 5
TEST_F(core_functions, a_reply_that_reaches_nobody_goes_where_the_name_in_via_leads) {
  load_route(R"(t_newtran(); t_reply("404", "No");)");
  auto p = request("MESSAGE");
  const auto fail = [&](const stack::sent_message& m) {
    layer.on_send_error(m.on_behalf_of, stack::send_error::refused);
  };
  p.via = "SIP/2.0/UDP localhost:5080;branch=z9hG4bK1";
  receive(p, "127.0.0.2:5999");
  const auto first = take("404");
  EXPECT_EQ(first.to.address.to_string(), "127.0.0.2:5080");
  fail(first);
  const auto second = take("404");
  EXPECT_EQ(second.to.address.to_string(), "127.0.0.1:5080");
  EXPECT_EQ(second.text, first.text);

  // A stranger's name does not lead into this host, and an address in sent-by leads nowhere.
  for (const char* sent_by : {"localhost:5080", "10.0.0.1:5080", "[2001:db8::1]:5080"}) {
    p.via = "SIP/2.0/UDP " + std::string{sent_by} + ";branch=z9hG4bK" + p.call_id;
    p.call_id += 'x';
    receive(p, "192.0.2.1:5999");
    fail(take("404"));
    EXPECT_EQ(sent(), "") << sent_by;
  }
}

TEST_F(core_functions, is_method_and_has_totag_look_at_the_message) {
  load_route(R"(if (is_method("INVITE|OPTIONS") && !has_totag()) sl_send_reply("200", "new");
                else sl_send_reply("200", "other");)");
  EXPECT_EQ(said(), "new");
  auto p = request("OPTIONS");
  p.to += ";tag=t";
  EXPECT_EQ(said(p), "other");
  EXPECT_EQ(said(request("INFO")), "other");
}

TEST_F(core_functions, compare_methods_exactly_but_not_in_classic_scripts) {
  // RFC 3261 7.1: `options` is an extension method.
  const auto holds = [&](std::string_view condition, std::string_view more, const char* method) {
    load_route("if (" + std::string{condition} +
                   ") sl_send_reply(\"200\", \"yes\"); else sl_send_reply(\"200\", \"no\");",
               more);
    return said(request(method)) == "yes";
  };
  for (const char* condition :
       {"method==\"OPTIONS\"", "$rm==\"OPTIONS\"", "is_method(\"OPTIONS\")"}) {
    EXPECT_TRUE(holds(condition, {}, "OPTIONS")) << condition;
    EXPECT_FALSE(holds(condition, {}, "options")) << condition;
    EXPECT_TRUE(holds(condition, "compat=classic\n", "OPTIONS")) << condition;
    EXPECT_TRUE(holds(condition, "compat=classic\n", "options")) << condition;
  }
}

TEST_F(core_functions, variables_show_the_message) {
  struct row {
    std::string_view text, value;
  };
  const row table[] = {
      {"$ru", "sip:bob:pw@b.example:5070;transport=tcp"},
      {"$rU", "bob"},
      {"$rd", "b.example"},
      {"$rp", "5070"},
      {"$rP", "tcp"},
      {"$ou", "sip:bob:pw@b.example:5070;transport=tcp"},
      {"$oU", "bob"},
      {"$od", "b.example"},
      {"[$du]", "[]"},
      {"$fu", "sip:alice@a.example"},
      {"$fU", "alice"},
      {"$fd", "a.example"},
      {"$fn", "Alice A"},
      {"$ft", "f1"},
      {"$tu", "sip:bob@example.com"},
      {"$tU", "bob"},
      {"$td", "example.com"},
      {"[$tt]", "[]"},
      {"$ci", "call-1@192.0.2.1"},
      {"$cs", "7"},
      {"$rm", "OPTIONS"},
      {"[$rs]", "[]"},
      {"$si", "192.0.2.1"},
      {"$sp", "5060"},
      {"$Ri", "192.0.2.100"},
      {"$Rp", "5060"},
      {"$pr", "udp"},
      {"$ua", "phone/1"},
      {"$ct", "<sip:alice@192.0.2.1>"},
      {"$hdr(X-A)", "one"},
      {"$(hdr(X-A)[1])", "two"},
      {"$(hdr(X-A)[-1])", "two"},
      {"[$(hdr(X-A)[2])]", "[]"},
      {"$rb", "hello"},
      {"$cT", "text/plain"},
      {"$$ru", "$ru"},
  };
  auto p = request("OPTIONS");
  p.uri = "sip:bob:pw@b.example:5070;transport=tcp";
  p.from = "\"Alice A\" <sip:alice@a.example>;tag=f1";
  p.cseq = 7;
  p.more = "User-Agent: phone/1\r\nm: <sip:alice@192.0.2.1>\r\nX-A: one\r\nX-a: two\r\n"
           "c: text/plain\r\n";
  p.body = "hello";
  for (const row& r : table) {
    load_route("sl_send_reply(\"200\", \"" + std::string{r.text} + "\");");
    EXPECT_EQ(said(p), r.value) << r.text;
  }
  load_route(R"(sl_send_reply("200", "$ml");)");
  EXPECT_EQ(said(p), std::to_string(stack::for_test::request_text(p).size()));
}

TEST_F(core_functions, myself_means_a_listener_with_its_port_or_an_alias) {
  load_route(R"(if (uri==myself) sl_send_reply("200", "mine"); else sl_send_reply("200", "not");)");
  struct row {
    std::string_view uri, says;
  };
  const row table[] = {
      {"sip:a@192.0.2.100", "mine"},   {"sip:a@192.0.2.100:5060", "mine"},
      {"sip:192.0.2.100:5070", "not"}, {"sip:a@EXAMPLE.com:9", "mine"},
      {"sip:a@example.org", "not"},    {"tel:+4930", "not"},
  };
  for (const row& r : table) {
    auto p = request("OPTIONS");
    p.uri = r.uri;
    EXPECT_EQ(said(p), r.says) << r.uri;
  }
}

} // namespace
} // namespace tandem::modules::for_test
