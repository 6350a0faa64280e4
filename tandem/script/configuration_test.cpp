// SPDX-License-Identifier: Apache-2.0
// Tests of parameters, modules and compatibility.
#include <tandem/script/configuration.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <utility>

#include <tandem/script/script_fixture_for_test.hpp>

namespace tandem::script::test {
namespace {

using ::testing::HasSubstr;

TEST(core_parameters, have_defaults_and_keep_what_the_script_sets_and_where) {
  const auto unset = compile_text("route { }");
  const module_info& core = unset.made->core();
  EXPECT_EQ(unset.made->parameters().number(core, "debug"), 2);
  EXPECT_TRUE(unset.made->parameters().is_on(core, "fork"));
  EXPECT_EQ(unset.made->parameters().text(core, "fifo"), "/var/f");
  EXPECT_TRUE(unset.made->parameters().list(core, "listen").empty());
  EXPECT_FALSE(unset.made->parameters().is_set("core", "debug"));

  const auto set = compile_text("debug=-1\nfork=off fifo=\"/tmp/f\" fifo_mode=0o666 uid=nobody\n"
                                "listen=192.0.2.1 udp:[2001:db8::1]:5070 listen=eth0\n"
                                "listen=a.example listen=\"b.example:5070\"\nroute { }");
  ASSERT_TRUE(set.made) << set.found.to_string();
  const settings& p = set.made->parameters();
  EXPECT_EQ(p.number(core, "debug"), -1);
  EXPECT_EQ(set.made->text().place(p.where("core", "fork")), "t.cfg:2:6");
  EXPECT_FALSE(p.is_on(core, "fork"));
  EXPECT_EQ(p.text(core, "fifo"), "/tmp/f");
  EXPECT_EQ(p.number(core, "fifo_mode"), 438);
  EXPECT_EQ(p.text(core, "user"), "nobody") << "by a synonym";
  std::string listed;
  for (const list_item& i : p.list(core, "listen")) listed += i.text + " ";
  EXPECT_EQ(listed, "192.0.2.1 udp:[2001:db8::1]:5070 eth0 a.example b.example:5070 ");
  EXPECT_THROW((void)p.number(core, "no_such"), std::invalid_argument);
}

TEST(core_parameters, that_cannot_be_are_refused_at_their_place_with_what_is_expected) {
  const std::pair<const char*, const char*> table[] = {
      {"debug=10 route { }", "t.cfg:1:7: error: debug is 10; expected -3 to 9"},
      {"debug=-4 route { }", "debug is -4; expected -3 to 9"},
      {"debug=often route { }", "debug is 'often'; expected a number"},
      {"fork=tls route { }", "fork is 3; expected yes or no"},
      {"fork=2 route { }", "fork is 2; expected yes or no"},
      {"overload_retry_after=-1 route { }", "overload_retry_after is -1; expected 0 to 86400 s"},
      {"compat=clasic route { }", "compat is 'clasic'; expected classic or rfc"},
      {"compat=clasic route { }", "did you mean 'classic'?"},
      {"debgu=1 route { }", "unknown parameter 'debgu'; did you mean 'debug'?"},
  };
  for (const auto& [script, complaint] : table)
    EXPECT_THAT(complaints(script), HasSubstr(complaint)) << script;
}

TEST(loadmodule, takes_the_name_out_of_any_path_and_opens_no_file) {
  for (const char* path : {"demo", "demo.so", "/no/such/dir/demo.so", "modules/demo/demo.so",
                           "../sip_router/modules/demo/demo.so", "demo_module.so"}) {
    const auto c =
        compile_text("loadmodule \"" + std::string(path) + "\"\nroute { demo_yes(\"a\"); }");
    ASSERT_TRUE(c.made) << c.found.to_string();
    EXPECT_TRUE(c.made->has_module("demo"));
    EXPECT_FALSE(c.made->has_module("other"));
    EXPECT_EQ(c.made->modules().size(), 1U);
  }
}

TEST(modparam, matches_module_names_whole_without_case_and_several_at_once) {
  const std::string modules = "loadmodule \"demo.so\" loadmodule \"other.so\" ";
  const auto both = compile_text(modules + "modparam(\"demo|other\", \"timer\", 7) route { }");
  ASSERT_TRUE(both.made) << both.found.to_string();
  const module_info& demo = *test_registry()->find_module("demo");
  const module_info& other = *test_registry()->find_module("other");
  EXPECT_EQ(both.made->parameters().number(demo, "timer"), 7);
  EXPECT_EQ(both.made->parameters().number(other, "timer"), 7);
  EXPECT_EQ(both.made->parameters().text(demo, "table"), "users");

  const auto one = compile_text(modules + "modparam(\"DEMO_Module\", \"timer\", \"8\") "
                                          "modparam(\"demo\", \"table\", \"t2\") route { }");
  ASSERT_TRUE(one.made) << one.found.to_string();
  EXPECT_EQ(one.made->parameters().number(demo, "timer"), 8);
  EXPECT_EQ(one.made->parameters().number(other, "timer"), 5);
  EXPECT_EQ(one.made->parameters().text(demo, "table"), "t2");
  EXPECT_TRUE(one.made->parameters().is_set("demo", "table"));
  EXPECT_FALSE(one.made->parameters().is_set("other", "timer"));

  EXPECT_THAT(complaints(modules + "modparam(\"dem\", \"timer\", 7) route { }"),
              HasSubstr("no loaded module is named 'dem'; did you mean 'demo'?"));
}

TEST(compatibility, is_detected_from_the_first_line_and_from_module_paths) {
  const struct {
    const char* script;
    compatibility expected;
  } table[] = {
      {"route { }", compatibility::rfc},
      {"#!SER\nroute { }", compatibility::classic},
      {"# x\n#!SER\nroute { }", compatibility::rfc},
      {"loadmodule \"demo.so\" route { }", compatibility::rfc},
      {"loadmodule \"/usr/lib/ser/modules/demo.so\" route { }", compatibility::classic},
      {"loadmodule \"modules/demo/demo.so\" route { }", compatibility::classic},
      {"loadmodule \"/usr/lib/kamailio/modules/demo.so\" route { }", compatibility::rfc},
      {"compat=classic route { }", compatibility::classic},
      {"#!SER\ncompat=rfc route { }", compatibility::rfc},
      {"compat=\"rfc\" loadmodule \"modules/demo/demo.so\" route { }", compatibility::rfc},
  };
  for (const auto& row : table)
    EXPECT_EQ(compile_text(row.script).made->parameters().compat(), row.expected) << row.script;
}

TEST(compatibility, of_a_classic_script_leaves_unknown_dollars_alone) {
  EXPECT_EQ(run("#!SER\nroute { say(\"cost $nix $m $(date)\"); }"), "cost $nix INVITE $(date) =1");
}

TEST(program, lists_the_host_names_that_conditions_need) {
  const auto c =
      compile_text("route { if (src_ip==b.example | dst_ip==\"a.example\" | src_ip==b.example "
                   "| src_ip==192.0.2.1) break; }");
  ASSERT_TRUE(c.made);
  EXPECT_THAT(c.made->host_names(), ::testing::ElementsAre("b.example", "a.example"));
}

TEST(program, can_be_listed) {
  EXPECT_EQ(compile_text("route { if (uri=~\"x\") break; yes(\"a\"); }").made->listing(),
            "route[0]:\n"
            "    0  text_matches /x/ -> 1 : 3  (1:13)\n"
            "    1  leave   (1:23)\n"
            "    2  jump -> 4  (1:9)\n"
            "    3  set -> 4  (1:9)\n"
            "    4  call yes -> 5 : 5  (1:30)\n"
            "    5  end   (1:1)\n");
}

TEST(registry, refuses_declarations_that_cannot_be_right) {
  const auto run = [](call&) { return outcome::yes(); };
  registry r;
  r.add({.name = "a", .help = "x"});
  EXPECT_THROW(r.add({.name = "a", .help = "x"}), std::invalid_argument);
  EXPECT_THROW(r.add({.name = "", .help = "x"}), std::invalid_argument);
  module_info twice{.name = "b", .help = "x"};
  twice.functions = {{.name = "f", .help = "x", .run = run},
                     {.name = "f", .help = "x", .run = run}};
  EXPECT_THROW(r.add(std::move(twice)), std::invalid_argument);
  module_info bare{.name = "b", .help = "x"};
  bare.functions = {{.name = "f", .help = "x"}};
  EXPECT_THROW(r.add(std::move(bare)), std::invalid_argument);
  module_info odd{.name = "b", .help = "x"};
  odd.parameters = {{.name = "p", .default_value = "much", .help = "x"}};
  EXPECT_THROW(r.add(std::move(odd)), std::invalid_argument);
}

TEST(registry, lists_all_that_scripts_can_name) {
  const std::string list = test_registry()->list_functions();
  EXPECT_THAT(list, HasSubstr("core       setflag(flag)"));
  EXPECT_THAT(list, HasSubstr("say(text[, more])"));
  EXPECT_THAT(list, HasSubstr("demo       demo_yes(word)"));
  const std::string page = test_registry()->functions_as_markdown();
  EXPECT_THAT(page, HasSubstr("| `log(level, text)` | route failure_route onreply_route |"));
  EXPECT_THAT(page, HasSubstr("| `$hdr(Name)` | a header |"));
  EXPECT_THAT(page, HasSubstr("| `demo_old` | `demo_yes` |"));
}

} // namespace
} // namespace tandem::script::test
