// SPDX-License-Identifier: Apache-2.0
// Tests of what a script's writer gets to see.
#include <tandem/script/diagnostics.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tandem/script/script_fixture_for_test.hpp>

namespace tandem::script::test {
namespace {

using ::testing::HasSubstr;

TEST(diagnostics, show_all_errors_at_once_with_line_caret_and_remedy) {
  EXPECT_EQ(complaints("debug=three\n"
                       "prot=5060\n"
                       "loadmodule \"demmo.so\"\n"
                       "route {\n"
                       "\tif (metod==\"INVITE\") {\n"
                       "\t\tyess(\"a\");\n"
                       "\t\tsetflag(99);\n"
                       "\t};\n"
                       "\tyes(\"a\", \"b\");\n"
                       "\troute(7);\n"
                       "\tlog(\"x\")\n"
                       "\tif (uri=~\"(\") break;\n"
                       "}\n"),
            R"(t.cfg:1:7: error: debug is 'three'; expected a number
    1 | debug=three
      |       ^~~~~
t.cfg:2:1: error: unknown parameter 'prot'; did you mean 'port'?
    2 | prot=5060
      | ^~~~
t.cfg:3:12: error: unknown module 'demmo'; did you mean 'demo'?
    3 | loadmodule "demmo.so"
      |            ^~~~~~~~~~
t.cfg:5:6: error: 'metod' cannot be compared; expected method, uri, status, src_ip, dst_ip, src_port, dst_port, proto, af or a $variable; did you mean 'method'?
    5 | 	if (metod=="INVITE") {
      | 	    ^~~~~
t.cfg:6:3: error: unknown function 'yess'; did you mean 'yes'?
    6 | 		yess("a");
      | 		^~~~
t.cfg:7:11: error: flags are numbered 0 to 31, found 99
    7 | 		setflag(99);
      | 		        ^~
t.cfg:9:2: error: wrong number of arguments to yes (2); usage: yes(word)
    9 | 	yes("a", "b");
      | 	^~~
t.cfg:10:8: error: there is no route[7]
   10 | 	route(7);
      | 	      ^
t.cfg:11:10: error: expected ';' after log, found 'if'
   11 | 	log("x")
      | 	        ^
t.cfg:12:11: error: bad regular expression: missing ): (
   12 | 	if (uri=~"(") break;
      | 	         ^~~
10 errors
)");
}

TEST(diagnostics, name_the_cause_and_the_remedy) {
  const struct {
    const char* script;
    const char* expected;
  } table[] = {
      // Grammar
      {"route { if (1) { yes(\"a\");\n",
       "1:27: error: expected '}', found the end of the file; the '{' of line 1 is still open"},
      {"route {\n yes(\"a\");\nroute[1] { }\n",
       "2:11: error: expected '}', found 'route'; the '{' of line 1 is still open"},
      {"route { } }", "1:11: error: this '}' closes nothing"},
      {"route { else yes(\"a\"); }", "this else belongs to no if"},
      {"route { yes(\"a\" }", "expected ',' or ')', found '}'; the '(' of line 1 is still open"},
      {"route { yes(\"a\" \"b\"); }", "strings side by side are not joined"},
      {"route { if (method) break; }", "expected '==' or '=~' after method, found ')'"},
      {"route { if (method==) break; }", "expected what method is compared with, found ')'"},
      {"route { if () break; }", "expected a condition, found ')'"},
      {"route { if (1 break; }", "expected ')', && or ||, found 'break'"},
      {"route { port=5060; }", "'port' cannot be assigned in a block"},
      {"rout { }", "unknown kind of block 'rout'; expected route, failure_route or onreply_route; "
                   "did you mean 'route'?"},
      {"yes(\"a\"); route { }", "'yes' is called outside of any block"},
      {"debgu 3 route { }", "found 'debgu'; did you mean 'debug'?"},
      {"debug 3 route { }", "expected '=' after the parameter's name, found number 3"},
      {"failure_route { }", "expected '[' and a number after failure_route"},
      {"failure_route[0] { }", "failure_route[0] cannot be armed"},
      {"route[ { }", "expected the number or name of the route block"},
      {"modparam(\"demo\" \"timer\", 1)", "expected ',' in modparam(module, name, value)"},
      {"loadmodule demo.so", "expected the module in quotes after loadmodule, found 'demo.so'"},
      {"route { forward(uri:hots); }", "expected host or port after 'uri:', found 'hots'"},
      // Names
      {"route { exit(1); }", "exit takes no argument"},
      {"route { return(\"a\"); }", "return takes one number or nothing"},
      {"route { route(); }", "usage: route(1)"},
      {"route { route(RELAX); } route[RELAY] { }",
       "there is no route[RELAX]; did you mean 'RELAY'?"},
      {"route { arm(\"2\"); } failure_route[1] { }", "there is no failure_route[2]"},
      {"route { demo_yes(\"a\"); }", "demo_yes is a function of the module demo, which is not "
                                     "loaded; add loadmodule \"demo.so\""},
      {"route { say(\"$mm\"); }", "1:14: error: unknown variable '$mm'; did you mean '$m'?"},
      {"route { say(\"a\\n$hdr\"); }", "1:17: error: $hdr needs an argument; write $hdr(Name)"},
      {"route { say(\"$(m\"); }", "expected ')' after '$(m'"},
      {"route { say(\"$(m{s.len})\"); }", "transformations of variables are not known here"},
      {"route { say(\"$(hdr(Via)[x])\"); }", "expected a number and ']' after '['"},
      {"route { say(\"$(hdr(Via)[1\"); }", "expected a number and ']' after '['"},
      {"route { say(\"$(hdr(Via)[2147483648])\"); }", "expected a number and ']' after '['"},
      {"route { if ($nix==\"a\") break; }", "unknown variable '$nix'"},
      // Arguments
      {"route { yes(abc); }", "argument 1 (word) of yes is a string, found 'abc'; write \"abc\""},
      {"route { yes([\"a\"]); }", "found an array; this function takes no array"},
      {"route { yes($m); }", "variables are not evaluated here"},
      {"route { setflag(\"x\"); }",
       "argument 1 (flag) of setflag is a flag (0 to 31), found the string \"x\""},
      {"route { len_gt(many); }", "is a number or max_len, found 'many'"},
      {"route { run([]); }", "this array is empty"},
      {"route { search(\"bad\"); }", "1:16: error: this pattern is bad; write another"},
      {"route { log(1, 2, 3); }",
       "wrong number of arguments to log (3); usage: log(text) or log(level, text)"},
      // Comparisons
      {"route { if (src_ip==5) break; }", "src_ip is an address, found number 5"},
      {"route { if (src_ip==1.2.3.4/99) break; }", "'1.2.3.4/99' is not a network"},
      {"route { if (proto==upd) break; }", "proto is a number, found 'upd'; the protocols are"},
      {"route { if (src_port=~\"5\") break; }", "src_port is a number; expected '=='"},
      {"route { if (method==1.2.3.4) break; }",
       "method is text; expected a string; write \"1.2.3.4\""},
      {"route { if (method==myself) break; }", "method cannot be myself"},
      {"route { if (uri=~myself) break; }", "myself is compared with '=='"},
      {"route { if (myself==method) break; }", "expected uri, src_ip or dst_ip"},
      // Blocks
      {"failure_route[1] { request_only(); } route { }",
       "request_only cannot be called in failure_route; it may be called in route"},
      {"onreply_route[1] { only_request(); } route { }",
       "request_only cannot be called in onreply_route"},
      {"failure_route[1] { route(1); } route { } route[1] { request_only(); }",
       "request_only cannot be called in failure_route, where route(1) is called"},
      // Parameters
      {"debug=yes route { }", ""},
      {"fork=maybe route { }", "fork is 'maybe'; expected yes or no"},
      {"compat=modern route { }", "expected classic or rfc"},
      {"modparam(\"demo\", \"timer\", 1) route { }", "no loaded module is named 'demo'"},
      {"loadmodule \"demo\" modparam(\"demo\", \"timr\", 1) route { }",
       "module 'demo' has no parameter 'timr'; did you mean 'timer'?"},
      {"loadmodule \"demo\" modparam(\"demo\", \"timer\", 101) route { }",
       "timer of demo is 101; expected 1 to 100"},
      {"loadmodule \"demo\" modparam(\"demo\", \"timer\", \"x\") route { }",
       "timer of demo is a string; expected a number"},
      {"loadmodule \"demo\" modparam(\"demo\", \"table\", 5) route { }",
       "table of demo is a string, found number 5; write \"5\""},
      {"loadmodule \"demo\" modparam(\"(\", \"table\", 5) route { }", "bad regular expression"},
  };
  for (const auto& row : table) {
    const std::string found = complaints(row.script);
    if (*row.expected == '\0')
      EXPECT_EQ(found, "") << row.script;
    else
      EXPECT_THAT(found, HasSubstr(row.expected)) << row.script;
  }
}

TEST(diagnostics, refuse_a_script_without_a_main_route_block) {
  for (const char* script : {"", "# nothing\n/* here */\n", "debug=3", "failure_route[1] { }",
                             "route[1] { }", "onreply_route[1] { } route[MAIN] { }"}) {
    const compilation c = compile_text(script);
    EXPECT_FALSE(c.made) << script;
    EXPECT_THAT(c.found.to_string(), HasSubstr("there is no main route block")) << script;
  }
}

TEST(diagnostics, refuse_a_function_that_nobody_declares_beside_a_module_that_is_not_there) {
  const compilation c = compile_text("loadmodule \"snmp.so\"\n"
                                     "route { if (!request_onyl()) break; }");
  EXPECT_FALSE(c.made) << "the guard would let everybody pass";
  EXPECT_THAT(c.found.to_string(), HasSubstr("did you mean 'request_only'?"));
}

TEST(diagnostics, refuse_numbers_out_of_range_and_words_that_are_no_yes_or_no) {
  const struct {
    const char* script;
    const char* expected;
  } table[] = {
      {"port=99999 route { }", "1:6: error: port is 99999; expected 0 to 65535"},
      {"children=-5 route { }", "children is -5; expected 1 to 1024"},
      {"udp_mtu=-1 route { }", "udp_mtu is -1; expected 0 to 65535"},
      {"debug=10 route { }", "debug is 10; expected -3 to 9"},
      {"overload_retry_after=-1 route { }", "overload_retry_after is -1"},
      {"fork=tls route { }", "fork is 3; expected yes or no"},
      {"fork=2 route { }", "fork is 2; expected yes or no"},
  };
  for (const auto& row : table) {
    const compilation c = compile_text(row.script);
    EXPECT_FALSE(c.made) << row.script;
    EXPECT_THAT(c.found.to_string(), HasSubstr(row.expected)) << row.script;
  }
}

TEST(diagnostics, refuse_to_match_addresses_with_what_is_no_regular_expression) {
  for (const char* left : {"src_ip", "dst_ip"})
    for (const char* right :
         {"10.0.0.1", "10.0.0.0/8", "10.0.0.0/255.0.0.0", "gw.example", "[2001:db8::1]"})
      for (const char* relation : {"=~", "!~"}) {
        const std::string script =
            "route { if (" + std::string(left) + relation + right + ") break; }";
        EXPECT_THAT(complaints(script), HasSubstr("expected '==' or '!='")) << script;
      }
  EXPECT_EQ(complaints("route { if (src_ip=~\"10.0.0.1\") break; }"), "");
}

TEST(diagnostics, warn_about_what_is_legal_but_likely_wrong) {
  const struct {
    const char* script;
    const char* expected;
  } table[] = {
      {"route { break; yes(\"a\"); }", "1:16: warning: this is never reached"},
      {"route { if (method=\"ACK\") break; }", "'=' compares here; write '=='"},
      {"route { if (1); yes(\"a\"); }", "this ';' ends the if, which then does nothing"},
      {"route { } route[3] { }", "route[3] is never called"},
      {"reply_route[1] { } route { arm(\"1\"); }",
       "reply_route is the old name; write failure_route"},
      {"loop_checks=yes route { }", "loop_checks has no effect"},
      {"loadmodule \"snmp.so\" route { }", "module snmp does nothing: there is no SNMP agent"},
      {"loadmodule \"snmp.so\" modparam(\"snmp\", \"x\", 1) route { }", "parameter 'x' is ignored"},
      {"loadmodule \"demo.so\" route { demo_old(\"a\"); }",
       "demo_old is the old name; write demo_yes"},
      {"loadmodule \"demo.so\" modparam(\"demo\", \"old\", 1) route { }",
       "old of demo has no effect: not needed"},
  };
  for (const auto& row : table) {
    const compilation c = compile_text(row.script);
    EXPECT_TRUE(c.made) << c.found.to_string();
    EXPECT_THAT(c.found.to_string(), HasSubstr(row.expected)) << row.script;
  }
}

TEST(diagnostics, keep_a_hundred_errors_and_count_the_rest) {
  std::string text = "route {\n";
  for (int i = 0; i < 150; ++i) text += "nix();\n";
  const compilation c = compile_text(text + "}");
  EXPECT_EQ(c.found.error_count(), 150U);
  EXPECT_EQ(c.found.all().size(), 100U);
  EXPECT_THAT(c.found.to_string(), HasSubstr("150 errors (the first 100 of a kind are shown)"));
}

TEST(diagnostics, are_coloured_only_when_asked_and_never_pass_on_control_characters) {
  const compilation c = compile_text("route { nix(\"\x1b[31m\"); }");
  EXPECT_EQ(c.found.to_string().find('\x1b'), std::string::npos);
  EXPECT_THAT(c.found.to_string(colour::on), HasSubstr("\x1b[1;31merror:\x1b[0m"));
}

TEST(diagnostics, point_under_the_right_column_after_characters_of_several_bytes) {
  EXPECT_THAT(complaints("route { yes(\"\xc3\xa4\"); nix(); }"),
              HasSubstr("\n      |                   ^~~\n"));
}

} // namespace
} // namespace tandem::script::test
