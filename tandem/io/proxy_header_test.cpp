// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/proxy_header.hpp>

#include <gtest/gtest.h>

#include <string>

namespace tandem::io {
namespace {

using verdict = proxy_header::verdict;

const std::string v1 = "PROXY TCP4 192.0.2.1 198.51.100.2 56324 6001\r\n";
const std::string v1_6 = "PROXY TCP6 2001:db8::1 2001:db8::2 56324 6001\r\n";

std::string v2(char command, char family, const std::string& body) {
  std::string out{"\r\n\r\n\0\r\nQUIT\n", 12};
  out += static_cast<char>(0x20 | command);
  out += family;
  out += static_cast<char>(body.size() >> 8);
  out += static_cast<char>(body.size() & 255);
  return out + body;
}
const std::string v4_body{"\xc0\x00\x02\x01\xc6\x33\x64\x02\xdc\x04\x17\x71", 12};

TEST(proxy_header, complete_at_its_last_byte_and_not_before) {
  const std::pair<std::string, std::string> rows[] = {
      {v1, "192.0.2.1:56324"},
      {v1_6, "[2001:db8::1]:56324"},
      {v2(1, 0x11, v4_body), "192.0.2.1:56324"},
      {v2(1, 0x11, v4_body + std::string("\x03\x00\x01x", 4)),
       "192.0.2.1:56324"}, // with an extension
      {v2(1, 0x21,
          "\x20\x01\x0d\xb8" + std::string(11, '\0') + "\x01" + std::string(16, '\0') + "\xdc\x04" +
              "\x17\x71"),
       "[2001:db8::1]:56324"},
  };
  for (const auto& [bytes, client] : rows) {
    for (std::size_t n = 0; n < bytes.size(); ++n)
      EXPECT_EQ(read_proxy_header(std::string_view{bytes}.substr(0, n)).status, verdict::need_more)
          << client << n;
    const auto header = read_proxy_header(bytes + "9909992.00\r");
    EXPECT_EQ(header.status, verdict::complete);
    EXPECT_EQ(header.size, bytes.size());
    EXPECT_EQ(header.client.to_string(), client);
  }
}

TEST(proxy_header, a_balancer_may_speak_for_itself) {
  for (const auto& bytes : {std::string{"PROXY UNKNOWN\r\n"}, v2(0, 0, ""), v2(1, 0, "")}) {
    const auto header = read_proxy_header(bytes);
    EXPECT_EQ(header.status, verdict::complete);
    EXPECT_FALSE(header.client);
  }
}

TEST(proxy_header, anything_else_is_refused) {
  const std::string rows[] = {
      "9909992.00\r",
      "PROXY TCP4 2001:db8::1 192.0.2.2 1 2\r\n",
      "PROXY TCP4 192.0.2.1 192.0.2.2 99999 2\r\n",
      "PROXY SCTP 192.0.2.1 192.0.2.2 1 2\r\n",
      "PROXY " + std::string(200, 'x'),
      v2(7, 0x11, v4_body),
      v2(1, 0x11, "short"),
      std::string{"\r\n\r\n\0\r\nQUIT\n\x11\x11\0\0", 16},
      std::string{"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff", 16},
  };
  for (const auto& bytes : rows)
    EXPECT_EQ(read_proxy_header(bytes).status, verdict::invalid) << bytes;
}

} // namespace
} // namespace tandem::io
