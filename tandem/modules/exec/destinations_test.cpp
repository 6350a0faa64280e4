// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/exec/destinations.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>

using namespace tandem;
using namespace tandem::modules;
using ::testing::ElementsAreArray;

namespace {

struct row {
  std::string output;
  std::vector<std::string_view> uris;
};

struct bad_row {
  std::string output;
  output_errc why;
};

std::string uri_of_size(std::size_t size) { return "sip:" + std::string(size - 6, 'x') + "@b"; }

} // namespace

TEST(exec_output, is_a_uri_a_line_without_the_blanks_at_its_end) {
  for (const row& r : {
           row{"sip:a@b\n", {"sip:a@b"}},
           row{"sip:a@b", {"sip:a@b"}},
           row{"sip:a@b \t\r\nsip:c@d\r\n", {"sip:a@b", "sip:c@d"}},
           row{"\n \t\n\r\nsip:a@b\n\n\nsip:c@d;x=1\n\n", {"sip:a@b", "sip:c@d;x=1"}},
           row{"tel:+12015550123\n", {"tel:+12015550123"}},
       }) {
    const auto read = read_destinations(r.output, 13);
    ASSERT_TRUE(read) << r.output;
    EXPECT_THAT(*read, ElementsAreArray(r.uris));
  }
}

TEST(exec_output, is_refused_as_a_whole_when_one_line_is_wrong) {
  for (const bad_row& r : {
           bad_row{"", output_errc::empty},
           bad_row{" \r\n\n", output_errc::empty},
           bad_row{"sip:a@b\nno uri\n", output_errc::no_uri},
           bad_row{" sip:a@b\n", output_errc::no_uri},
           bad_row{std::string{"sip:a\0@b\n", 9}, output_errc::no_uri},
           bad_row{"sip:a@b\rsip:c@d\n", output_errc::no_uri},
           bad_row{"sip:1@b\nsip:2@b\nsip:3@b\nsip:4@b\n", output_errc::too_many},
           bad_row{uri_of_size(longest_destination_line + 1) + "\n", output_errc::too_long},
       }) {
    const auto read = read_destinations(r.output, 3);
    ASSERT_FALSE(read) << r.output;
    EXPECT_EQ(read.error(), r.why) << r.output;
  }
}

TEST(exec_output, has_room_for_the_longest_line_and_the_last_destination) {
  EXPECT_TRUE(read_destinations(uri_of_size(longest_destination_line) + "\r\n", 1));
  const auto read = read_destinations("sip:1@b\nsip:2@b\nsip:3@b\n", 3);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->size(), 3u);
}
