// SPDX-License-Identifier: Apache-2.0
// The commands about contacts, with the texts that they have over the FIFO.
#include <tandem/io/shard.hpp>
#include <tandem/modules/usrloc/record_commands.hpp>
#include <tandem/modules/usrloc/table_commands.hpp>
#include <tandem/modules/usrloc/user_key.hpp>
#include <tandem/server/services.hpp>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem::modules {
namespace {

using control::fifo_arguments;
using storage::key_form;
using testing::HasSubstr;

class record_commands : public testing::Test {
 public:
  record_commands() {
    for (auto& one : make_record_commands(tables)) commands.add(std::move(one));
    for (auto& one : make_table_commands(tables, loop)) commands.add(std::move(one));
  }

  /// What is written to the reply file.
  std::string ask(const std::string& name, const std::vector<std::string>& lines) {
    const auto what = commands.find_for_fifo(name);
    if (!what) return "none";
    const auto given = fifo_arguments(name, &*what->fifo, what->parameters, lines);
    if (!given) return given.error();
    std::string text;
    commands.call(what->name, *given, {.name = "test", .may = control::role::change},
                  control::reply_taker{[&](control::command_reply reply) {
                    text = reply ? control::fifo_answer(&*what->fifo, *reply)
                                 : control::fifo_failure(reply.error());
                  }});
    return text;
  }

  io::shard loop;
  server::services shared;
  location_tables& tables = shared.state<location_tables>();
  control::command_registry commands;
};

TEST_F(record_commands, a_contact_is_added_shown_and_removed) {
  EXPECT_EQ(ask("ul_add",
                {"aliases", "Alice@example.com", "sip:alice@192.0.2.1", "1073741823", "1.00", "0"}),
            "200 Added to table\n('alice','sip:alice@192.0.2.1') to 'aliases'\n");
  EXPECT_EQ(ask("ul_add", {"aliases", "alice", "<sip:alice@192.0.2.2>", "60", "0.25"}),
            "200 Added to table\n('alice','sip:alice@192.0.2.2') to 'aliases'\n");
  EXPECT_EQ(ask("UL_SHOW_CONTACT", {"aliases", "alice"}),
            "200 OK\n<sip:alice@192.0.2.1>;q=1.00;expires=1073741823\n"
            "<sip:alice@192.0.2.2>;q=0.25;expires=60\n");
  EXPECT_EQ(ask("ul_rm_contact", {"aliases", "alice", "sip:alice@192.0.2.1:5060"}),
            "404 Contact sip:alice@192.0.2.1:5060 in table aliases not found\n");
  EXPECT_EQ(ask("ul_rm_contact", {"aliases", "alice", "SIP:alice@192.0.2.1"}),
            "200 Contact (alice, SIP:alice@192.0.2.1) deleted from table aliases\n");
  EXPECT_EQ(ask("ul_rm", {"aliases", "alice@anywhere"}), "200 user (aliases, alice) deleted\n");
  EXPECT_EQ(ask("ul_show_contact", {"aliases", "alice"}),
            "404 Username alice in table aliases not found\n");
}

TEST_F(record_commands, adding_again_changes_the_contact) {
  ask("ul_add", {"location", "bob", "sip:bob@192.0.2.1", "60", "0.5"});
  ask("ul_add", {"location", "bob", "sip:bob@192.0.2.1", "120", "1", "0", "16"});
  EXPECT_EQ(ask("ul_show_contact", {"location", "bob"}),
            "200 OK\n<sip:bob@192.0.2.1>;q=1.00;expires=120\n");
}

TEST_F(record_commands, what_is_wrong_is_told_as_it_always_was) {
  const std::vector<std::string> good{"location", "bob", "sip:bob@192.0.2.1", "60", "0.5", "0"};
  const auto with = [&](std::size_t place, const char* text) {
    auto lines = good;
    lines[place] = text;
    return ask("ul_add", lines);
  };
  const char* expected[] = {"table name", "user name", "contact", "expires", "q"};
  for (std::size_t n = 0; n < 5; ++n)
    EXPECT_EQ(ask("ul_add", {good.begin(), good.begin() + static_cast<std::ptrdiff_t>(n)}),
              std::string{"400 ul_add: "} + expected[n] + " expected\n");
  EXPECT_EQ(with(3, "soon"), "400 Invalid expires format\n");
  EXPECT_EQ(with(3, "-1"), "400 Invalid expires format\n");
  EXPECT_EQ(with(4, "2"), "400 Invalid q format\n");
  EXPECT_EQ(with(5, "x"), "400 Invalid replicate format\n");
  EXPECT_EQ(with(3, "0"), "500 Error while adding contact\n");
  EXPECT_EQ(with(2, "bob"), "400 Invalid contact format\n");
  EXPECT_EQ(with(2, "tel:+1"), "400 Invalid contact format\n");
  EXPECT_EQ(with(1, "@x"), "400 ul_add: username@domain expected\n");
  EXPECT_EQ(ask("ul_rm", {"nowhere", "bob"}), "400 table (nowhere) not found\n");
  EXPECT_EQ(ask("ul_rm", {"nowhere"}), "400 ul_rm: user name expected\n");
  EXPECT_EQ(tables.find("location"), nullptr) << "nothing of this has made a table";
}

TEST_F(record_commands, users_are_written_as_the_script_writes_them) {
  const auto key = [](const char* user, key_form form) {
    return make_user_key(user, form).value_or("none");
  };
  EXPECT_EQ(key("Al@X.org", {}), "al");
  EXPECT_EQ(key("Al", {.of_case = key_form::user_case::kept}), "Al");
  EXPECT_EQ(key("Al@X.org", {key_form::domain::part, key_form::user_case::kept}), "Al@x.org");
  EXPECT_EQ(key("Al", {.of_domain = key_form::domain::part}), "none");
  EXPECT_EQ(key("", {}), "none");
  tables.use({.of_domain = key_form::domain::part});
  EXPECT_EQ(ask("ul_add", {"location", "bob", "sip:bob@192.0.2.1", "60", "1"}),
            "400 ul_add: username@domain expected\n");
  EXPECT_EQ(ask("ul_add", {"location", "Bob@X.org", "sip:bob@192.0.2.1", "60", "1"}),
            "200 Added to table\n('bob@x.org','sip:bob@192.0.2.1') to 'location'\n");
}

TEST_F(record_commands, a_user_has_no_more_contacts_than_a_request_is_forked_to) {
  for (std::size_t i = 0; i < sip::most_bindings; ++i)
    ASSERT_THAT(ask("ul_add", {"location", "bob", "sip:bob@192.0.2.1:" + std::to_string(5'000 + i),
                               "60", "1"}),
                HasSubstr("200 Added"));
  EXPECT_EQ(ask("ul_add", {"location", "bob", "sip:bob@192.0.2.1:6000", "60", "1"}),
            "500 Error while adding contact\n");
}

TEST_F(record_commands, a_bounded_number_of_tables_is_made_and_those_of_the_script_are_found) {
  (void)tables.table("of_the_script");
  for (int i = 0; i < 100; ++i)
    ask("ul_add", {fmt::format("t{}", i), "bob", "sip:bob@192.0.2.1", "60", "1"});
  EXPECT_EQ(tables.size(), 64U);
  EXPECT_THAT(ask("ul_add", {"of_the_script", "bob", "sip:bob@192.0.2.1", "60", "1"}),
              HasSubstr("200 Added"));
  EXPECT_THAT(ask("ul_add", {"t99", "bob", "sip:bob@192.0.2.1", "60", "1"}),
              HasSubstr("400 Table 't99' not found in memory"));
}

TEST_F(record_commands, the_dump_and_the_numbers_of_tables_have_their_old_form) {
  EXPECT_EQ(ask("ul_dump", {}), "200 ok\n===Domain list===\n===/Domain list===\n");
  EXPECT_EQ(ask("ul_stats", {}), "200 ok\nDomain Registered Expired\n");
  ask("ul_add", {"aliases", "bob", "sip:bob@192.0.2.1", "60", "0.5"});
  (void)tables.table("location");
  EXPECT_EQ(ask("ul_stats", {}),
            "200 ok\nDomain Registered Expired\n'aliases' 1 0\n'location' 0 0\n");
  EXPECT_EQ(ask("ul_flush", {}), "200 ul_flush completed");
  EXPECT_EQ(ask("ul_dump", {}),
            "200 ok\n===Domain list===\n"
            "---Domain---\nname : 'aliases'\nsize : 512\ntable: (nil)\nd_ll {\n    n    : 1\n"
            "    first: (nil)\n    last : (nil)\n}\n\n"
            "...Record((nil))...\ndomain: 'aliases'\naor   : 'bob'\n"
            "~~~Contact((nil))~~~\ndomain : 'aliases'\naor    : 'bob'\n"
            "Contact: 'sip:bob@192.0.2.1'\nExpires: 60\nq      :       0.50\n"
            "Call-ID: 'The-Answer-To-The-Ultimate-Question-Of-Life-Universe-And-Everything'\n"
            "CSeq   : 42\nreplic : 0\nState  : CS_NEW\nFlags  : 0\nnext   : (nil)\nprev   : (nil)\n"
            "~~~/Contact~~~~\n.../Record...\n\n---/Domain---\n"
            "---Domain---\nname : 'location'\nsize : 512\ntable: (nil)\nd_ll {\n    n    : 0\n"
            "    first: (nil)\n    last : (nil)\n}\n---/Domain---\n===/Domain list===\n");
}

} // namespace
} // namespace tandem::modules
