// SPDX-License-Identifier: Apache-2.0
// Modules that are known and not there yet: a script loads, hears so, and nobody is let in.
#include <tandem/modules/script_fixture_for_test.hpp>
#include <tandem/modules/stubs.hpp>

namespace tandem::modules::for_test {
namespace {

using stubs = script_fixture;

script::compilation compiled(std::string text) {
  static const server::script_loader loader{all()};
  const std::shared_ptr<const script::registry> names{std::shared_ptr<void>{}, &loader.names()};
  return script::compile(std::make_shared<script::source>("test.cfg", std::move(text)), names);
}

TEST_F(stubs, say_why_they_do_nothing_when_they_are_loaded) {
  for (const char* name : {"acc", "auth_radius", "group", "mysql", "msilo", "enum", "nathelper",
                           "permissions", "pa", "jabber"}) {
    const auto made = compiled("loadmodule \"" + std::string{name} + "\"\nroute { break; }\n");
    EXPECT_TRUE(made.made) << name;
    const std::string said = made.found.to_string();
    EXPECT_NE(said.find("warning"), said.npos) << name << ": " << said;
    EXPECT_NE(said.find("test.cfg:1:"), said.npos) << name << ": " << said;
  }
}

TEST_F(stubs, take_parameters_of_theirs_that_are_not_known_with_a_warning) {
  const auto made = compiled("loadmodule \"acc\"\nmodparam(\"acc\", \"log_level\", 1)\n"
                             "route { break; }\n");
  EXPECT_TRUE(made.made) << made.found.to_string();
  EXPECT_FALSE(made.found.has_errors());
}

TEST_F(stubs, do_not_make_functions_that_nobody_declares_pass_for_true) {
  for (const char* name : {"acc", "group", "mysql", "msilo", "nathelper", "pike"}) {
    const auto made = compiled("loadmodule \"" + std::string{name} +
                               "\"\nloadmodule \"registrar\"\n"
                               "route { if (!is_from_registred(\"location\")) break; }\n");
    EXPECT_FALSE(made.made) << name;
    const std::string said = made.found.to_string();
    EXPECT_NE(said.find("unknown function 'is_from_registred'; did you mean"), said.npos) << said;
  }
}

TEST_F(stubs, never_say_yes) {
  for (const server::module_entry& entry : modules::stubs()) {
    const script::module_info info = entry.declare();
    for (const script::function_info& f : info.functions) {
      std::string arguments;
      for (std::size_t i = 0; i < f.max_count(); ++i) arguments += i == 0 ? "\"0\"" : ",\"0\"";
      load_route("if (" + f.name + "(" + arguments +
                     ")) sl_send_reply(\"200\", \"in\"); else sl_send_reply(\"403\", \"out\");",
                 "loadmodule \"" + info.name + "\"\n");
      receive(request("OPTIONS"));
      EXPECT_EQ(sent(), "403") << f.name;
    }
  }
}

TEST_F(stubs, let_nobody_in_and_find_nothing) {
  for (const char* call :
       {"radius_www_authorize(\"r\")", "is_user_in(\"From\", \"admins\")", "m_store(\"0\")",
        "enum_query(\"e164.arpa.\")", "allow_routing()", "handle_subscription(\"r\")"}) {
    load_route("if (" + std::string{call} +
                   ") sl_send_reply(\"200\", \"in\"); else sl_send_reply(\"403\", \"out\");",
               "loadmodule \"auth_radius\"\nloadmodule \"group\"\n"
               "loadmodule \"msilo\"\nloadmodule \"enum\"\nloadmodule \"permissions\"\n"
               "loadmodule \"pa\"\n");
    EXPECT_EQ(said(), "out") << call;
  }
}

} // namespace
} // namespace tandem::modules::for_test
