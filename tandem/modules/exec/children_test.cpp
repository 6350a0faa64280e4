// SPDX-License-Identifier: Apache-2.0
// Who programs are and what they inherit, as the parameters of module exec say.
#include <tandem/modules/exec/children.hpp>

#include <tandem/modules/all.hpp>
#include <tandem/server/loaded_script.hpp>
#include <tandem/server/privileges.hpp>
#include <tandem/server/services.hpp>

#include <gtest/gtest.h>
#include <unistd.h>

namespace tandem::modules {
namespace {

using strings = std::vector<std::string>;

/// What a script makes of the options that the server starts with.
process::spawner_options prepared(std::string_view parameters,
                                  process::spawner_options given = {}) {
  const server::script_loader loader{all()};
  const auto names =
      std::shared_ptr<const script::registry>{std::shared_ptr<void>{}, &loader.names()};
  const auto compiled = script::compile(
      std::make_shared<script::source>("test.cfg", "loadmodule \"exec.so\"\n" +
                                                       std::string{parameters} + "\nroute { }\n"),
      names);
  EXPECT_TRUE(compiled.made) << compiled.found.to_string();
  server::services shared;
  if (compiled.made) loader.prepare_children(*compiled.made, shared, given);
  return given;
}

process::spawner_options with(strings environment) {
  process::spawner_options made;
  made.environment = std::move(environment);
  return made;
}

TEST(exec_children, inherit_the_variables_that_are_named_and_no_others) {
  const strings all = {"PATH=/bin", "LC_ALL=C", "LC_TIME=C", "PATHS=x", "DB_PASSWORD=s", "ODD"};
  EXPECT_EQ(inherited_variables(all, usual_variables),
            (strings{"PATH=/bin", "LC_ALL=C", "LC_TIME=C"}));
  EXPECT_EQ(inherited_variables(all, "*"), all);
  EXPECT_EQ(inherited_variables(all, "LC_TIME ,\tODD,"), (strings{"LC_TIME=C", "ODD"}));
  EXPECT_EQ(inherited_variables(all, ""), strings{});
  EXPECT_EQ(inherited_variables(all, ","), strings{});
}

TEST(exec_children, get_no_secret_of_the_servers_environment_unless_told) {
  const strings all = {"PATH=/bin", "DB_PASSWORD=s"};
  EXPECT_EQ(prepared("", with(all)).environment, strings{"PATH=/bin"});
  EXPECT_EQ(prepared(R"(modparam("exec", "environment", "*"))", with(all)).environment, all);
}

TEST(exec_children, of_a_server_that_stays_root_are_nobody_unless_root_is_named) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be somebody else";
  const auto by_default = prepared("", with({"HOME=/root", "USER=root", "PATH=/bin"}));
  ASSERT_TRUE(by_default.user);
  EXPECT_EQ(by_default.user->uid, process::find_user("nobody")->uid);
  EXPECT_EQ(by_default.environment, strings{"PATH=/bin"}) << "the home is another one's";
  const auto named = prepared(R"(modparam("exec", "user", "root"))", with({"HOME=/root"}));
  ASSERT_TRUE(named.user);
  EXPECT_EQ(named.user->uid, 0U);
  EXPECT_EQ(named.environment, strings{"HOME=/root"});
  // A server that becomes somebody itself takes its programs along.
  process::spawner_options service;
  service.user = process::child_user{.uid = 12, .gid = 12, .groups = {}};
  EXPECT_EQ(prepared("", service).user->uid, 12U);
  EXPECT_EQ(prepared(R"(modparam("exec", "user", "nobody"))", service).user->uid,
            process::find_user("nobody")->uid);
}

TEST(exec_children, cannot_be_a_user_that_is_not_there) {
  try {
    static_cast<void>(prepared(R"(modparam("exec", "user", "no-such-user"))"));
    FAIL() << "it was accepted";
  } catch (const server::start_error& error) {
    EXPECT_EQ(std::string_view{error.what()},
              "test.cfg:2:26: modparam(\"exec\", \"user\"): there is no user 'no-such-user'");
  }
}

} // namespace
} // namespace tandem::modules
