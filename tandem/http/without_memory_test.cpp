// SPDX-License-Identifier: Apache-2.0
// Each allocation of a request fails in turn, at the server and at the client: that request is
// refused, or fails, or its connection ends; the next one is answered.
#include <tandem/base/count_allocations_for_test.hpp>
#ifdef TANDEM_COUNTS_ALLOCATIONS
#include <tandem/http/client.hpp>
#include <tandem/http/server.hpp>
#include <tandem/io/raw_peer_for_test.hpp>

#include <gtest/gtest.h>
#include <optional>
#include <thread>

namespace tandem::http {
namespace {

using tandem::for_test::allocations;
using tandem::for_test::failing_allocation;

constexpr std::string_view body = "an answer that is longer than a short string";

struct serving {
  serving() {
    own.route("POST", "/x", route_access::open, [](request&& r, responder answer) {
      const std::string copy = r.body + " and more, so that the handler wants memory, too";
      answer.respond({.headers = {{"Content-Type", "text/plain"}}, .body = std::string{body}});
    });
    own.route("POST", "/later", route_access::open, [this](request&&, responder answer) {
      kept = std::move(answer);
      loop.post([this] {
        responder own_answer = std::move(kept); // if the next line fails, it tells of it
        own_answer.respond({.body = std::string{body}});
      });
    });
    at = own.listen(*socket_address::parse("127.0.0.1:0")).value();
  }
  io::shard loop;
  responder kept;
  server own{loop};
  socket_address at;
};

/// Has each allocation fail in turn, in a thread of its own each: blocks that a thread has had are
/// had without allocation.
template <typename F>
void fail_each(F&& what) {
  bool is_beyond = false;
  for (std::size_t n = 1; !is_beyond && !::testing::Test::HasFailure(); ++n) {
    ASSERT_LT(n, 20'000U);
    std::thread{[&] {
      SCOPED_TRACE("allocation " + std::to_string(n));
      is_beyond = !what(n);
    }}.join();
  }
}

class requests_without_memory : public ::testing::TestWithParam<const char*> {};

TEST_P(requests_without_memory, are_refused_with_503_or_cut_off_by_the_server) {
  bool was_refused = false;
  fail_each([&was_refused](std::size_t n) {
    serving s;
    const std::string asked = std::string{"POST "} + GetParam() +
                              " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 40\r\n\r\n" +
                              std::string(40, 'x');
    const auto talk = [&](std::size_t failing) {
      io::raw_peer_for_test peer{s.at};
      peer.say(asked);
      std::string heard;
      heard.reserve(4096);
      if (failing != 0) failing_allocation = allocations + failing;
      bool is_over = false;
      // The peer is no part of the loop: it looks now and then.
      const auto look = [&] {
        const std::size_t rest = std::exchange(failing_allocation, 0);
        const std::size_t before = allocations;
        heard += peer.heard();
        is_over =
            heard.ends_with(body) || heard.ends_with("out of memory\n") || peer.has_heard_the_end();
        failing_allocation = rest == 0 ? 0 : rest + (allocations - before);
        return is_over;
      };
      for (int i = 0; i < 1'000 && !is_over; ++i) s.loop.run_until(look, milliseconds{10});
      EXPECT_TRUE(is_over) << "no answer, and no end: " << heard;
      const bool has_failed = failing_allocation != 0 && allocations >= failing_allocation;
      failing_allocation = 0;
      return std::pair{heard, has_failed};
    };
    const auto [first, has_failed] = talk(n);
    if (first.starts_with("HTTP/1.1 503")) was_refused = true;
    EXPECT_TRUE(first.empty() || first.starts_with("HTTP/1.1 503") ||
                (first.starts_with("HTTP/1.1 200") && first.ends_with(body)))
        << first;
    EXPECT_TRUE(talk(0).first.starts_with("HTTP/1.1 200")) << "the next one is answered";
    EXPECT_TRUE(s.loop.run_until([&] { return s.own.connections() == 0; })) << "one stays behind";
    return has_failed;
  });
  EXPECT_TRUE(was_refused) << "an answer is better than none";
}

INSTANTIATE_TEST_SUITE_P(of, requests_without_memory, ::testing::Values("/x", "/later"),
                         [](const auto& which) { return std::string{which.param}.substr(1); });

TEST(client_without_memory, tells_of_a_request_that_failed_and_sends_the_next_one) {
  bool was_told = false;
  fail_each([&was_told](std::size_t n) {
    serving s;
    client_options options;
    options.server = *url::parse("http://localhost:" + std::to_string(s.at.port));
    client c{s.loop, options};
    const request asked{.method = "POST", .target = "/x", .body = std::string(40, 'x')};
    const auto send = [&] {
      std::optional<client_result> got;
      try {
        c.send(asked, seconds{5}, [&got](client_result&& r) { got.emplace(std::move(r)); });
      } catch (const std::bad_alloc&) {
        return client_result{fail(client_error{.kind = failure::no_memory})};
      }
      EXPECT_FALSE(got) << "told from inside send()";
      EXPECT_TRUE(s.loop.run_until([&] { return got.has_value(); }, seconds{10}));
      return got ? std::move(*got) : fail(client_error{});
    };
    failing_allocation = allocations + n;
    const auto first = send();
    const bool has_failed = allocations >= failing_allocation;
    failing_allocation = 0;
    if (!first) {
      EXPECT_NE(first.error().kind, failure::timed_out) << "nobody noticed";
      if (first.error().kind == failure::no_memory) was_told = true;
    } else {
      EXPECT_TRUE(first->status == 503 || (first->status == 200 && first->body == body))
          << first->status;
    }
    auto second = send();
    // What the server has closed meanwhile is noticed by the next request; it may be sent again.
    if (!second && second.error().kind == failure::lost) second = send();
    EXPECT_TRUE(second) << (second ? "" : second.error().detail);
    if (!second) return has_failed;
    EXPECT_EQ(second->status, 200U);
    EXPECT_EQ(second->body, body);
    EXPECT_EQ(c.statistics().in_flight, 0U);
    EXPECT_EQ(c.statistics().waiting, 0U);
    return has_failed;
  });
  EXPECT_TRUE(was_told);
}

} // namespace
} // namespace tandem::http
#endif
