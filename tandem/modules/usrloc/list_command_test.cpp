// SPDX-License-Identifier: Apache-2.0
// ul.list, and that a long list leaves in pieces.
#include <tandem/control/json_rpc.hpp>
#include <tandem/modules/usrloc/list_command.hpp>
#include <tandem/server/services.hpp>

#include <algorithm>
#include <boost/json.hpp>
#include <gtest/gtest.h>
#include <set>
#include <string>

namespace tandem::modules {
namespace {

namespace json = boost::json;

class ul_list : public ::testing::Test {
 protected:
  ul_list() {
    tables.limit({.bytes_per_source = 0});
    commands.add(make_list_command(tables));
  }

  void fill(std::size_t users) {
    const instant now = tandem::now();
    sip::binding b;
    b.contact = "sip:phone@192.0.2.1:5060";
    b.call_id = "c";
    b.expires = now + seconds{3'600};
    for (std::size_t i = 0; i < users; ++i)
      ASSERT_TRUE(
          tables.table("location")
              .update("user" + std::to_string(i), now, [&](auto&&, sip::binding_edits& edits) {
                edits.push_back({.old = {}, .put = &b});
                return true;
              }));
  }

  /// The whole text of an answer, and its largest piece.
  struct answer {
    json::value result;
    std::size_t pieces = 0;
    std::size_t largest = 0;
  };
  answer ask(const json::object& arguments) {
    answer got;
    std::string text;
    control::answer_json_rpc(commands, control::make_json_rpc_request("ul.list", arguments),
                             {.name = "test", .may = control::role::read},
                             {[&](std::optional<std::string> whole) { text = *whole; },
                              [&](const std::shared_ptr<http::body_source>& body) {
                                for (bool is_last = false; !is_last; ++got.pieces)
                                  body->next([&](std::optional<http::body_piece> piece) {
                                    is_last = !piece || piece->at == http::body_piece::place::last;
                                    if (!piece) return;
                                    text += piece->bytes;
                                    got.largest = std::max(got.largest, piece->bytes.size());
                                  });
                              }});
    const auto reply = control::read_json_rpc_response(text);
    EXPECT_TRUE(reply) << reply.error().message;
    if (reply) got.result = *reply;
    return got;
  }
  static std::set<std::string> users_of(const json::value& result) {
    std::set<std::string> all;
    for (const json::value& row : result.at("records").as_array())
      EXPECT_TRUE(all.emplace(row.at("aor").as_string().c_str()).second);
    return all;
  }

  server::services shared;
  location_tables& tables = shared.state<location_tables>();
  control::command_registry commands;
};

TEST_F(ul_list, of_100_000_users_leaves_in_pieces_that_are_small) {
  fill(100'000);
  const answer got = ask({});
  EXPECT_EQ(users_of(got.result).size(), 100'000U);
  EXPECT_GT(got.pieces, 500U);
  EXPECT_LT(got.largest, 64'000U) << "some 100 users";
  EXPECT_FALSE(got.result.as_object().contains("next"));
}

TEST_F(ul_list, has_as_many_users_as_were_asked_for_and_goes_on_where_it_stopped) {
  EXPECT_EQ(users_of(ask({}).result).size(), 0U);
  fill(1'000);
  std::set<std::string> all;
  json::object arguments{{"limit", 300}};
  for (const std::size_t wanted : {300U, 300U, 300U, 100U}) {
    const json::value result = ask(arguments).result;
    const auto some = users_of(result);
    EXPECT_EQ(some.size(), wanted);
    all.insert(some.begin(), some.end());
    const json::value* const next = result.as_object().if_contains("next");
    EXPECT_EQ(next != nullptr, wanted == 300);
    if (next) arguments["from"] = *next;
  }
  EXPECT_EQ(all.size(), 1'000U);
  EXPECT_EQ(users_of(ask({{"aor", "user7"}}).result), std::set<std::string>{"user7"});
}

} // namespace
} // namespace tandem::modules
