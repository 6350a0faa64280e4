// SPDX-License-Identifier: Apache-2.0
#include <tandem/control/fifo_form.hpp>

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace tandem::control {
namespace {

const std::vector<command_parameter> parameters_of_add{
    {.name = "table"},
    {.name = "expires", .type = value_type::integer},
    {.name = "flags", .type = value_type::integer, .is_required = false}};
const fifo_form form_of_add{.name = "ul_add",
                            .parameters = {{"table name"}, {"expires", "expires"}, {"flags"}}};

TEST(fifo_form, lines_become_typed_arguments_in_their_order) {
  const auto made = fifo_arguments("ul_add", &form_of_add, parameters_of_add, {"location", "60"});
  ASSERT_TRUE(made);
  EXPECT_EQ(*made, (boost::json::object{{"table", "location"}, {"expires", 60}}));
}

TEST(fifo_form, what_is_missing_or_cannot_be_read_is_told_in_the_words_of_the_form) {
  const auto error = [](const fifo_form* of, const std::vector<std::string>& lines) {
    return fifo_arguments("ul_add", of, parameters_of_add, lines).error();
  };
  EXPECT_EQ(error(&form_of_add, {}), "400 ul_add: table name expected\n");
  EXPECT_EQ(error(&form_of_add, {"t"}), "400 ul_add: expires expected\n");
  EXPECT_EQ(error(&form_of_add, {"t", "x"}), "400 Invalid expires format\n");
  EXPECT_EQ(error(&form_of_add, {"t", "1", "x"}), "400 ul_add: 'flags' must be an integer\n");
  EXPECT_EQ(error(nullptr, {"t"}), "400 ul_add: expires expected\n");
}

TEST(fifo_form, a_failure_has_a_code_of_three_digits) {
  const auto text = [](int code) { return fifo_failure({.code = code, .message = "why"}); };
  EXPECT_EQ(text(command_error::invalid_parameters), "400 why\n");
  EXPECT_EQ(text(command_error::not_allowed), "403 why\n");
  EXPECT_EQ(text(command_error::not_found), "404 why\n");
  EXPECT_EQ(text(command_error::failed), "500 why\n");
  EXPECT_EQ(text(command_error::internal_error), "500 why\n");
}

TEST(fifo_form, a_text_of_a_peer_neither_ends_its_line_nor_steers_a_terminal) {
  EXPECT_EQ(fifo_text({{"aor", "a\n200 ok\r\x1b[2J"}}, "aor"), "a?200 ok??[2J");
  EXPECT_EQ(fifo_text({{"aor", "M\xc3\xbcller"}}, "aor"), "M\xc3\xbcller");
}

TEST(fifo_form, without_texts_of_its_own_a_command_answers_with_json) {
  EXPECT_EQ(fifo_answer(nullptr, {{"level", 3}}), "200 ok\n{\"level\":3}\n");
  const auto list = make_fifo_list(nullptr);
  EXPECT_EQ(list->begin(), "200 ok\n");
  EXPECT_EQ(list->row({{"a", 1}}), "{\"a\":1}\n");
  EXPECT_EQ(list->end({}), "");
}

} // namespace
} // namespace tandem::control
