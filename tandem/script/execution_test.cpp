// SPDX-License-Identifier: Apache-2.0
// Tests of what a program does: three values, short circuit, nested routes, suspension.
#include <tandem/script/execution.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <tandem/script/script_fixture_for_test.hpp>

namespace tandem::script::test {
namespace {

TEST(comparisons, of_methods_respect_letter_case_but_not_in_classic_scripts) { // RFC 3261 7.1
  plain_context on;
  on.method_text = "invite";
  for (const char* condition :
       {"method==\"INVITE\"", "method=~\"^INVITE$\"", "$m == \"INVITE\"", "$m =~ \"INV\""}) {
    const std::string text =
        "route { if (" + std::string(condition) + ") yes(\"a\"); else no(\"b\"); }";
    EXPECT_EQ(run(text, on), "b =-1") << condition;
    on.trace.clear();
    EXPECT_EQ(run("compat=classic\n" + text, on), "a =1") << condition;
    on.trace.clear();
  }
}

TEST(comparisons, of_addresses_by_a_regular_expression_look_at_the_text) {
  plain_context on;
  on.from = ip_address::v4(10, 0, 0, 17);
  EXPECT_EQ(run("route { if (src_ip=~\"10.0.0.1\") yes(\"a\"); else no(\"b\"); }", on), "a =1");
}

TEST(evaluation, of_three_values_in_each_position) {
  const struct {
    const char* script;
    const char* expected;
  } table[] = {
      // As a statement: only 0 matters.
      {"route { yes(\"a\"); yes(\"b\"); }", "a b =1"},
      {"route { no(\"a\"); yes(\"b\"); }", "a b =1"},
      {"route { yes(\"a\"); no(\"b\"); }", "a b =-1"},
      {"route { stop(\"a\"); yes(\"b\"); }", "a =0"},
      {"route { two(\"a\"); }", "a =1"},
      // As a condition: true, false, leaves.
      {"route { if (yes(\"a\")) yes(\"t\"); else yes(\"f\"); yes(\"z\"); }", "a t z =1"},
      {"route { if (no(\"a\")) yes(\"t\"); else yes(\"f\"); yes(\"z\"); }", "a f z =1"},
      {"route { if (stop(\"a\")) yes(\"t\"); else yes(\"f\"); yes(\"z\"); }", "a =0"},
      {"route { if (two(\"a\")) yes(\"t\"); }", "a t =1"},
      {"route { if (!yes(\"a\")) yes(\"t\"); else yes(\"f\"); }", "a f =1"},
      {"route { if (!no(\"a\")) yes(\"t\"); else yes(\"f\"); }", "a t =1"},
      {"route { if (!stop(\"a\")) yes(\"t\"); else yes(\"f\"); }", "a =0"},
      // Short circuit.
      {"route { if (yes(\"a\") && yes(\"b\")) yes(\"t\"); }", "a b t =1"},
      {"route { if (no(\"a\") && yes(\"b\")) yes(\"t\"); }", "a =1"},
      {"route { if (yes(\"a\") || yes(\"b\")) yes(\"t\"); }", "a t =1"},
      {"route { if (no(\"a\") || yes(\"b\")) yes(\"t\"); }", "a b t =1"},
      {"route { if (no(\"a\") || no(\"b\")) yes(\"t\"); }", "a b =1"},
      {"route { if (yes(\"a\") && stop(\"b\") || yes(\"c\")) yes(\"t\"); }", "a b =0"},
      {"route { if (no(\"a\") && stop(\"b\") || yes(\"c\")) yes(\"t\"); }", "a c t =1"},
      {"route { if (!(yes(\"a\") && no(\"b\"))) yes(\"t\"); }", "a b t =1"},
      // Through nested ifs and blocks.
      {"route { if (1) { if (1) { stop(\"a\"); } yes(\"b\"); } yes(\"c\"); }", "a =0"},
      {"route { if (1) { { break; } } yes(\"c\"); }", "=0"},
      {"route { if (1) { drop; } yes(\"c\"); }", "=0"},
      // Blocks and numbers as conditions.
      {"route { if ({ yes(\"a\"); no(\"b\"); }) yes(\"t\"); else yes(\"f\"); }", "a b f =1"},
      {"route { if ({ no(\"a\"); yes(\"b\"); }) yes(\"t\"); else yes(\"f\"); }", "a b t =1"},
      {"route { if ({ stop(\"a\"); yes(\"b\"); }) yes(\"t\"); }", "a =0"},
      {"route { if ({ }) yes(\"t\"); }", "t =1"},
      {"route { if (0) yes(\"t\"); else yes(\"f\"); if (5) yes(\"t\"); }", "f t =1"},
      // An if of which nothing was chosen counts as true.
      {"route { if ({ no(\"a\"); if (0) no(\"b\"); }) yes(\"t\"); }", "a t =1"},
      // Routes: 0 leaves only the block that it stands in.
      {"route { route(1); yes(\"z\"); } route[1] { yes(\"a\"); break; yes(\"b\"); }", "a z =1"},
      {"route { route(1); yes(\"z\"); } route[1] { stop(\"a\"); }", "a z =1"},
      {"route { if (route(1)) yes(\"t\"); else yes(\"f\"); } route[1] { no(\"a\"); }", "a f =1"},
      {"route { if (route(1)) yes(\"t\"); else yes(\"f\"); } route[1] { no(\"a\"); break; }",
       "a t =1"},
      {"route { if (route(1)) yes(\"t\"); } route[1] { }", "t =1"},
      {"route { if (!route(1)) yes(\"t\"); } route[1] { no(\"a\"); }", "a t =1"},
      {"route { route(1); yes(\"z\"); } route[1] { route(2); yes(\"y\"); } route[2] { break; }",
       "y z =1"},
      {"route { if (route(A) && yes(\"b\")) yes(\"t\"); } route[A] { yes(\"a\"); }", "a b t =1"},
      // return and exit.
      {"route { if (route(1)) yes(\"t\"); else yes(\"f\"); } route[1] { return -1; }", "f =1"},
      {"route { if (route(1)) yes(\"t\"); } route[1] { return; }", "t =1"},
      {"route { if (route(1)) yes(\"t\"); } route[1] { return 0; }", "t =1"},
      {"route { route(1); say(\"$rc\"); } route[1] { return 7; }", "7 =1"},
      {"route { return 7; }", "=7"},
      {"route { route(1); yes(\"z\"); } route[1] { yes(\"a\"); exit; }", "a =0"},
  };
  for (const auto& row : table) {
    EXPECT_EQ(run(row.script), row.expected) << row.script;
    // The same with every function suspending: the trace must not change.
    plain_context slow;
    slow.suspend_all = true;
    EXPECT_EQ(run(row.script, slow), row.expected) << row.script;
  }
}

TEST(evaluation, guards_against_routes_that_call_themselves) {
  EXPECT_EQ(run("route { if (route(1)) yes(\"t\"); else yes(\"f\"); } route[1] { "
                "return(route_depth()); }")
                    .find("error") != std::string::npos,
            true); // no functions as values
  plain_context on;
  const std::string trace = run("route { route(1); } route[1] { yes(\"x\"); route(1); }", on);
  EXPECT_EQ(std::count(on.trace.begin(), on.trace.end(), 'x'), 100) << trace;
}

TEST(evaluation, ends_a_run_that_calls_routes_without_end) {
  plain_context on;
  EXPECT_EQ(
      run("route { route(1); } route[1] { yes(\"x\"); route(1); route(1); }", on).substr(0, 3),
      "x x");
  EXPECT_LE(std::count(on.trace.begin(), on.trace.end(), 'x'), 10000);
}

TEST(conditions, look_at_the_message) {
  const struct {
    const char* condition;
    bool expected;
  } table[] = {
      {"method==\"INVITE\"", true},
      {"method==\"invite\"", false}, // RFC 3261 7.1
      {"method==\"INV\"", false},    // all of it, not its beginning
      {"method==\"INVITES\"", false},
      {"method=\"INVITE\"", true},
      {"method!=\"INVITE\"", false},
      {"method=~\"^INV\"", true},
      {"method=~\"NVI\"", true},
      {"method!~\"NVI\"", false},
      {"uri=~\"^sip:[a-z]+@example\\.com$\"", true},
      {"uri=~\"^sip:(bob|alice)@\"", true},
      {"uri==\"sip:alice@example.com\"", true},
      {"uri==\"sip:alice\"", false},
      {"status==\"\"", true},
      {"uri==myself", false},
      {"myself==uri", false},
      {"dst_ip==myself", true},
      {"src_ip==myself", false},
      {"uri!=myself", true},
      {"src_ip==192.0.2.7", true},
      {"src_ip==192.0.2.8", false},
      {"src_ip==192.0.2.0/24", true},
      {"src_ip==192.0.2.0/255.255.255.0", true},
      {"src_ip==10.0.0.0/8", false},
      {"src_ip==\"192.0.2.7\"", true},
      {"src_ip==\"192.0.0.0/16\"", true},
      {"src_ip==2001:db8::1", false},
      {"src_ip==backup.example", true},
      {"src_ip==\"backup.example\"", true},
      {"src_ip==other.example", false},
      {"dst_ip==backup.example", false},
      {"src_ip=~\"^192\\.\"", true},
      {"src_port==5062", true},
      {"dst_port==5062", false},
      {"proto==udp", true},
      {"proto==TCP", false},
      {"af==inet", true},
      {"af==inet6", false},
      {"af==INET", true},
      {"len_gt(500)", true},
      {"len_gt(501)", false},
      {"len_gt(max_len)", false},
      {"isflagset(1)", false},
      {"$m==\"INVITE\"", true},
      {"$m=~\"^b\"", false},
      {"$hdr(None)==\"\"", true},
  };
  for (const auto& row : table) {
    plain_context on;
    on.known_host = "backup.example";
    EXPECT_EQ(run(fmt::format("route {{ if ({}) yes(\"t\"); }}", row.condition), on),
              row.expected ? "t =1" : "=1")
        << row.condition;
  }
}

TEST(conditions, match_bytes_that_are_no_utf8_and_across_lines) {
  plain_context on;
  on.uri_text = "sip:\xff\n@x";
  EXPECT_EQ(run("route { if (uri=~\"^sip:..@x$\") yes(\"t\"); }", on), "t =1");
}

TEST(functions, set_and_clear_flags) {
  plain_context on;
  EXPECT_EQ(
      run("route { setflag(1); setflag(31); resetflag(1); if (isflagset(31)) yes(\"t\"); }", on),
      "t =1");
  EXPECT_EQ(on.flags, 1U << 31U);
}

TEST(functions, get_their_arguments_with_variables_filled_in) {
  EXPECT_EQ(run("route { say(\"<$m> $hdr(To) $(hdr(Via)[-1])x $$ 5$\", \"$(m)b\"); }"),
            "<INVITE> hdr:To hdr:Via#-1x $ 5$ INVITEb =1");
  EXPECT_EQ(run("route { say(\"[$hdr(None)]\"); }"), "[] =1");
  EXPECT_EQ(run("route { run([\"prog\", \"a $m\", \"$hdr(X)\"]); }"), "prog a INVITE hdr:X =1");
  EXPECT_EQ(run("route { forward(uri:host, uri:port); forward(foo.bar, 5070); }"),
            "uri-part 1 foo.bar 5070 =1");
  EXPECT_EQ(run("failure_route[1] {} route { arm(\"1\"); arm(1); arm(\"0\"); }"),
            "armed armed none =1");
  EXPECT_EQ(run("route { search(\"x\"); }"), "<x> =1");
}

TEST(functions, of_other_blocks_are_refused_when_they_are_reached_all_the_same) {
  const auto c = compile_text("route { route(1); } failure_route[1] { route(1); } "
                              "route[1] { if (request_only()) yes(\"t\"); else yes(\"f\"); }");
  ASSERT_TRUE(c.made);
  EXPECT_EQ(c.found.warning_count(), 1U);
  plain_context on;
  execution e;
  e.start(*c.made, *c.made->find_block(block_kind::failure, "1"), on);
  EXPECT_EQ(on.trace, "f");
  on.trace.clear();
  e.start(*c.made, c.made->main_block(), on);
  EXPECT_EQ(on.trace, "request_only t");
}

TEST(suspension, can_be_abandoned_and_the_execution_used_again) {
  const auto c = compile_text("route { yes(\"a\"); yes(\"b\"); }");
  ASSERT_TRUE(c.made);
  plain_context on;
  on.suspend_all = true;
  execution e;
  EXPECT_EQ(e.start(*c.made, 0, on), execution::state::suspended);
  EXPECT_EQ(e.waiting_for()->name, "yes");
  EXPECT_EQ(c.made->text().place(e.where()), "t.cfg:1:9");
  e.abandon();
  EXPECT_EQ(e.now(), execution::state::finished);
  EXPECT_EQ(e.resume(1), execution::state::finished);
  EXPECT_EQ(on.trace, "a");
  on.suspend_all = false;
  e.start(*c.made, 0, on);
  EXPECT_EQ(on.trace, "a a b");
}

TEST(suspension, at_full_depth_goes_on_where_it_was) {
  std::string text = "route { if (route(1)) yes(\"end\"); }";
  for (int i = 1; i < 100; ++i)
    text += fmt::format(" route[{}] {{ if (!route({})) no(\"f\"); }}", i, i + 1);
  text += " route[100] { no(\"deep\"); }";
  plain_context fast;
  plain_context slow;
  slow.suspend_all = true;
  const std::string expected = run(text, fast);
  EXPECT_EQ(expected.substr(0, 6), "deep f");
  EXPECT_EQ(run(text, slow), expected);
}

TEST(execution, a_function_that_waits_without_having_declared_it_is_no) {
  auto known = std::make_shared<registry>();
  known->add({.name = "hasty",
              .help = "for this test",
              .functions = {{.name = "wait", .arguments = {}, .help = "waits", .run = [](call&) {
                               return outcome::suspended();
                             }}}});
  const compilation c = compile(
      std::make_shared<source>("test.cfg", "loadmodule \"hasty\"\nroute { if (wait()) return 7; "
                                           "return 3; }"),
      known);
  ASSERT_TRUE(c.made) << c.found.to_string();
  plain_context on;
  execution e;
  EXPECT_EQ(e.start(*c.made, c.made->main_block(), on), execution::state::finished);
  EXPECT_EQ(e.value(), 3);
}

struct recorder : observer {
  std::string seen;
  void entered(const block_info& b) override { seen += fmt::format("[{}]", b.name); }
  void called(const function_info& f, span, const outcome& o) override {
    seen +=
        o.is_suspended() ? fmt::format("{}? ", f.name) : fmt::format("{}{} ", f.name, o.value());
  }
  void resumed(const function_info& f, span, int value) override {
    seen += fmt::format("{}!{} ", f.name, value);
  }
  void compared(span, bool result) override { seen += result ? "T " : "F "; }
};

TEST(observer, sees_each_step) {
  const auto c =
      compile_text("route { if (method==\"X\") no(\"a\"); route(1); } route[1] { two(\"b\"); }");
  ASSERT_TRUE(c.made);
  plain_context on;
  on.suspend_all = true;
  recorder seen;
  execution e;
  e.start(*c.made, 0, on, &seen);
  e.resume(2);
  EXPECT_EQ(seen.seen, "[0]F [1]two? two!2 ");
}

} // namespace
} // namespace tandem::script::test
