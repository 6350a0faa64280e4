// SPDX-License-Identifier: Apache-2.0
#include <tandem/transport/home.hpp>

#include <tandem/stack/branch.hpp>

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

TEST(home, finds_the_branch_of_the_top_via) {
  struct row {
    std::string_view message;
    std::string_view branch;
  };
  for (const row& r : {
           row{"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=x\r\nVia: SIP/2.0/UDP "
               "b;branch=y\r\n\r\n",
               "x"},
           row{"SIP/2.0 200 OK\r\nTo: <sip:b;branch=n>\r\nv:SIP/2.0/UDP "
               "a;rport;branch=x;r=1\r\n\r\n",
               "x"},
           row{"SIP/2.0 200 OK\r\nVIA : SIP/2.0/UDP a ; Branch = x ,SIP/2.0/UDP b;branch=y\r\n\r\n",
               "x"},
           row{"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a\r\n ;branch=x\r\n\r\n", "x"},
           row{"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branched=x\r\n\r\n", ""},
           row{"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a, SIP/2.0/UDP b;branch=y\r\n\r\n", ""},
           row{"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch\r\n\r\n", ""},
           row{"SIP/2.0 200 OK\r\n\r\nVia: SIP/2.0/UDP a;branch=x\r\n", ""},
           row{"SIP/2.0 200 OK\r\nVia: ;", ""},
           row{"", ""},
       })
    EXPECT_EQ(find_branch(r.message), r.branch) << r.message;
}

// RFC 3261 16.6 step 8: the branch is ours to write.
TEST(home, a_response_goes_home_by_its_branch_and_a_request_does_not) {
  constexpr std::uint16_t here = 1;
  const auto home_of = [](std::string_view first_line, std::string_view branch) {
    return home_of_response(std::string{first_line} + "\r\nVia: SIP/2.0/UDP a;branch=" +
                                std::string{branch} + "\r\nCall-ID: edited\r\n\r\n",
                            4, here);
  };
  for (std::uint16_t shard = 0; shard < 4; ++shard) {
    const auto branch = stack::make_branch({1, 2}, 3, 17, shard);
    EXPECT_EQ(home_of("SIP/2.0 200 OK", branch.view()), shard);
    EXPECT_EQ(home_of("\r\nsip/2.0 200 OK", branch.view()), shard);
    EXPECT_EQ(home_of("INVITE sip:a SIP/2.0", branch.view()), std::nullopt);
  }
  EXPECT_EQ(home_of("SIP/2.0 200 OK", stack::make_branch({1, 2}, 3, 17, 4).view()), here)
      << "there is no such shard";
  for (const char* other : {"z9hG4bK", "z9hG4bKaaaaaaaaaaaa.", "z9hG4bKaaaaaaaaaaaa.x.y",
                            "z9hG4bKaaaaaaaaaaaa.bbbbbbbbbbbb.1.70000", "1", "z9hG4bK.1"})
    EXPECT_EQ(home_of("SIP/2.0 200 OK", other), here) << other;
}

TEST(home, reads_no_byte_beyond_a_truncated_message) {
  const std::string whole = "OPTIONS sip:a SIP/2.0\r\nCall-ID :\r\n a@b\r\n\r\n";
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const std::string cut = whole.substr(0, size);
    static_cast<void>(find_branch(cut));
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
