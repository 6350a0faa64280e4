// SPDX-License-Identifier: Apache-2.0
#include <tandem/process/packet.hpp>

#include <tandem/base/count_allocations_for_test.hpp>
#include <tandem/io/unique_fd.hpp>

#include <array>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>

namespace tandem::process {
namespace {

struct packets : ::testing::Test {
  packets() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends.data()), 0);
    here = io::unique_fd{ends[0]};
    there = io::unique_fd{ends[1]};
  }
  int send(std::string_view text, std::span<const int> descriptors = {}) {
    iovec piece{const_cast<char*>(text.data()), text.size()};
    return send_packet(here.get(), {&piece, 1}, descriptors);
  }

  io::unique_fd here, there;
  std::array<char, 16> room{};
};

TEST_F(packets, carry_copies_of_descriptors_that_a_child_of_the_taker_does_not_inherit) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  ASSERT_EQ(send("two", pipe), 0);
  for (const int fd : pipe) ::close(fd);
  const auto taken = take_packet(there.get(), room);
  ASSERT_TRUE(taken);
  EXPECT_EQ(std::string_view(room.data(), taken->size), "two");
  const io::unique_fd read{taken->descriptors[0]}, write{taken->descriptors[1]};
  EXPECT_EQ(::write(write.get(), "x", 1), 1);
  EXPECT_EQ(::read(read.get(), room.data(), room.size()), 1);
  EXPECT_TRUE(::fcntl(read.get(), F_GETFD) & FD_CLOEXEC);
}

TEST_F(packets, are_never_waited_for) {
  EXPECT_EQ(take_packet(there.get(), room).error(), EAGAIN);
  int refused = 0;
  for (int n = 0; n < 100'000 && refused == 0; ++n) refused = send("more than it has room for");
  EXPECT_TRUE(is_passing(refused)) << refused;
}

TEST_F(packets, end_with_their_sender) {
  here.reset();
  EXPECT_EQ(take_packet(there.get(), room).error(), EPIPE);
}

#ifdef TANDEM_COUNTS_ALLOCATIONS
TEST_F(packets, take_no_memory) {
  const auto before = tandem::for_test::allocations;
  const int sent = send("one");
  const auto taken = take_packet(there.get(), room);
  const auto after = tandem::for_test::allocations;
  EXPECT_EQ(after, before);
  EXPECT_EQ(sent, 0);
  EXPECT_TRUE(taken);
}
#endif

} // namespace
} // namespace tandem::process
