// SPDX-License-Identifier: Apache-2.0
// What is remembered of a transaction whose work is done and whose user has gone (timers I, J, K, L
// and M): its key, and what a copy still causes. Every call leaves several for 64*T1, so they are
// small, and no timer of the wheel is theirs alone. Internal to transaction_layer. One thread.
#pragma once

#include <tandem/base/slot_map.hpp>
#include <tandem/stack/handle_table.hpp>
#include <tandem/stack/outbox.hpp>
#include <tandem/stack/transaction_user.hpp>

#include <array>
#include <cstdint>
#include <memory>

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

  [[nodiscard]] static way_back of(const target& to) noexcept {
    return {to.address, to.flow, to.transport, to.ttl};
  }
  [[nodiscard]] target to_target() const noexcept;
};

/// The records stand in the layer's tables of keys, under handles that no live transaction has and
/// that find nothing.
class ended_transactions {
 public:
  /// \param out, clients, servers outlive this.
  ended_transactions(outbox& out, handle_table<client_transaction>& clients,
                     handle_table<server_transaction>& servers);

  /// Takes the place of a live transaction in the table. It is forgotten at `until`, or a little
  /// later.
  void add(ended_kind kind, std::uint64_t key, server_handle live, instant until,
           const wire_message& answer);
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
  /// The answer of server_answered; none when there was none.
  [[nodiscard]] wire_message answer_of(server_handle h) noexcept;
  /// A live transaction takes the place of one that was answered.
  void revive(std::uint64_t key, server_handle ended, server_handle live);
  /// The way upstream of client_accepted, null when nobody is there.
  [[nodiscard]] const way_back* way_of(client_handle h) noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  struct record {
    std::uint64_t key;
    std::uint32_t until; ///< milliseconds since start_, modulo 2^32
  };

  /// First in, first out: all of a kind live equally long.
  class queue final : public timer {
   public:
    void push(ended_transactions& owner, const record& r);

   private:
    static constexpr std::size_t chunk_size = 63;
    struct chunk {
      std::array<record, chunk_size> records;
      std::unique_ptr<chunk> next;
    };
    void on_timer(instant now) override;
    void pop();

    ended_transactions* owner_ = nullptr;
    std::unique_ptr<chunk> first_;
    chunk* last_ = nullptr;
    std::unique_ptr<chunk> spare_; ///< emptied ones, for use again
    std::size_t first_at_ = 0;     ///< in the first chunk
    std::size_t size_ = 0;
  };

  static constexpr std::uint32_t mark = 0x80000000; ///< no live slot is so high
  static constexpr unsigned kind_shift = 28;

  template <typename T, typename Kept>
  static handle<T> name_of(ended_kind kind, handle<Kept> kept) noexcept {
    const std::uint32_t head = mark | static_cast<std::uint32_t>(kind) << kind_shift;
    return {head | kept.slot, kept ? kept.generation : 1};
  }
  template <typename Kept, typename T>
  static handle<Kept> kept_of(handle<T> name) noexcept {
    return {name.slot & ((1U << kind_shift) - 1), name.generation};
  }

  void remember(ended_kind kind, std::uint64_t key, instant until);
  void forget(std::uint64_t key, ended_kind kind);
  [[nodiscard]] instant moment_of(std::uint32_t until) const noexcept;

  outbox& out_;
  handle_table<client_transaction>& clients_;
  handle_table<server_transaction>& servers_;
  instant start_;
  std::size_t size_ = 0;
  slot_map<wire_message> answers_;
  slot_map<way_back> ways_;
  std::array<queue, static_cast<std::size_t>(ended_kind::count_)> queues_;
};

} // namespace tandem::stack
