// SPDX-License-Identifier: Apache-2.0
#include <tandem/control/fifo_request.hpp>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem::control {
namespace {

using testing::ElementsAre;

/// Requests as "command>reply(line,line)" with a mark for what is wrong, junk as "junk".
class fifo_reader_test : public testing::Test {
 public:
  std::vector<std::string> read(std::string_view bytes,
                                std::size_t piece = std::string_view::npos) {
    seen.clear();
    for (std::size_t at = 0; at < bytes.size(); at += std::min(piece, bytes.size()))
      reader.feed(bytes.substr(at, piece));
    return seen;
  }

  static std::optional<fifo_reader::line_count> find(std::string_view name) {
    if (name == "ps") return fifo_reader::line_count{0, 0};
    if (name == "print") return fifo_reader::line_count{1, 1};
    if (name == "ul_add") return fifo_reader::line_count{2, 4};
    return std::nullopt;
  }

  std::vector<std::string> seen;
  fifo_reader reader{find,
                     [this](fifo_request r) {
                       const char* mark[] = {"", "?", "~", "!"};
                       seen.push_back(fmt::format("{}{}>{}({})", mark[static_cast<int>(r.what)],
                                                  r.command, r.reply, fmt::join(r.lines, ",")));
                     },
                     [this](std::string_view) { seen.emplace_back("junk"); }};
};

TEST_F(fifo_reader_test, reads_requests_whatever_pieces_they_come_in) {
  constexpr std::string_view text =
      "\n\r\n:ps:one\n\n:print:two\r\nhello \t\r\n\n:ul_add:\na\nb\n\n"
      ":ul_add:x\na\nb\nc\nd\n\n";
  for (const std::size_t piece : {1U, 2U, 3U, 7U, 1000U})
    EXPECT_THAT(read(text, piece),
                ElementsAre("ps>one()", "print>two(hello)", "ul_add>(a,b)", "ul_add>x(a,b,c,d)"))
        << piece;
}

TEST_F(fifo_reader_test, the_empty_line_at_the_end_may_be_missing) {
  EXPECT_THAT(read(":ps:a\n:print:b\nx\n:ul_add:c\n1\n2\n:ps:d\n"),
              ElementsAre("ps>a()", "print>b(x)", "ul_add>c(1,2)", "ps>d()"));
  EXPECT_THAT(read(":ul_add:c\n1\n2\n3\n"), ElementsAre());
  EXPECT_TRUE(reader.is_inside_request());
  reader.end_of_patience();
  EXPECT_THAT(seen, ElementsAre("ul_add>c(1,2,3)"));
  EXPECT_FALSE(reader.is_inside_request());
}

TEST_F(fifo_reader_test, a_request_that_stops_in_the_middle_takes_no_other_with_it) {
  EXPECT_THAT(read(":ul_add:half\n1\n\n:ps:whole\n"), ElementsAre("~ul_add>half(1)", "ps>whole()"));
  EXPECT_THAT(read(":ul_add:half\n1"), ElementsAre());
  reader.end_of_patience();
  EXPECT_THAT(seen, ElementsAre("~ul_add>half(1)"));
}

TEST_F(fifo_reader_test, a_line_that_a_command_waits_for_gives_no_command) {
  EXPECT_THAT(read(":print:a\n:ps:b\n\n"), ElementsAre("print>a(:ps:b)"));
  EXPECT_THAT(read(":print:a\n:no_such:b\n\n"), ElementsAre("print>a(:no_such:b)"));
  EXPECT_THAT(read(":ul_add:a\n1\n:ps:\n:ps:b\n"), ElementsAre("ul_add>a(1,:ps:)", "ps>b()"))
      << "what may be missing gives way to a command";
}

TEST_F(fifo_reader_test, what_is_no_request_is_dropped_and_told_once) {
  for (const char* bad : {"hello", ":", "::", ":x", "::reply", ":ps:../etc", ":ps:a/b", ":ps:a\\b",
                          ":ps:.x", ":ps:a\tb", ":ps:a\x7f", ":p s:x", ":ps\x01:x", "\x01\x02\xff"})
    EXPECT_THAT(read(std::string{bad} + "\nand\nmore\n\n:ps:good\n"),
                ElementsAre("junk", "ps>good()"))
        << bad;
  EXPECT_THAT(read(std::string_view{":ps:a\0b\n:ps:good\n", 17}), ElementsAre("junk", "ps>good()"));
  EXPECT_THAT(read("junk\n:ps:good\n"), ElementsAre("junk", "ps>good()"))
      << "the next request needs no empty line before it";
}

TEST_F(fifo_reader_test, an_unknown_command_is_told_and_its_lines_are_not_read) {
  EXPECT_THAT(read(":nothing:r\na\nb\n\n:ps:x\n"), ElementsAre("?nothing>r()", "ps>x()"));
  EXPECT_THAT(read(":nothing:r\na\n:ps:x\n"), ElementsAre("?nothing>r()", "ps>x()"));
}

TEST_F(fifo_reader_test, a_request_of_4096_bytes_is_whole_and_one_beyond_the_bound_is_refused) {
  const std::string big(4'080, 'x');
  EXPECT_THAT(read(":print:a\n" + big + "\n\n"), ElementsAre("print>a(" + big + ")"));
  const std::string more(fifo_reader::longest_request, 'x');
  EXPECT_THAT(read(":print:a\n" + more + "\n\n:ps:b\n", 4'096),
              ElementsAre("!print>a()", "ps>b()"));
  EXPECT_THAT(read(more + more + "\n:ps:b\n", 4'096), ElementsAre("ps>b()"));
  std::string lines = ":ul_add:a\n1\n";
  EXPECT_THAT(read(lines + std::string(70'000, 'y') + "\nz\n:ps:b\n", 100),
              ElementsAre("!ul_add>a(1)", "ps>b()"));
}

TEST_F(fifo_reader_test, a_stream_without_line_ends_takes_no_memory) {
  for (int i = 0; i < 100; ++i) read(std::string(65'536, '\0'));
  EXPECT_THAT(read("\n:ps:x\n"), ElementsAre("ps>x()"));
}

} // namespace
} // namespace tandem::control
