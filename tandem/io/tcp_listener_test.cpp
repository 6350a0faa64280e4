// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/tcp_listener.hpp>

#include <tandem/io/raw_peer_for_test.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <vector>

namespace tandem::io {
namespace {

using testing::HasSubstr;

#if defined(__has_feature)
#if __has_feature(undefined_behavior_sanitizer)
#define TANDEM_CHECKS_NEED_DESCRIPTORS
#endif
#endif

TEST(tcp_listener, waits_for_descriptors_without_spinning_and_goes_on) {
#ifdef TANDEM_CHECKS_NEED_DESCRIPTORS
  GTEST_SKIP() << "the sanitizer opens a pipe to look at an object, and ends the test without one";
#endif
  shard loop;
  std::vector<unique_fd> accepted;
  auto listening = tcp_listener::listen(
      loop, *socket_address::parse("127.0.0.1:0"),
      [&](unique_fd fd, const socket_address&) { accepted.push_back(std::move(fd)); });
  ASSERT_TRUE(listening) << listening.error();
  std::vector<raw_peer_for_test> peers;
  peers.reserve(5);
  for (int i = 0; i < 5; ++i) peers.emplace_back((*listening)->address());
  rlimit usual{};
  getrlimit(RLIMIT_NOFILE, &usual);
  testing::internal::CaptureStderr();
  rlimit none = usual;
  none.rlim_cur = static_cast<rlim_t>(unique_fd{::dup(0)}.get()); // the lowest that is free
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto turns = loop.turns();
  EXPECT_FALSE(loop.run_until([&] { return !accepted.empty(); }, milliseconds{350}));
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &usual), 0);
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_LT(loop.turns() - turns, 20U);
  EXPECT_EQ(log.find("raise the limit"), log.rfind("raise the limit")) << "told once: " << log;
  EXPECT_TRUE(loop.run_until([&] { return accepted.size() == peers.size(); }));
}

TEST(tcp_listener, tells_why_it_cannot_listen) {
  shard loop;
  const auto ignore = [](unique_fd, const socket_address&) {};
  auto first = tcp_listener::listen(loop, *socket_address::parse("127.0.0.1:0"), ignore);
  ASSERT_TRUE(first);
  const auto second = tcp_listener::listen(loop, (*first)->address(), ignore);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error(), HasSubstr("another program listens there"));
  const auto strange = tcp_listener::listen(loop, *socket_address::parse("192.0.2.1:0"), ignore);
  ASSERT_FALSE(strange);
  EXPECT_THAT(strange.error(), HasSubstr("does not have that address"));
}

} // namespace
} // namespace tandem::io
