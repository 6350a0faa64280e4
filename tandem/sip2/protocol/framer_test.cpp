// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/protocol/framer.hpp>

#include <gtest/gtest.h>

#include <vector>

namespace tandem::sip2 {
namespace {

using lines = std::vector<std::string>;

lines frame(std::string_view bytes, std::size_t step, accepted_end ends = accepted_end::any,
            line_discipline discipline = line_discipline::raw) {
  line_framer framer{discipline};
  lines all;
  for (std::size_t i = 0; i < bytes.size(); i += step) {
    framer.append(bytes.substr(i, step));
    while (const auto line = framer.next(ends)) all.emplace_back(*line);
  }
  return all;
}

TEST(framer, every_split_gives_the_same_lines) {
  const std::string_view bytes = "\r\n\n9909992.00\r\n\r\n9300CNa|COb|\n\n97\r  \r17x\r";
  const lines expected{"9909992.00", "9300CNa|COb|", "97", "17x"};
  for (std::size_t step = 1; step <= bytes.size(); ++step)
    EXPECT_EQ(frame(bytes, step), expected) << step;
}

TEST(framer, the_end_can_be_restricted) {
  EXPECT_EQ(frame("99\n98\r97\r\n", 64, accepted_end::cr), (lines{"99\n98", "97"}));
  EXPECT_EQ(frame("99\n98\r\n97\n", 64, accepted_end::lf), (lines{"99", "98", "97"}));
}

TEST(framer, dirt_before_a_message_is_taken_out) {
  EXPECT_EQ(frame("\xef\xbb\xbf"
                  "99\r",
                  64),
            lines{"99"});
  EXPECT_EQ(frame(std::string_view{"\0\x01 \t99\0x\r", 9}, 1), lines{"99x"});
  EXPECT_EQ(frame("\xff\xfb\x01\xff\xfd\x03\xff\xfa\x18\x01\xff\xf0"
                  "99\r",
                  1),
            lines{"99"});
}

TEST(framer, in_raw_mode_a_byte_ff_within_a_message_is_text) {
  EXPECT_EQ(frame("93CNm\xff\xfb\x41|\r", 1), lines{"93CNm\xff\xfb\x41|"});
}

TEST(framer, in_telnet_mode_commands_are_taken_out_anywhere) {
  const auto telnet = line_discipline::telnet;
  for (std::size_t step = 1; step < 20; ++step)
    EXPECT_EQ(frame("us\xff\xfb\x01"
                    "er\r\xff\xfa\x18\r\xff\xff\r\xff\xf0\xff\xffx\xff\xf9\r",
                    step, accepted_end::any, telnet),
              (lines{"user", "\xffx"}));
}

TEST(framer, a_line_without_end_overflows_but_many_short_ones_do_not) {
  line_framer framer;
  framer.append(std::string(line_framer::longest, 'x'));
  EXPECT_FALSE(framer.next(accepted_end::any));
  EXPECT_FALSE(framer.is_overflowing());
  framer.append("x");
  EXPECT_FALSE(framer.next(accepted_end::any));
  EXPECT_TRUE(framer.is_overflowing());

  line_framer busy;
  std::string many;
  while (many.size() < 2 * line_framer::longest) many += "9909992.00\r";
  busy.append(many);
  EXPECT_TRUE(busy.next(accepted_end::any));
  EXPECT_FALSE(busy.is_overflowing());
}

} // namespace
} // namespace tandem::sip2
