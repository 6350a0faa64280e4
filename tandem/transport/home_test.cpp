// SPDX-License-Identifier: Apache-2.0
#include <tandem/transport/home.hpp>

#include <array>
#include <gtest/gtest.h>
#include <string>

namespace tandem::transport {
namespace {

TEST(home, finds_the_call_id_however_it_is_written) {
  struct row {
    std::string_view message;
    std::string_view call_id;
  };
  for (const row& r : {
           row{"OPTIONS sip:a SIP/2.0\r\nVia: x\r\nCall-ID: a@b\r\n\r\n", "a@b"},
           row{"OPTIONS sip:a SIP/2.0\r\ni: a@b\r\n\r\n", "a@b"},
           row{"OPTIONS sip:a SIP/2.0\r\nI \t:a@b \r\n\r\n", "a@b"},
           row{"OPTIONS sip:a SIP/2.0\r\nCALL-id:\r\n a@b\r\nVia: x\r\n\r\n", "a@b"},
           row{"\r\n\r\nOPTIONS sip:a SIP/2.0\r\nCall-ID: a@b\r\n\r\n", "a@b"},
           row{"SIP/2.0 200 OK\nCall-ID: a@b\n\n", "a@b"},
           row{"SIP/2.0 200 OK\r\nCall-ID: a@b", "a@b"},
           row{"OPTIONS sip:a SIP/2.0\r\nCall-Info: x\r\nIn-Reply-To: y\r\n\r\ni: body", ""},
           row{"OPTIONS sip:a SIP/2.0\r\nVia: x\r\n\r\nCall-ID: in-the-body\r\n", ""},
           row{"Call-ID: a@b\r\n", ""},
           row{"", ""},
           row{"\r\n", ""},
           row{"i", ""},
       })
    EXPECT_EQ(find_call_id(r.message), r.call_id) << r.message;
}

TEST(home, reads_no_byte_beyond_a_truncated_message) {
  const std::string whole = "OPTIONS sip:a SIP/2.0\r\nCall-ID :\r\n a@b\r\n\r\n";
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const std::string cut = whole.substr(0, size);
    const auto found = find_call_id(cut);
    EXPECT_TRUE(std::string_view{"a@b"}.substr(0, found.size()) == found) << size;
  }
}

TEST(home, spreads_calls_over_the_shards) {
  const hash_key key = hash_key::random();
  std::array<int, 4> count{};
  for (int i = 0; i < 4'000; ++i) ++count[home_of(key, "call-" + std::to_string(i), 4)];
  for (const int n : count) EXPECT_GT(n, 800);
}

} // namespace
} // namespace tandem::transport
