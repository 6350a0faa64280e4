// SPDX-License-Identifier: Apache-2.0
// Mailboxes between shards: one first-in-first-out lane for each ordered pair of shards, by value,
// one doorbell per batch, no lock. Sending and receiving happen on the threads of the shards.
#pragma once

#include <tandem/io/shard.hpp>

#include <atomic>
#include <cassert>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace tandem::io {

/// Carries parcels of type T from shard to shard. What is sent in one turn travels as one batch at
/// the end of that turn; parcels of one pair of shards arrive in the order they were sent in. What
/// the receiver leaves in a parcel goes back to the sender's thread and dies there.
///   mailroom<letter> room{shards, [](shard& to, letter& l) { ... }};
///   room.send(here, 1, letter{...});
/// Made before the loops run, destroyed after they have stopped.
template <typename T>
class mailroom {
 public:
  using receive = std::function<void(shard& to, T& parcel)>;

  /// \param on_parcel runs on the receiving shard's thread, once for each parcel.
  mailroom(const std::vector<shard*>& shards, receive on_parcel)
      : on_parcel_{std::move(on_parcel)} {
    for (std::size_t i = 0; i < shards.size(); ++i) {
      assert(shards[i]->index() == i);
      desks_.push_back(std::make_unique<desk>(*this, *shards[i], shards.size()));
    }
    for (auto& d : desks_) d->loop.add_mail_receiver(*d);
  }
  mailroom(const mailroom&) = delete;
  mailroom& operator=(const mailroom&) = delete;
  ~mailroom() {
    for (auto& d : desks_) d->loop.remove_mail_receiver(*d);
  }

  /// Sends from the shard of the calling thread to another one, or to itself in its next turn.
  void send(shard& from, std::uint16_t to, T parcel) {
    desk& sender = *desks_[from.index()];
    auto& draft = sender.lanes[to].draft;
    if (!draft) draft = sender.lanes[to].new_batch();
    draft->parcels.push_back(std::move(parcel));
    from.at_turn_end(sender);
  }

 private:
  struct batch {
    std::vector<T> parcels;
    batch* next = nullptr;
  };

  /// A stack of batches that one side pushes to and the other takes whole.
  class stack {
   public:
    stack() = default;
    stack(const stack&) = delete;
    stack& operator=(const stack&) = delete;
    ~stack() {
      for (batch* b = take(); b;) delete std::exchange(b, b->next);
    }
    void push(batch* b) noexcept {
      b->next = top_.load(std::memory_order_relaxed);
      while (!top_.compare_exchange_weak(b->next, b, std::memory_order_release,
                                         std::memory_order_relaxed)) {
      }
    }
    [[nodiscard]] batch* take() noexcept {
      return top_.exchange(nullptr, std::memory_order_acquire);
    }

   private:
    std::atomic<batch*> top_ = nullptr;
  };

  /// From one shard to another. The sender's thread owns `draft` and `spare`.
  struct lane {
    std::unique_ptr<batch> draft;
    batch* spare = nullptr;
    stack sent;
    stack used; ///< emptied batches on their way back, so that a warm lane allocates nothing

    ~lane() {
      while (spare) delete std::exchange(spare, spare->next);
    }
    std::unique_ptr<batch> new_batch() {
      if (!spare) spare = used.take();
      if (!spare) return std::make_unique<batch>();
      std::unique_ptr<batch> b{std::exchange(spare, spare->next)};
      b->parcels.clear();
      return b;
    }
  };

  struct desk final : mail_receiver, turn_task {
    desk(mailroom& of, shard& at, std::size_t shards) : room{of}, loop{at}, lanes(shards) {}

    void on_turn_end() override {
      for (std::size_t to = 0; to < lanes.size(); ++to) {
        if (!lanes[to].draft) continue;
        lanes[to].sent.push(lanes[to].draft.release());
        room.desks_[to]->loop.ring();
      }
    }
    void on_mail() override {
      for (auto& sender : room.desks_) sender->lanes_to(loop.index(), room, loop);
    }
    void lanes_to(std::uint16_t to, mailroom& of, shard& receiver) {
      lane& l = lanes[to];
      batch* in_order = nullptr;
      for (batch* b = l.sent.take(); b;) {
        batch* rest = b->next;
        b->next = std::exchange(in_order, b);
        b = rest;
      }
      while (in_order) {
        batch* b = std::exchange(in_order, in_order->next);
        // One that memory runs out for takes no other one with it.
        for (T& parcel : b->parcels) receiver.guard([&] { of.on_parcel_(receiver, parcel); });
        l.used.push(b);
      }
    }

    mailroom& room;
    shard& loop;
    std::vector<lane> lanes;
  };

  receive on_parcel_;
  std::vector<std::unique_ptr<desk>> desks_;
};

} // namespace tandem::io
