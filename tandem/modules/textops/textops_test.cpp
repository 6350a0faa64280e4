// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/script_fixture_for_test.hpp>

namespace tandem::modules::for_test {
namespace {

class textops : public script_fixture {
 protected:
  /// What leaves after the statements, without the Via that forwarding adds.
  std::string after(std::string_view statements, const request_parts& p) {
    load_route(std::string{statements} + R"( forward("192.0.2.7", 5070);)");
    receive(p);
    std::string text = take(p.method).text;
    const auto via = text.find("Via: "); // the edits may have put lines above it
    return via == std::string::npos ? text : text.erase(via, text.find("\r\n", via) + 2 - via);
  }
  /// The text of the request as forwarding leaves it: one hop is counted.
  static std::string forwarded(const request_parts& p) {
    std::string text = stack::for_test::request_text(p);
    constexpr std::string_view hops = "Max-Forwards: 70";
    return text.replace(text.find(hops), hops.size(), "Max-Forwards: 69");
  }
  /// The same with one piece of it exchanged.
  static std::string with(const request_parts& p, std::string_view old, std::string_view fresh) {
    std::string text = forwarded(p);
    const auto at = text.find(old);
    EXPECT_NE(at, std::string::npos) << old;
    return text.replace(at, old.size(), fresh);
  }
  static request_parts message() {
    auto p = request("MESSAGE");
    p.more = "Subject: one two\r\ns: three\r\nContent-Type: text/plain\r\n";
    p.body = "c=IN IP4 10.0.0.1\r\na=x\r\nc=IN IP4 10.0.0.2\r\n";
    return p;
  }
};

TEST_F(textops, edits_headers_and_body_by_regular_expression) {
  struct row {
    std::string_view statement, old, fresh;
  };
  const row table[] = {
      {R"(replace("subject: ONE", "Subject: 1");)", "Subject: one", "Subject: 1"},
      {R"(replace("^Subject:.*$", "X-Was: $rm");)", "Subject: one two", "X-Was: MESSAGE"},
      {R"(replace("^Subject:.*$", "A: 1\r\nB: 2");)", "Subject: one two", "A: 1\r\nB: 2"},
      {R"(replace("^Subject:.*$", "");)", "Subject: one two\r\n", ""},
      {R"(replace("10\.0\.0\.1", "10.9.9.9");)", "10.0.0.1", "10.9.9.9"},
      {R"(replace("^a=.*$", "a=y");)", "a=x", "a=y"},
      {R"(search_append("one", "-more");)", "one", "one-more"},
      {R"(subst('/^Subject:(.*) (two)$/Subject: \2\1/');)", "Subject: one two", "Subject: two one"},
      {R"(subst('|ONE|$rm|i');)", "one", "MESSAGE"},
      {R"(subst('/(a)=./\1=\//');)", "a=x", "a=/"},
      // What is not there changes nothing, nor does what would be no message.
      {R"(replace("nothing like it", "x");)", "one", "one"},
      {R"(replace("^Subject:.*$", "no colon");)", "one", "one"},
      {R"(replace("one", "a\r\nb");)", "one", "one"},
      {R"(subst('/ONE/x/');)", "one", "one"},
  };
  for (const row& r : table)
    EXPECT_EQ(after(r.statement, message()), with(message(), r.old, r.fresh)) << r.statement;
}

TEST_F(textops, replaces_every_match_where_that_is_asked) {
  const auto m = parsed(after(R"(replace_all("10\.0\.0\.", "10.77.0.");)", message()));
  EXPECT_EQ(m.body(), "c=IN IP4 10.77.0.1\r\na=x\r\nc=IN IP4 10.77.0.2\r\n");
  EXPECT_EQ(m.first(sip::header_id::content_length), std::to_string(m.body().size()));
  const auto s = parsed(after(R"(subst("/e/E/g");)", message()));
  EXPECT_EQ(s.body(), message().body);
  EXPECT_EQ(s.first("Subject"), "onE two");
}

TEST_F(textops, edits_the_request_uri) {
  load_route(R"(if (subst_uri('/^sip:(.*)@.*$/sip:\1-x@h.example/')) sl_send_reply("200", "$ru");
                else sl_send_reply("200", "no");)");
  EXPECT_EQ(said(), "sip:bob-x@h.example");
  load_route(R"(if (subst_uri('/bob/b b/')) sl_send_reply("200", "$ru");
                else sl_send_reply("200", "no $ru");)");
  EXPECT_EQ(said(), "no sip:bob@192.0.2.2");
}

TEST_F(textops, adds_header_lines) {
  struct row {
    std::string_view statement, old, fresh;
  };
  const row table[] = {
      {R"(append_hf("P-Hint: $rU\r\n");)", "\r\n\r\n", "\r\nP-Hint: bob\r\n\r\n"},
      {R"(append_hf("A: 1\r\nB: 2\r\n");)", "\r\n\r\n", "\r\nA: 1\r\nB: 2\r\n\r\n"},
      {R"(append_hf("A: 1", "Subject");)", "s: three", "A: 1\r\ns: three"},
      {R"(insert_hf("A: 1");)", "Via:", "A: 1\r\nVia:"},
      {R"(insert_hf("A: 1", "Subject");)", "Subject:", "A: 1\r\nSubject:"},
      {R"(rewriteuri("sip:x@y"); revert_uri(); append_urihf("CC-Diversion: <", ">\r\n");)",
       "\r\n\r\n", "\r\nCC-Diversion: <sip:bob@192.0.2.2>\r\n\r\n"},
      // A variable fills a value in; it never adds a line of its own.
      {R"(append_hf("X: $rb\r\n");)", "one", "one"},
  };
  for (const row& r : table)
    EXPECT_EQ(after(r.statement, message()), with(message(), r.old, r.fresh)) << r.statement;
}

TEST_F(textops, removes_a_header_in_every_spelling) {
  auto p = message();
  p.more = "Subject: 1\r\ns: 2\r\nSUBJECT : 3\r\nS\t: 4\r\nX-Auth : 5\r\nx-auth: 6\r\n";
  auto bare = message();
  bare.more = "";
  EXPECT_EQ(after(R"(remove_hf("Subject"); remove_hf("X-Auth");)", p), forwarded(bare));
}

TEST_F(textops, tells_whether_a_header_or_an_expression_is_there) {
  struct row {
    std::string_view condition, says;
  };
  const row table[] = {
      {R"(is_present_hf("Subject"))", "yes"}, {R"(is_present_hf("s"))", "yes"},
      {R"(is_present_hf("Route"))", "no"},    {R"(remove_hf("Route"))", "no"},
      {R"(search("^a=X"))", "yes"},           {R"(search("^message sip:"))", "yes"},
      {R"(search("one.*three"))", "no"},
  };
  for (const row& r : table) {
    load_route("if (" + std::string{r.condition} +
               R"() sl_send_reply("200", "yes"); else sl_send_reply("200", "no");)");
    EXPECT_EQ(said(message()), r.says) << r.condition;
  }
}

TEST_F(textops, append_to_reply_adds_to_stateless_and_stateful_replies) {
  load_route(R"(append_to_reply("X-Who: $fU\r\n"); append_to_reply("X-B: 2");
                if (method=="OPTIONS") sl_send_reply("200", "OK");
                else { t_newtran(); t_reply("404", "No"); })");
  for (const char* method : {"OPTIONS", "INFO"}) {
    receive(request(method));
    const auto m = parsed(out.take().text);
    EXPECT_EQ(m.first("X-Who"), "alice") << method;
    EXPECT_EQ(m.first("X-B"), "2") << method;
  }
}

} // namespace
} // namespace tandem::modules::for_test
