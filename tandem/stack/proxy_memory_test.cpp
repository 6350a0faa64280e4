// SPDX-License-Identifier: Apache-2.0
// What a proxied call costs: bytes while it rings, bytes in its tail, and no allocation for a
// message once the stores are warm.
#include <tandem/stack/proxy_for_test.hpp>

#include <iostream>
#include <malloc.h>
#include <thread>

namespace tandem::stack {
namespace {

using namespace for_test;

std::size_t heap_in_use() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

request_parts call_number(unsigned n, const std::string& method) {
  request_parts p;
  p.method = method;
  p.call_id = "call-" + std::to_string(n) + "@192.0.2.1";
  p.via = "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK" + method + std::to_string(n);
  p.more = "Contact: <sip:alice@192.0.2.1:5060>\r\n";
  if (method == "INVITE")
    p.body = "v=0\r\no=user1 53655765 2353687637 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\n"
             "t=0 0\r\nm=audio 6000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n";
  return p;
}

/// Heap bytes that one call adds, measured on a thread of its own whose stores are empty.
template <typename F>
std::size_t bytes_a_call(F&& leave_calls) {
  constexpr unsigned calls = 4'000;
  std::size_t bytes = 0;
  std::thread{[&] {
    proxy_fixture t;
    leave_calls(t, 1);
    const std::size_t before = heap_in_use();
    leave_calls(t, calls);
    bytes = (heap_in_use() - before) / calls;
  }}.join();
  return bytes;
}

sent_message ring(proxy_fixture& t, unsigned n) {
  t.receive(call_number(n, "INVITE"));
  t.take("100");
  auto invite = t.take("INVITE");
  t.answer(invite, 180);
  t.sent();
  return invite;
}

TEST(proxy_memory, of_a_ringing_call_is_at_most_4_kb) {
  const std::size_t bytes = bytes_a_call([](proxy_fixture& t, unsigned calls) {
    for (unsigned n = 0; n < calls; ++n) ring(t, calls * 10 + n);
  });
  RecordProperty("bytes", std::to_string(bytes));
  std::cout << "bytes of a ringing call: " << bytes << '\n';
  EXPECT_LE(bytes, 4'096U);
}

TEST(proxy_memory, of_a_call_in_its_tail_is_small) {
  const std::size_t bytes = bytes_a_call([](proxy_fixture& t, unsigned calls) {
    for (unsigned n = 0; n < calls; ++n) {
      t.answer(ring(t, calls * 10 + n), 200);
      t.sent();
      t.receive(call_number(calls * 10 + n, "BYE"));
      t.answer(t.take("BYE"), 200);
      t.sent();
      t.events.clear();
      if (n % 100 == 0) t.out.advance(milliseconds{250});
    }
    t.out.advance(seconds{6}); // timer K
  });
  RecordProperty("bytes", std::to_string(bytes));
  std::cout << "bytes of a call in its tail: " << bytes << '\n';
  EXPECT_LE(bytes, 512U);
}

} // namespace
} // namespace tandem::stack
