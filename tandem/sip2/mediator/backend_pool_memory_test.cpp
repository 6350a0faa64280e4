// SPDX-License-Identifier: Apache-2.0
// Each allocation of a request to a library system fails in turn: that request fails, or could not
// be sent; the system does not count as down for it, and the next request is answered.
#include <tandem/base/count_allocations_for_test.hpp>
#ifdef TANDEM_COUNTS_ALLOCATIONS
#include <tandem/http/server.hpp>
#include <tandem/sip2/mediator/backend_pool.hpp>

#include <gtest/gtest.h>
#include <optional>
#include <thread>

namespace tandem::sip2 {
namespace {

using tandem::for_test::allocations;
using tandem::for_test::failing_allocation;

constexpr const char* answer_text =
    R"({"code":"12","fields":[{"AF":"the answer of a library, which is longer"}]})";

struct pool_and_library {
  pool_and_library() {
    library.route("POST", "/sip2", http::route_access::open,
                  [this](http::request&&, http::responder answer) {
                    answer.respond({.status = status, .body = answer_text});
                  });
    const auto at = library.listen(*socket_address::parse("127.0.0.1:0")).value();
    backend_pool_options options;
    options.failures_to_open = 1;
    options.probe_interval = milliseconds{10};
    options.urls = {*http::url::parse("http://127.0.0.1:" + std::to_string(at.port) + "/sip2")};
    pool = backend_pool::make(loop, std::move(options), &count).value();
  }
  std::optional<backend_reply> ask() {
    backend_request r;
    r.content = message{code::checkout};
    r.session = "0123456789abcdef0123456789abcdef";
    r.request_id = "a-request-of-some-length";
    r.client = "192.0.2.1:5000";
    r.deadline = seconds{5};
    std::optional<backend_reply> reply;
    if (failing != 0) failing_allocation = allocations + failing;
    try {
      pool->send(std::move(r), [&](const backend_reply& got) {
        EXPECT_FALSE(reply) << "told twice";
        const std::size_t armed = std::exchange(failing_allocation, 0); // the copy is the test's
        const std::size_t before = allocations;
        reply.emplace(got);
        failing_allocation = armed == 0 ? 0 : armed + (allocations - before);
      });
    } catch (const std::bad_alloc&) {
      return std::nullopt;
    }
    EXPECT_FALSE(reply) << "told from inside send()";
    EXPECT_TRUE(loop.run_until([&] { return reply.has_value(); }));
    return reply;
  }

  io::shard loop;
  observe::metrics count;
  unsigned status = 200;
  std::size_t failing = 0;
  http::server library{loop};
  std::unique_ptr<backend_pool> pool;
};

class pool_without_memory : public ::testing::TestWithParam<unsigned> {};

TEST_P(pool_without_memory, fails_that_request_and_answers_the_next) {
  bool is_beyond = false;
  for (std::size_t n = 1; !is_beyond && !HasFailure(); ++n) {
    ASSERT_LT(n, 20'000U);
    std::thread{[&] {
      SCOPED_TRACE("allocation " + std::to_string(n));
      pool_and_library p;
      p.status = GetParam();
      p.failing = n;
      const auto first = p.ask();
      is_beyond = failing_allocation != 0 && allocations < failing_allocation;
      failing_allocation = p.failing = 0;
      if (first && !*first) {
        EXPECT_NE(first->error().kind, backend_failure::timed_out) << "nobody noticed";
      }
      p.status = 200;
      // Whatever is believed of the library is believed for as long as a probe takes.
      ASSERT_TRUE(p.loop.run_until([&] { return p.pool->is_available(); }));
      auto second = p.ask();
      // What the library has closed meanwhile is noticed by the next request, which is lost.
      if (second && !*second && second->error().kind == backend_failure::lost) second = p.ask();
      ASSERT_TRUE(second && *second);
      EXPECT_EQ((*second)->content.value(field_id{"AF"}),
                "the answer of a library, which is longer");
    }}.join();
  }
}

INSTANTIATE_TEST_SUITE_P(of_a_library_that_says, pool_without_memory,
                         ::testing::Values(200U, 503U, 400U));

} // namespace
} // namespace tandem::sip2
#endif
