// SPDX-License-Identifier: Apache-2.0
// What a response copies of its request is tested in build_test.cpp, where it is read again.
#include <tandem/sip/response_writer.hpp>

#include <tandem/sip/build.hpp>

#include <gtest/gtest.h>

#include <string>

namespace tandem::sip {
namespace {

using namespace std::string_view_literals;

message options_request() {
  return std::move(*message::parse("OPTIONS sip:a@b SIP/2.0\r\n"
                                   "v: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
                                   "Call-ID  : c\r\n"
                                   "CSEQ: 7\r\n  OPTIONS\r\n"
                                   "f: <sip:a@b>;tag=1\r\n"
                                   "To: <sip:b@b>\r\n\r\n"));
}

std::string text_of(response_writer&& out) {
  const auto written = out.finish();
  if (!written) return "failed: " + std::string{to_string(written.error())};
  return {written->first.data(), written->second};
}

const std::string usual = "SIP/2.0 200 OK\r\n"
                          "Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
                          "From: <sip:a@b>;tag=1\r\n"
                          "To: <sip:b@b>;tag=T\r\n"
                          "Call-ID: c\r\n"
                          "CSeq: 7    OPTIONS\r\n";

TEST(response_writer, writes_every_name_as_the_rfc_does) {
  EXPECT_EQ(text_of(response_writer{options_request(), 200, {}, "T"}),
            usual + "Content-Length: 0\r\n\r\n");
}

TEST(response_writer, appends_lines_in_the_order_in_which_they_are_added) {
  response_writer out{options_request(), 200, {}, "T"};
  header_lines checked;
  ASSERT_TRUE(checked.add("X-One", "1"));
  ASSERT_TRUE(checked.add(header_id::contact, {"<"sv, "sip:a@b", ">"}));
  EXPECT_TRUE(out.add("X-Zero", {"0"sv, "", "0"}));
  out.add(checked);
  EXPECT_TRUE(out.add(header_id::server, "s"));
  EXPECT_EQ(text_of(std::move(out)),
            usual + "X-Zero: 00\r\nX-One: 1\r\nContact: <sip:a@b>\r\nServer: s\r\n"
                    "Content-Length: 0\r\n\r\n");
}

TEST(response_writer, grows_beyond_what_it_expected) {
  response_writer out{options_request(), 200, {}, "T"};
  const std::string long_value(5000, 'x');
  EXPECT_TRUE(out.add("X", long_value));
  EXPECT_EQ(text_of(std::move(out)), usual + "X: " + long_value + "\r\nContent-Length: 0\r\n\r\n");
}

TEST(response_writer, leaves_out_a_line_that_is_refused) {
  response_writer out{options_request(), 200, {}, "T"};
  EXPECT_EQ(out.add("X", "a\r\nY: b").error(), edit_errc::unsafe_text);
  EXPECT_EQ(out.add("X", {"a", "\0"sv}).error(), edit_errc::unsafe_text);
  EXPECT_EQ(out.add("X Y", "a").error(), edit_errc::bad_name);
  EXPECT_EQ(out.add("", "a").error(), edit_errc::bad_name);
  EXPECT_EQ(text_of(std::move(out)), usual + "Content-Length: 0\r\n\r\n");
}

TEST(response_writer, fails_when_it_cannot_be_one_message) {
  EXPECT_EQ(response_writer(options_request(), 99).finish().error(), edit_errc::bad_value);
  EXPECT_EQ(response_writer(options_request(), 700).finish().error(), edit_errc::bad_value);
  EXPECT_EQ(response_writer(options_request(), 200, "a\nb").finish().error(),
            edit_errc::unsafe_text);
  response_writer large{options_request(), 200};
  EXPECT_TRUE(large.add("X", std::string(60'000, 'x')));
  EXPECT_EQ(large.add("X", std::string(6'000, 'x')).error(), edit_errc::too_large);
  EXPECT_EQ(large.finish().error(), edit_errc::too_large);
}

template <typename To>
concept takes_a_pair_of_pointers = requires(To to, const char* text) {
  to.add(header_id::retry_after, {text, text});
};
template <typename To>
concept takes_pieces = requires(To to, std::string_view text) {
  to.add(header_id::retry_after, {text, "x"});
};

// {first, last} was read as two texts, and sent what lay on the stack behind the second.
static_assert(takes_pieces<response_writer> && !takes_a_pair_of_pointers<response_writer>);
static_assert(takes_pieces<header_lines> && !takes_a_pair_of_pointers<header_lines>);
static_assert(takes_pieces<message_builder> && !takes_a_pair_of_pointers<message_builder>);

TEST(header_lines, keeps_only_what_may_go_on_the_wire) {
  header_lines lines;
  EXPECT_TRUE(lines.empty());
  EXPECT_EQ(lines.add("X", "a\r").error(), edit_errc::unsafe_text);
  EXPECT_EQ(lines.add("X:", "a").error(), edit_errc::bad_name);
  EXPECT_EQ(lines.add("X", std::string(65'535, 'x')).error(), edit_errc::too_large);
  EXPECT_TRUE(lines.empty());
  EXPECT_TRUE(lines.add(header_id::retry_after, "5"));
  EXPECT_EQ(lines.text(), "Retry-After: 5\r\n");
  lines.clear();
  EXPECT_TRUE(lines.empty());
}

} // namespace
} // namespace tandem::sip
