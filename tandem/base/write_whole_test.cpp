// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/write_whole.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace tandem {
namespace {

TEST(write_whole, writes_all_in_pieces_of_4096_bytes_to_who_is_slow_to_take_them) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends.data()), 0);
  ASSERT_EQ(::fcntl(ends[0], F_SETFL, O_NONBLOCK), 0); // so that it has to wait for room
  const std::string text(3'000'000, 'x');
  std::string taken;
  std::size_t longest = 0;
  std::thread reader{[&] {
    std::array<char, 100'000> piece{};
    while (taken.size() < text.size()) {
      const auto size = ::read(ends[1], piece.data(), piece.size());
      if (size <= 0) break;
      longest = std::max(longest, static_cast<std::size_t>(size));
      taken.append(piece.data(), static_cast<std::size_t>(size));
    }
  }};
  EXPECT_TRUE(write_whole(ends[0], text));
  reader.join();
  EXPECT_TRUE(taken == text) << taken.size();
  EXPECT_EQ(longest, 4'096U);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(write_whole, says_why_nobody_takes_it) {
  EXPECT_FALSE(write_whole(-1, "x"));
  EXPECT_EQ(errno, EBADF);
}

} // namespace
} // namespace tandem
