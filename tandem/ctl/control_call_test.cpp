// SPDX-License-Identifier: Apache-2.0
#include <tandem/ctl/control_call.hpp>

#include <tandem/control/command_registry.hpp>
#include <tandem/ctl/completion.hpp>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>

namespace tandem::ctl {
namespace {

namespace json = boost::json;
using control::value_type;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

/// A registry as programs have one, asked without a wire between.
class control_call_test : public testing::Test {
 public:
  control_call_test() {
    registry.add({.name = "ul.list",
                  .help = "Who is registered where.",
                  .needs = control::role::read,
                  .parameters = {{.name = "aor", .is_required = false, .help = "only this user"},
                                 {.name = "limit",
                                  .type = value_type::integer,
                                  .is_required = false,
                                  .help = "most users"}},
                  .reply = {{"records",
                             value_type::list,
                             "a user",
                             {{"aor", value_type::text}, {"limit", value_type::integer}}}},
                  .run = [](control::command_call call) {
                    json::array rows;
                    rows.push_back({{"aor", call.text("aor").value_or("all")},
                                    {"limit", call.integer("limit").value_or(0)}});
                    call.answer({{"records", std::move(rows)}});
                  }});
    registry.add({.name = "ul.rm",
                  .help = "Removes a user.",
                  .parameters = {{.name = "aor", .help = "a user"}},
                  .reply = {{"removed", value_type::flag}},
                  .run = [](control::command_call call) {
                    call.refuse(control::command_error::not_found, "there is no such user");
                  }});
    registry.add({.name = "version",
                  .help = "The version.",
                  .reply = {{"version", value_type::text}},
                  .run = [this](control::command_call call) {
                    ++versions;
                    call.answer({{"version", "1.0"}});
                  }});
  }

  asker ask() {
    return [this](std::string_view name, json::object given) {
      result<json::value, control::rpc_failure> answer = json::value{};
      registry.call(name, std::move(given), {.name = "test", .may = may},
                    control::reply_taker{[&](control::command_reply reply) {
                      if (reply)
                        answer = std::move(*reply);
                      else
                        answer = fail(control::rpc_failure{
                            reply.error().code == control::command_error::not_allowed
                                ? control::rpc_failure::kind::not_allowed
                                : control::rpc_failure::kind::refused,
                            reply.error().message});
                    }});
      return answer;
    };
  }
  int run(std::vector<std::string> words, output_form form = output_form::table) {
    out.str("");
    err.str("");
    return ctl::run(ask(), {.words = std::move(words), .form = form}, out, err);
  }

  control::command_registry registry;
  control::role may = control::role::admin;
  int versions = 0;
  std::ostringstream out, err;
};

TEST_F(control_call_test, commands_go_by_words_or_with_dots_and_arguments_are_typed) {
  for (const auto& words :
       std::vector<std::vector<std::string>>{{"ul", "list", "alice", "5"},
                                             {"ul.list", "limit=5", "alice"},
                                             {"ul", "list", "aor=alice", "limit=5"}}) {
    EXPECT_EQ(run(words), 0);
    EXPECT_EQ(out.str(), "AOR    LIMIT\nalice  5\n");
    EXPECT_EQ(err.str(), "");
  }
}

TEST_F(control_call_test, json_is_the_answer_as_it_is) {
  EXPECT_EQ(run({"ul", "list"}, output_form::json), 0);
  EXPECT_EQ(out.str(), R"({"records":[{"aor":"all","limit":0}]})"
                       "\n");
  EXPECT_EQ(run({"help", "ul.rm"}, output_form::json), 0);
  EXPECT_EQ(json::parse(out.str()).at("name"), "ul.rm");
}

TEST_F(control_call_test, what_is_wrong_is_told_with_a_remedy_and_an_exit_status) {
  EXPECT_EQ(run({"ul", "lsit"}), 1);
  EXPECT_THAT(err.str(), HasSubstr("there is no command 'ul lsit'; there is ul list, ul rm"));
  EXPECT_EQ(run({"versoin"}), 1);
  EXPECT_THAT(err.str(), HasSubstr("did you mean `version`?"));
  EXPECT_EQ(run({"ul", "list", "limit=many"}), 1);
  EXPECT_THAT(err.str(), HasSubstr("'limit' must be an integer; usage: ul list [aor] [limit]"));
  EXPECT_EQ(run({"ul", "rm"}), 1);
  EXPECT_THAT(err.str(), HasSubstr("'aor' is missing"));
  EXPECT_EQ(run({"ul", "rm", "bob"}), 5);
  EXPECT_EQ(err.str(), "tandemctl: there is no such user\n");
  EXPECT_EQ(run({}), 1);
  may = control::role::user;
  EXPECT_EQ(run({"ul", "list"}), 3);
  EXPECT_THAT(err.str(), HasSubstr("needs the role read, and the caller has user"));
  EXPECT_EQ(out.str(), "");
}

TEST_F(control_call_test, help_lists_the_commands_and_makes_the_page_of_one) {
  EXPECT_EQ(run({"help"}), 0);
  EXPECT_THAT(out.str(), HasSubstr("ul list  Who is registered where.\n"));
  EXPECT_EQ(run({"help", "ul", "list"}), 0);
  EXPECT_THAT(out.str(), StartsWith("NAME\n    ul.list - Who is registered where.\n\n"
                                    "USAGE\n    tandemctl ul list [aor] [limit]\n\n"
                                    "ARGUMENTS, in this order or as NAME=VALUE\n"));
  EXPECT_THAT(out.str(), HasSubstr("    limit          integer, optional\n        most users\n"));
  EXPECT_THAT(out.str(), HasSubstr("ANSWER\n    records        list\n        a user\n"
                                   "        aor            text\n"));
  EXPECT_THAT(out.str(), HasSubstr("ROLE\n    read\n"));
  EXPECT_EQ(run({"help", "ul.rm"}), 0);
  EXPECT_THAT(out.str(), HasSubstr("tandemctl ul rm aor\n"));
  EXPECT_EQ(run({"help", "nothing"}), 1);
}

TEST_F(control_call_test, watch_asks_again_and_again) {
  EXPECT_EQ(run({"watch", "-n", "1", "-c", "2", "version"}), 0);
  EXPECT_EQ(out.str(), "version  1.0\n\nversion  1.0\n");
  EXPECT_EQ(versions, 2);
  for (const auto& bad : std::vector<std::vector<std::string>>{{"watch"},
                                                               {"watch", "-n", "0", "version"},
                                                               {"watch", "-n"},
                                                               {"watch", "-c", "x", "help"}})
    EXPECT_EQ(run(bad), 1);
  EXPECT_EQ(run({"watch", "no", "such"}), 1) << "a wrong command ends it";
}

TEST_F(control_call_test, completion_knows_commands_and_arguments) {
  EXPECT_THAT(complete(ask(), {""}), ElementsAre("completion", "help", "ul", "version", "watch"));
  EXPECT_THAT(complete(ask(), {"v"}), ElementsAre("version"));
  EXPECT_THAT(complete(ask(), {"ul", ""}), ElementsAre("list", "rm"));
  EXPECT_THAT(complete(ask(), {"ul.l"}), ElementsAre("ul.list"));
  EXPECT_THAT(complete(ask(), {"ul", "list", ""}), ElementsAre("aor=", "limit="));
  EXPECT_THAT(complete(ask(), {"ul.list", "aor=x", ""}), ElementsAre("limit="));
  EXPECT_THAT(complete(ask(), {"help", "ul", "r"}), ElementsAre("rm"));
  EXPECT_THAT(complete(ask(), {"watch", "ul", "l"}), ElementsAre("list"));
  EXPECT_THAT(complete(ask(), {"completion", ""}), ElementsAre("bash", "zsh"));
  EXPECT_THAT(complete(ask(), {"nothing", ""}), ElementsAre());
  const asker dead = [](std::string_view, const json::object&) {
    return fail(control::rpc_failure{control::rpc_failure::kind::cannot_connect, "gone"});
  };
  EXPECT_THAT(complete(dead, {"w"}), ElementsAre("watch"));
}

TEST_F(control_call_test, each_shell_has_its_script) {
  EXPECT_EQ(run({"completion", "bash"}), 0);
  EXPECT_THAT(out.str(), HasSubstr("complete -F"));
  EXPECT_EQ(run({"completion", "zsh"}), 0);
  EXPECT_THAT(out.str(), HasSubstr("compdef _tandemctl tandemctl"));
  EXPECT_EQ(run({"completion", "fish"}), 1);
  EXPECT_EQ(run({"complete", "--", "ul", ""}), 0);
  EXPECT_EQ(out.str(), "list\nrm\n");
}

} // namespace
} // namespace tandem::ctl
