// SPDX-License-Identifier: Apache-2.0
#include <tandem/control/command_registry.hpp>
#include <tandem/io/shard_group.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdexcept>

using namespace tandem;
using namespace tandem::control;
using testing::ElementsAre;
using testing::HasSubstr;

namespace json = boost::json;

namespace {

const std::vector<command_parameter> declared{
    {.name = "id"},
    {.name = "from", .type = value_type::integer, .is_required = false},
    {.name = "all", .type = value_type::flag, .is_required = false},
    {.name = "names", .type = value_type::list, .is_required = false},
    {.name = "body", .type = value_type::lines, .is_required = false}};

std::string read(const std::vector<std::string>& words,
                 const std::vector<command_parameter>& as = declared) {
  const auto made = arguments::from_words(as, words);
  return made ? json::serialize(made->as_json()) : made.error();
}

TEST(arguments, words_become_what_the_command_declares) {
  EXPECT_EQ(read({"id=1-1", "from=5", "all=yes"}), R"({"id":"1-1","from":5,"all":true})");
  EXPECT_EQ(read({"1-1", "5"}), R"({"id":"1-1","from":5})");
  EXPECT_EQ(read({"from=5", "1-1"}), R"({"from":5,"id":"1-1"})");
  EXPECT_EQ(read({"id=7"}), R"({"id":"7"})");
  EXPECT_EQ(read({"a=b"}), R"({"id":"a=b"})") << "no parameter of that name: a value";
  EXPECT_EQ(read({"1", "names=a,b"}), R"({"id":"1","names":["a","b"]})");
  EXPECT_EQ(read({"1", "body=a\nb"}), R"({"id":"1","body":"a\nb"})");
  EXPECT_EQ(read({"1", "x"}), "'from' must be an integer");
  EXPECT_EQ(read({"1", "99999999999999999999"}), "'from' must be an integer");
  EXPECT_EQ(read({"1", "all=perhaps"}), "'all' must be true or false");
  EXPECT_EQ(read({"1", "2", "true", "a", "b", "6"}), "'6' is one argument too many");
  EXPECT_EQ(read({"1", "2", "true", "a", "b", "fro=4"}),
            "there is no parameter 'fro'; did you mean 'from'?");
  EXPECT_EQ(read({"from=4"}), "'id' is missing");
}

TEST(arguments, a_text_has_one_line_and_a_list_has_texts) {
  for (const char* bad : {R"({"id":"a\r\nb"})", R"({"id":"a\u0000"})", R"({"id":1})",
                          R"({"id":"1","names":["a","b\n"]})", R"({"id":"1","names":"a"})",
                          R"({"id":"1","names":[1]})", R"({"id":"1","from":1.5})", R"("1")"})
    EXPECT_FALSE(arguments::from_json(declared, json::parse(bad))) << bad;
  const auto made = arguments::from_json(
      declared, json::parse(R"({"id":"1","names":["a","b"],"body":"a\nb","from":null})"));
  ASSERT_TRUE(made) << made.error();
  EXPECT_EQ(made->text("id"), "1");
  EXPECT_EQ(made->text("body"), "a\nb");
  EXPECT_EQ(made->integer("from"), std::nullopt);
  EXPECT_THAT(made->list("names"), ElementsAre("a", "b"));
}

TEST(arguments, a_client_learns_the_declaration_from_help) {
  const auto known = parameters_of(schema_of(declared));
  ASSERT_EQ(known.size(), declared.size());
  for (std::size_t i = 0; i < known.size(); ++i) {
    EXPECT_EQ(known[i].name, declared[i].name);
    EXPECT_EQ(known[i].type, declared[i].type) << known[i].name;
  }
  EXPECT_EQ(read({"1-1", "5", "no", "a,b"}, known),
            R"({"id":"1-1","from":5,"all":false,"names":["a","b"]})");
}

TEST(reply, fits_when_it_has_the_declared_fields_and_no_others) {
  const std::vector<reply_field> reply{
      {"n", value_type::integer},
      {"rows", value_type::list, "", {{"name", value_type::text}}},
      {"names", value_type::list},
      {"inner", value_type::object, "", {{"*", value_type::flag}}}};
  for (const char* good : {"{}", R"({"n":1})", R"({"rows":[{"name":"a"}],"names":["b"]})",
                           R"({"inner":{"x":true,"y":false}})"})
    EXPECT_TRUE(fits(reply, json::parse(good))) << good;
  for (const char* bad : {"1", "[]", R"({"m":1})", R"({"n":"1"})", R"({"rows":["a"]})",
                          R"({"rows":[{"nam":"a"}]})", R"({"names":[1]})", R"({"inner":{"x":1}})"})
    EXPECT_FALSE(fits(reply, json::parse(bad))) << bad;
}

TEST(roles, each_may_what_those_before_it_may) {
  command_registry commands;
  for (const role needs : {role::user, role::read, role::change, role::admin})
    commands.add({.name = std::string{to_string(needs)},
                  .help = "Says yes.",
                  .needs = needs,
                  .run = [](command_call call) { call.answer(json::object{}); }});
  for (const role has : {role::user, role::read, role::change, role::admin})
    for (const role needs : {role::user, role::read, role::change, role::admin}) {
      std::optional<command_reply> reply;
      commands.call(to_string(needs), nullptr, {.name = "test", .may = has},
                    [&](command_reply r) { reply = std::move(r); });
      ASSERT_TRUE(reply);
      EXPECT_EQ(reply->has_value(), has >= needs) << to_string(has) << ' ' << to_string(needs);
      EXPECT_TRUE(*reply || reply->error().code == command_error::not_allowed);
    }
}

TEST(roles, come_from_a_file_of_tokens_which_never_stand_in_a_complaint) {
  const auto made = access_tokens::parse("# who may\n\nread 0123456789abcdef\n"
                                         "admin\tfedcba9876543210\r\nadmin 0000000000000000\n");
  ASSERT_TRUE(made) << made.error();
  EXPECT_EQ(made->role_of("0123456789abcdef"), role::read);
  EXPECT_EQ(made->role_of("fedcba9876543210"), role::admin);
  EXPECT_EQ(made->role_of("0000000000000000"), role::admin);
  EXPECT_EQ(made->role_of("0123456789abcdeF"), std::nullopt);
  EXPECT_EQ(made->role_of(""), std::nullopt);
  EXPECT_TRUE(access_tokens::parse("")->empty());
  for (const char* bad : {"root 0123456789abcdef", "read", "read 0123456789abcde",
                          "read 0123456789abcdef more", "0123456789abcdef"}) {
    const auto refused = access_tokens::parse(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_THAT(refused.error(),
                testing::AllOf(HasSubstr("line 1: "), testing::Not(HasSubstr("0123456789"))));
  }
}

TEST(command_registry, a_command_runs_on_every_shard_and_its_answers_become_one) {
  io::shard_group shards{3};
  io::gather all{shards.all()};
  command_registry commands{&all};
  commands.add({.name = "sum",
                .help = "Adds the numbers of the shards.",
                .needs = role::read,
                .parameters = {{.name = "times", .type = value_type::integer}},
                .reply = {{"sum", value_type::integer}},
                .on_shard =
                    [](io::shard& at, const arguments& given) {
                      return json::value(at.index() * *given.integer("times"));
                    },
                .merge = [](std::vector<json::value> parts, const arguments&) -> command_reply {
                  std::int64_t sum = 0;
                  for (const json::value& part : parts) sum += part.as_int64();
                  return json::value{{"sum", sum}};
                }});
  std::optional<command_reply> reply;
  shards[0].post([&] {
    commands.call_in_words("sum", {"times=10"}, {.name = "test", .may = role::read},
                           [&](command_reply r) {
                             reply = std::move(r);
                             shards.stop();
                           });
  });
  shards.run();
  ASSERT_TRUE(reply && *reply);
  EXPECT_EQ(json::serialize(**reply), R"({"sum":30})");
}

TEST(command_registry, what_a_command_throws_is_an_error_of_that_command_alone) {
  io::shard_group shards{2};
  io::gather all{shards.all()};
  command_registry commands{&all};
  const auto text = [](std::vector<json::value>, const arguments&) -> command_reply {
    return json::value{{"text", "fine"}};
  };
  const auto throws = [](auto&&...) -> json::value { throw std::out_of_range{"no such row"}; };
  commands.add({.name = "runs", .help = "Throws.", .needs = role::read, .run = throws});
  commands.add({.name = "on_shards",
                .help = "Throws.",
                .needs = role::read,
                .on_shard = throws,
                .merge = text});
  commands.add({.name = "merges",
                .help = "Throws.",
                .needs = role::read,
                .on_shard = [](io::shard&, const arguments&) { return json::value(1); },
                .merge = [=](auto&&...) -> command_reply { return throws(); }});
  std::vector<int> codes;
  shards[0].post([&] {
    for (const char* name : {"runs", "on_shards", "merges"})
      commands.call_in_words(name, {}, {.name = "test", .may = role::read}, [&](command_reply r) {
        codes.push_back(r ? 0 : r.error().code);
        if (codes.size() == 3) shards.stop();
      });
  });
  shards.run();
  EXPECT_THAT(codes, testing::Each(command_error::internal_error));
  EXPECT_EQ(codes.size(), 3U);
}

} // namespace
