// SPDX-License-Identifier: Apache-2.0
#include <tandem/control/command_registry.hpp>
#include <tandem/io/shard_group.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>
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
                           R"({"inner":{"x":true,"y":false}})",
                           R"({"rows":[{"name":"what a peer wrote\nhas lines"}]})"})
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
  commands.add(
      {.name = "sum",
       .help = "Adds the numbers of the shards.",
       .needs = role::read,
       .parameters = {{.name = "times", .type = value_type::integer}},
       .reply = {{"sum", value_type::integer}},
       .on_shard =
           [](io::shard& at, const arguments& given) {
             return json::value(at.index() * *given.integer("times"));
           },
       .merge = [](const std::vector<json::value>& parts, const arguments&) -> command_reply {
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
  const auto text = [](const std::vector<json::value>&, const arguments&) -> command_reply {
    return json::value{{"text", "fine"}};
  };
  const auto throws = [](auto&&...) -> json::value { throw std::out_of_range{"no such row"}; };
  commands.add({.name = "runs", .help = "Throws.", .needs = role::read, .run = throws});
  commands.add(
      {.name = "throws_a_number", .help = "Throws.", .needs = role::read, .run = [](command_call) {
         throw 1;
       }});
  commands.add({.name = "lists",
                .help = "Throws.",
                .needs = role::read,
                .rows_on_shard = [](auto&&...) -> shard_page { throw std::out_of_range{"no row"}; },
                .list = "rows"});
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
    for (const char* name : {"runs", "throws_a_number", "lists", "on_shards", "merges"})
      commands.call_in_words(name, {}, {.name = "test", .may = role::read}, [&](command_reply r) {
        codes.push_back(r ? 0 : r.error().code);
        if (codes.size() == 5) shards.stop();
      });
  });
  shards.run();
  EXPECT_THAT(codes, testing::Each(command_error::internal_error));
  EXPECT_EQ(codes.size(), 5U);
  EXPECT_EQ(commands.faults(), 5U);
}

/// Rows 0, 1, 2 ..., so many in a piece.
struct numbers final : row_source {
  numbers(std::int64_t all, std::int64_t of_a_piece) : end{all}, step{of_a_piece} {}
  void next(taker brought) override {
    if (breaks_at && at >= *breaks_at) return brought(fail(command_error{.message = "lost"}));
    row_piece piece;
    for (std::int64_t i = 0; i < step && at < end; ++i)
      piece.rows.emplace_back(json::object{{"n", at++}});
    if (at == end) piece.rest = json::object{{"count", end}};
    brought(std::move(piece));
  }
  std::int64_t at = 0;
  std::int64_t end;
  std::int64_t step;
  std::optional<std::int64_t> breaks_at;
};

command list_of(const std::shared_ptr<numbers>& rows) {
  return {.name = "list",
          .help = "Counts.",
          .needs = role::read,
          .reply = {{"rows", value_type::list, "", {{"n", value_type::integer}}},
                    {"count", value_type::integer}},
          .run = [rows](command_call call) { call.answer_rows("rows", rows); }};
}

TEST(lists, short_ones_come_whole_and_long_ones_in_pieces_to_a_door_that_takes_them) {
  for (const std::int64_t all : {0, 5, 10, 11, 5'000}) {
    command_registry commands;
    const auto rows = std::make_shared<numbers>(all, 10);
    commands.add(list_of(rows));
    std::optional<command_reply> whole;
    std::optional<list_reply> pieces;
    commands.call("list", nullptr, {.name = "test", .may = role::read},
                  {[&](command_reply r) { whole = std::move(r); },
                   [&](list_reply r) { pieces = std::move(r); }});
    EXPECT_EQ(whole.has_value(), all <= 10) << all;
    EXPECT_EQ(pieces.has_value(), all > 10) << all;
    EXPECT_LE(rows->at, 10) << "the others were not asked for";
    if (whole) {
      ASSERT_TRUE(*whole);
      EXPECT_EQ((**whole).at("rows").as_array().size(), static_cast<std::size_t>(all));
      EXPECT_EQ((**whole).at("count"), json::value(all));
    }
  }
}

TEST(lists, are_collected_for_other_doors_up_to_a_bound) {
  for (const std::int64_t all : {11, 1'000, 1'001}) {
    command_registry commands;
    commands.add(list_of(std::make_shared<numbers>(all, 10)));
    std::optional<command_reply> whole;
    commands.call_in_words("list", {}, {.name = "test", .may = role::read},
                           [&](command_reply r) { whole = std::move(r); });
    ASSERT_TRUE(whole);
    ASSERT_EQ(whole->has_value(), all <= 1'000) << all;
    if (*whole)
      EXPECT_EQ((**whole).at("rows").as_array().size(), static_cast<std::size_t>(all));
    else
      EXPECT_THAT(whole->error().message, HasSubstr("give a limit"));
  }
}

TEST(lists, that_fail_are_errors_as_long_as_nothing_was_sent) {
  for (const std::int64_t breaks_at : {0, 20}) {
    command_registry commands;
    const auto rows = std::make_shared<numbers>(100, 10);
    rows->breaks_at = breaks_at;
    commands.add(list_of(rows));
    std::optional<command_reply> whole;
    commands.call("list", nullptr, {.name = "test", .may = role::read},
                  [&](command_reply r) { whole = std::move(r); });
    ASSERT_TRUE(whole && !*whole);
    EXPECT_EQ(whole->error().message, "lost");
  }
}

TEST(lists, of_all_shards_have_each_row_once_and_the_count_at_the_end) {
  for (const std::size_t limit : {0U, 1U, 250U, 100'000U}) {
    constexpr std::int64_t rows_of_a_shard = 345;
    io::shard_group shards{3};
    io::gather all{shards.all()};
    command_registry commands{&all};
    commands.add(
        {.name = "rows",
         .help = "Lists.",
         .needs = role::read,
         .parameters = {{.name = "limit", .type = value_type::integer, .is_required = false}},
         .reply = {{"rows", value_type::list, "", {{"n", value_type::integer}}},
                   {"count", value_type::integer}},
         .rows_on_shard =
             [](io::shard& at, const arguments&, std::uint64_t from, std::size_t most) {
               shard_page page;
               page.count = rows_of_a_shard;
               if (from == shard_page::end) return page;
               for (; from < rows_of_a_shard && page.rows.size() < most; ++from)
                 page.rows.emplace_back(
                     json::object{{"n", at.index() * std::size_t{1'000} + from}});
               if (from < rows_of_a_shard) page.next = from;
               return page;
             },
         .list = "rows"});
    std::set<std::uint64_t> seen;
    std::int64_t count = 0;
    std::shared_ptr<row_source> more;
    const auto add = [&](const json::array& rows) {
      for (const json::value& row : rows)
        EXPECT_TRUE(seen.insert(row.at("n").to_number<std::uint64_t>()).second);
    };
    std::function<void(result<row_piece, command_error>)> take;
    take = [&](result<row_piece, command_error> piece) {
      if (!piece) shards.stop();
      ASSERT_TRUE(piece) << piece.error().message;
      add(piece->rows);
      if (!piece->rest) return more->next(take);
      count = piece->rest->at("count").as_int64();
      shards.stop();
    };
    shards[0].post([&] {
      json::object given;
      if (limit > 0) given["limit"] = static_cast<std::int64_t>(limit);
      commands.call("rows", given, {.name = "test", .may = role::read},
                    {[&](command_reply whole) {
                       if (!whole) shards.stop();
                       ASSERT_TRUE(whole) << whole.error().message;
                       add(whole->at("rows").as_array());
                       count = whole->at("count").as_int64();
                       shards.stop();
                     },
                     [&](const list_reply& list) {
                       add(list.first);
                       more = list.more;
                       more->next(take);
                     }});
    });
    shards.run();
    const std::size_t wanted = limit > 0 ? limit : 100'000;
    EXPECT_EQ(seen.size(), std::min<std::size_t>(wanted, 3 * rows_of_a_shard)) << limit;
    EXPECT_EQ(count, 3 * rows_of_a_shard);
  }
}

} // namespace
