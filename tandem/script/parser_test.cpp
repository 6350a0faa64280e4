// SPDX-License-Identifier: Apache-2.0
// Tests of the grammar: each production, in each of its spellings.
#include <gtest/gtest.h>

#include <tandem/script/script_fixture_for_test.hpp>

namespace tandem::script::test {
namespace {

TEST(grammar, accepts_each_production) {
  const char* const scripts[] = {
      "route {}",
      "route[0] { }",
      "route { ; ;; }",
      "; route {} ;",
      "debug=3 fork=no port=5060 route {}",
      "debug=-1; route {}",
      "listen=192.0.2.1 listen=eth0 alias=a.example b.example route {}",
      "listen=udp:192.0.2.1:5060 listen=tcp:[2001:db8::1]:5060, lo; alias=\"x.example\" route {}",
      "loadmodule \"demo.so\" route {}",
      "loadmodule \"demo.so\"; modparam(\"demo\", \"timer\", 5); route {}",
      "failure_route[1] { } onreply_route[2] { } route { arm(\"1\"); }",
      "route[A] { } route { route(A); }",
      "route[\"A\"] { } route { route(\"A\"); }",
      "route[07] { } route { route(7); }",
      "route { yes(\"a\"); }",
      "route { if (1) yes(\"a\"); }",
      "route { if 1 yes(\"a\"); }",
      "route { if method==\"INVITE\" { yes(\"a\"); } }",
      "route { if (1) { yes(\"a\"); } yes(\"b\"); }",
      "route { if (1) { yes(\"a\"); }; yes(\"b\"); }",
      "route { if (1) yes(\"a\") else yes(\"b\"); }",
      "route { if (1) yes(\"a\"); else yes(\"b\"); }",
      "route { if (1) { yes(\"a\"); } else { yes(\"b\"); } }",
      "route { if (1) { yes(\"a\"); }; else { yes(\"b\"); }; }",
      "route { if (1) { } else if (0) { } else { } }",
      "route { if (1) if (0) yes(\"a\"); else yes(\"b\"); }",
      "route { { yes(\"a\"); { yes(\"b\"); }; } }",
      "route { break; }",
      "route { break(); }",
      "route { drop; }",
      "route { drop(); }",
      "route { exit; }",
      "route { return; }",
      "route { return 1; }",
      "route { return(-1); }",
      "route { if (yes(\"a\") && no(\"b\") and yes(\"c\") & yes(\"d\")) yes(\"e\"); }",
      "route { if (yes(\"a\") || no(\"b\") or yes(\"c\") | yes(\"d\")) yes(\"e\"); }",
      "route { if (!yes(\"a\") | not yes(\"b\")) yes(\"e\"); }",
      "route { if ((method==\"INVITE\") && (uri=~\"x\")) yes(\"e\"); }",
      "route { if (!method==\"ACK\" & !uri=~\"x\" & !src_ip==foo.bar) yes(\"e\"); }",
      "route { if (method==INVITE | method=~INV | status==\"180\" | status==180) yes(\"e\"); }",
      "route { if (uri==myself | myself==uri | myself==src_ip | myself==dst_ip) yes(\"e\"); }",
      "route { if (src_ip==myself | dst_ip==myself) yes(\"e\"); }",
      "route { if (src_ip==192.0.2.1 | src_ip==192.0.2.0/24) yes(\"e\"); }",
      "route { if (dst_ip==10.0.0.0/255.0.0.0) yes(\"e\"); }",
      "route { if (src_ip==2001:db8::1 | src_ip==[::1] | src_ip==fe80::/10) yes(\"e\"); }",
      "route { if (src_ip==\"192.0.2.0/24\" | src_ip==\"a.example\") yes(\"e\"); }",
      "route { if (src_ip=~\"^192\") yes(\"e\"); }",
      "route { if (src_port==5060 | dst_port==5060 | proto==udp | af==inet6) yes(\"e\"); }",
      "route { if ($m == \"INVITE\" | $hdr(To) =~ \"x\" | $(hdr(Via)[1]) != \"y\") yes(\"e\"); }",
      "route { if ({ yes(\"a\"); no(\"b\"); }) yes(\"c\"); }",
      "route { forward(uri:host, uri:port); forward(foo.bar, 5060); forward(192.0.2.1); }",
      "route { forward(\"h\"); forward(foo); forward([2001:db8::1]); forward(uri:host, 5060); }",
      "route { setflag(1); resetflag(2); if (isflagset(3)) log(\"x\"); }",
      "route { log(1, \"x\"); log(-1, \"x\"); }",
      "route { if (len_gt(max_len) | len_gt(100)) log(\"x\"); }",
      "route { run([\"prog\", \"$m\", \"two words\"]); run(\"shell $x\"); }",
      "route { yes(404); }",
      "route { say($m); say(\"x $m\"); }",
      "route /* c /* d */ */ { # x\n }",
  };
  for (const char* text : scripts)
    EXPECT_TRUE(compile_text(text).made) << text << "\n" << complaints(text);
}

TEST(grammar, needs_no_semicolon_after_a_brace) {
  EXPECT_EQ(run("route { if (1) { yes(\"a\"); } yes(\"b\"); { yes(\"c\"); } yes(\"d\"); }"),
            "a b c d =1");
}

TEST(grammar, takes_an_else_after_a_command_without_semicolon) {
  const std::string text = "route[1] { yes(\"one\"); }\n"
                           "route { if (method==\"INVITE\") route(1) else yes(\"two\"); break; }";
  plain_context invite;
  EXPECT_EQ(run(text, invite), "one =0");
  plain_context other;
  other.method_text = "BYE";
  EXPECT_EQ(run(text, other), "two =0");
}

TEST(grammar, gives_an_else_to_the_nearest_if) {
  EXPECT_EQ(run("route { if (1) if (0) yes(\"a\"); else yes(\"b\"); }"), "b =1");
}

TEST(grammar, binds_not_to_the_whole_comparison_and_and_before_or) {
  EXPECT_EQ(run("route { if (!method==\"ACK\") yes(\"a\"); }"), "a =1");
  EXPECT_EQ(run("route { if (1 || 0 && 0) yes(\"a\"); }"), "a =1");
  EXPECT_EQ(run("route { if (!0 && 0) yes(\"a\"); }"), "=1");
  EXPECT_EQ(run("route { if (!!1) yes(\"a\"); }"), "a =1");
}

TEST(grammar, appends_the_definitions_of_a_repeated_block) {
  EXPECT_EQ(run("route { yes(\"a\"); } route[1] { yes(\"x\"); } route[0] { route(1); yes(\"b\"); } "
                "route[1] { yes(\"y\"); }"),
            "a x y b =1");
}

TEST(grammar, takes_a_shell_command_of_several_lines_as_it_stands) {
  EXPECT_EQ(run("route { run('if [ \"$A\" = \"b\" ]; then\n  echo \\\"x\\\"; # y\nfi'); }"),
            "if [ \"$A\" = \"b\" ]; then\n  echo \\\"x\\\"; # y\nfi =1");
}

TEST(grammar, refuses_nesting_that_no_sane_script_has) {
  std::string text = "route { if (";
  for (int i = 0; i < 100000; ++i) text += '(';
  EXPECT_FALSE(compile_text(text).made);
  text = "route ";
  for (int i = 0; i < 100000; ++i) text += '{';
  EXPECT_FALSE(compile_text(text).made);
  text = "route { ";
  for (int i = 0; i < 100000; ++i) text += "if (1) ";
  EXPECT_FALSE(compile_text(text).made);
}

TEST(grammar, takes_long_chains_without_depth) {
  std::string text = "route { if (0) yes(\"a\");";
  for (int i = 0; i < 20000; ++i) text += " else if (0) yes(\"b\");";
  text += " else yes(\"c\"); if (0";
  for (int i = 0; i < 20000; ++i) text += " || 0";
  text += " || ";
  for (int i = 0; i < 20000; ++i) text += "!";
  text += "1) yes(\"d\"); }";
  EXPECT_EQ(run(text), "c d =1");
}

} // namespace
} // namespace tandem::script::test
