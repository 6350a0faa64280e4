// SPDX-License-Identifier: Apache-2.0
// A run of a program allocates nothing once an execution has run it before. Not with sanitizers,
// which have an operator new of their own.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TANDEM_INSTRUMENTED
#endif
#endif
#ifndef TANDEM_INSTRUMENTED

#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include <tandem/script/script_fixture_for_test.hpp>

namespace {
thread_local std::size_t allocations = 0;
} // namespace

void* operator new(std::size_t size) {
  ++allocations;
  if (void* p = std::malloc(size)) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

namespace tandem::script::test {
namespace {

TEST(execution, allocates_nothing_in_steady_state) {
  const auto c =
      compile_text("route { if (method==\"INVITE\" && uri=~\"alice@(.*\\.)?example\" && "
                   "src_ip==192.0.2.0/24 && $m=~\"INV\" && !src_ip=~\"^10\") route(1); } "
                   "route[1] { setflag(1); say(\"a long text that no small string holds: "
                   "$m $hdr(X-Name-Of-A-Header)\"); run([\"a\", \"$m\"]); route(2); } "
                   "route[2] { if (isflagset(1)) yes(\"end\"); }");
  ASSERT_TRUE(c.made) << c.found.to_string();
  plain_context on;
  execution e;
  on.trace.reserve(1 << 16);
  for (int i = 0; i < 3; ++i) e.start(*c.made, c.made->main_block(), on);
  const std::size_t before = allocations;
  for (int i = 0; i < 50; ++i) e.start(*c.made, c.made->main_block(), on);
  EXPECT_EQ(allocations, before);
  EXPECT_GT(on.trace.size(), 50U * 20U);
}

} // namespace
} // namespace tandem::script::test

#endif
