// SPDX-License-Identifier: Apache-2.0
// What the client and the server transactions of a shard stand on together. One thread.
#pragma once

#include <tandem/base/counter.hpp>
#include <tandem/base/hash.hpp>
#include <tandem/base/sparse_log.hpp>
#include <tandem/stack/ended_transactions.hpp>
#include <tandem/stack/handle_table.hpp>
#include <tandem/stack/kept_bytes.hpp>
#include <tandem/stack/outbox.hpp>
#include <tandem/stack/request_chain.hpp>
#include <tandem/stack/transaction_timers.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tandem::stack {

/// Bounds of one shard.
struct transaction_limits {
  std::size_t transactions = 1'200'000; ///< clients and servers together; then errc::full
  std::size_t waiting_per_call = 8;     ///< requests behind a suspended program; then 503
  std::size_t suspended = 10'000;       ///< programs at a time; then errc::full
  std::size_t lingering = 128; ///< servers that stay whole after their end: an error may come back
  kept_limits kept{};          ///< bytes of messages; then errc::full
};

/// Why a transaction was not made.
enum class transaction_errc : std::uint8_t {
  full,       ///< the bound is reached: answer 503 with Retry-After, without a transaction
  exists,     ///< a transaction of that key is there
  bad_branch, ///< the message has no top Via or CSeq that could be matched
};

/// Counters for observation; they only grow.
struct transaction_counters {
  counter servers;
  counter clients;
  counter absorbed;      ///< copies of requests, ACKs and repeated responses
  counter retransmitted; ///< requests and responses sent again
  counter timeouts;      ///< timers B, F, H and silence after CANCEL
  counter transport_errors;
  counter impossible; ///< pairs of state and event that no RFC has, of transactions and response
                      ///< contexts: a fault of ours
  counter stray_responses;
  counter refused;      ///< not made, not let wait or not kept, at a bound of their number
  counter out_of_bytes; ///< the same at a bound of bytes
  counter withheld; ///< copies that were not sent to who never answered, or may never have asked
};

struct transaction_commons {
  transaction_commons(outbox& way_out, const timer_settings& settings,
                      const transaction_limits& bounds)
      : out{way_out}, timers{way_out, settings}, limits{bounds}, secret{hash_key::random()},
        kept{bounds.kept}, ended{way_out, client_keys, server_keys, kept} {}

  /// Live ones are counted by their tables.
  [[nodiscard]] std::size_t size() const noexcept { return live + ended.size(); }
  /// Counted when it is: one more is refused.
  [[nodiscard]] bool is_full() noexcept {
    if (size() < limits.transactions) return false;
    note_full(limits.transactions, "transactions");
    return true;
  }
  /// At a bound of their number, which is reached: counted, and told once a second.
  void note_full(std::size_t bound, std::string_view of) noexcept {
    ++counters.refused;
    out.to_tell().guard(
        [&] { too_many.warning(out.now(), "there are {} {}: more is refused", bound, of); });
  }

  /// So many bytes may be kept on that account. Counted and told when not.
  [[nodiscard]] bool may_keep(const kept_source& source, std::size_t bytes, keep_for use) noexcept {
    if (kept.has_room(source, bytes, use)) return true;
    note_out_of_bytes(source);
    return false;
  }
  /// At a bound of bytes, which is reached: counted, and told once a second.
  void note_out_of_bytes(const kept_source& source) noexcept {
    ++counters.out_of_bytes;
    out.to_tell().guard([&] {
      out_of_bytes.warning(
          out.now(), "transactions keep {} bytes of messages, {} of them for {}: more is refused",
          kept.in_all(), source.bytes(), source.text());
    });
  }

  outbox& out;
  transaction_timers timers;
  transaction_limits limits;
  hash_key secret;
  request_chain users;
  transaction_counters counters;
  sparse_log too_many;     ///< refusals at a bound of number
  sparse_log out_of_bytes; ///< refusals at a bound of bytes
  std::size_t live = 0;    ///< transactions of both tables
  kept_bytes kept;         ///< outlives what is charged to it
  handle_table<client_transaction> client_keys;
  handle_table<server_transaction> server_keys;
  ended_transactions ended;
};

} // namespace tandem::stack
