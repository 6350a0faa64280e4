// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/transaction_rows.hpp>

#include <tandem/stack/transactions_for_test.hpp>

#include <boost/json.hpp>
#include <gtest/gtest.h>
#include <set>
#include <string>

namespace tandem::server {
namespace {

using stack::for_test::request_parts;
using stack::for_test::request_text;

// A page is some hundred rows, however many transactions there are, and none is left out.
TEST(transaction_rows, pages_have_each_of_100_000_transactions_once) {
  constexpr std::size_t of_clients = 99'000;
  constexpr std::size_t of_servers = 1'000;
  stack::for_test::transaction_fixture t;
  t.out.is_quiet = true;
  request_parts p;
  for (std::size_t i = 0; i < of_clients; ++i) {
    const std::string branch = "z9hG4bKc" + std::to_string(i);
    p.call_id = "client " + std::to_string(i);
    p.via = "SIP/2.0/UDP 192.0.2.1;branch=" + branch;
    ASSERT_TRUE(t.layer.create_client("INVITE", branch,
                                      stack::wire_message::copy_of(request_text(p)),
                                      stack::for_test::target_at("192.0.2.2"), t, {}));
  }
  for (std::size_t i = 0; i < of_servers; ++i) {
    p.call_id = "server " + std::to_string(i);
    p.via = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKs" + std::to_string(i);
    const auto made = t.layer.create_server(stack::for_test::make_request(p), t.from_peer(), t, {});
    ASSERT_TRUE(made);
    ASSERT_TRUE(t.layer.respond(
        *made, 180,
        stack::wire_message::copy_of(stack::for_test::answer_text(request_text(p), 180))));
  }
  std::set<std::string> seen;
  std::uint64_t from = 0;
  while (from != control::shard_page::end) {
    const control::shard_page page = list_transactions(t.layer, 0, from, 100);
    EXPECT_LE(page.rows.size(), 100U);
    EXPECT_EQ(page.count, static_cast<std::int64_t>(of_clients + of_servers));
    for (const boost::json::value& row : page.rows)
      EXPECT_TRUE(seen.emplace(row.at("call_id").as_string().c_str()).second);
    from = page.next;
  }
  EXPECT_EQ(seen.size(), of_clients + of_servers);
}

} // namespace
} // namespace tandem::server
