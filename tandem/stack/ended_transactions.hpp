// SPDX-License-Identifier: Apache-2.0
// What is remembered of a transaction whose work is done and whose user has gone (timers I, J, K, L
// and M): its key, and what a copy still causes. Every call leaves several for 64*T1, so they are
// small, and no timer of the wheel is theirs alone. Internal to transaction_layer. One thread.
#pragma once

#include <tandem/stack/ended_queue.hpp>
#include <tandem/stack/handle_table.hpp>
#include <tandem/stack/kept_bytes.hpp>
#include <tandem/stack/outbox.hpp>
#include <tandem/stack/transaction_user.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tandem::stack {

/// What a copy of a message causes.
enum class ended_kind : std::uint8_t {
  server_accepted,  ///< INVITE, 2xx sent: copies are absorbed, the ACK goes to the core (timer L)
  server_confirmed, ///< INVITE, the ACK came: all is absorbed (timer I)
  server_answered,  ///< another request: the answer goes out again, if there was one (timer J)
  client_accepted,  ///< INVITE, 2xx came: every 2xx goes on upstream (timer M)
  client_completed, ///< another request: all is absorbed (timer K)
  count_
};

/// Where the responses of a server transaction go.
struct way_back {
  socket_address address;
  flow_handle flow;
  transport_kind transport = transport_kind::udp;
  std::uint8_t ttl = 0;
  std::uint32_t allowance = 0; ///< bytes that may still go there (server_transaction::allowance)

  [[nodiscard]] static way_back of(const target& to, std::uint32_t allowance) noexcept {
    return {to.address, to.flow, to.transport, to.ttl, allowance};
  }
  [[nodiscard]] target to_target() const noexcept;
};

/// The records stand in the layer's tables of keys, under handles that no live transaction has and
/// that find nothing.
class ended_transactions {
 public:
  /// An answer that is longer stays with its transaction, on the account of its source: what stands
  /// here is counted in all only.
  static constexpr std::size_t longest_answer = 4'096;

  /// \param out, clients, servers, kept outlive this.
  ended_transactions(outbox& out, handle_table<client_transaction>& clients,
                     handle_table<server_transaction>& servers, kept_bytes& kept);

  /// Takes the place of a live transaction in the table. It is forgotten at `until`, or a little
  /// later.
  void add(ended_kind kind, std::uint64_t key, server_handle live, instant until,
           std::string_view answer);
  void add(ended_kind kind, std::uint64_t key, client_handle live, instant until,
           const way_back* upstream);

  /// A handle of a table names something that has ended.
  template <typename T>
  [[nodiscard]] static bool is_ended(handle<T> h) noexcept {
    return h && (h.slot & mark) != 0;
  }
  /// What ended, by its handle in the table; the handle must be one of these.
  template <typename T>
  [[nodiscard]] static ended_kind kind_of(handle<T> h) noexcept {
    return static_cast<ended_kind>(h.slot >> kind_shift & 7U);
  }
  /// The answer of server_answered; none when there was none, or it is forgotten.
  [[nodiscard]] wire_message answer_of(server_handle h) const;
  /// A live transaction takes the place of one that was answered.
  void revive(std::uint64_t key, server_handle ended, server_handle live) noexcept;
  /// The way upstream of client_accepted; none when nobody is there.
  [[nodiscard]] std::optional<way_back> way_of(client_handle h) const noexcept;
  /// Keeps what is left of its allowance; `h` has a way.
  void set_way(client_handle h, const way_back& way) noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  /// All of a kind live equally long, so one timer serves them.
  struct queue final : timer {
    void on_timer(instant now) override;

    ended_transactions* owner = nullptr;
    ended_queue records; ///< the low half of a key, the moment in milliseconds since start_
  };

  static constexpr std::uint32_t mark = 0x80000000; ///< no live slot is so high
  static constexpr unsigned kind_shift = ended_queue::chunk_bits;

  template <typename T>
  static handle<T> handle_of(ended_kind kind, ended_queue::name n) noexcept {
    return {mark | static_cast<std::uint32_t>(kind) << kind_shift | n.chunk, n.place};
  }
  template <typename T>
  [[nodiscard]] std::string_view bytes_of(handle<T> h) const noexcept {
    return queue_of(kind_of(h)).records.bytes_of(name_of(h));
  }
  template <typename T>
  [[nodiscard]] ended_queue::name name_of(handle<T> h) const noexcept {
    return {h.slot & ((1U << kind_shift) - 1), h.generation};
  }
  [[nodiscard]] const queue& queue_of(ended_kind kind) const noexcept {
    return queues_[static_cast<std::size_t>(kind)];
  }

  ended_queue::name remember(ended_kind kind, std::uint64_t key, instant until,
                             std::string_view bytes);
  void forget_oldest(ended_kind kind) noexcept;
  [[nodiscard]] instant moment_of(std::uint32_t until) const noexcept;

  outbox& out_;
  handle_table<client_transaction>& clients_;
  handle_table<server_transaction>& servers_;
  kept_bytes& kept_;
  instant start_;
  std::size_t size_ = 0;
  std::array<queue, static_cast<std::size_t>(ended_kind::count_)> queues_;
};

} // namespace tandem::stack
