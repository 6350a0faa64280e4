// SPDX-License-Identifier: Apache-2.0
// What the machines of a shard have to tell their users. A machine takes an input and only adds to
// the list; whoever drives the machines (the transport of a shard, a test's outbox) drains it once
// they have returned. So nobody is ever called from inside a machine, and a user that is told
// something may call any machine. What is to be sent goes to the outbox, which queues it and calls
// nobody either; a timer is armed in the shard's wheel. One thread.
#pragma once

#include <tandem/base/counter.hpp>
#include <tandem/sip/message.hpp>
#include <tandem/stack/transaction_user.hpp>

#include <cstdint>
#include <new>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace tandem::stack {

class client_transactions;
class proxy;
class proxy_user;
class request_chain;
class server_transactions;
class transaction_layer;
struct proxy_branch;
struct response_context;

// Each names who is told; tell() does it. Users outlive the turn in which they are released.

/// request_user::on_request.
struct request_arrived {
  const request_chain* to = nullptr;
  sip::message request;
  arrival from;
  void tell();
};

/// request_user::on_cancel.
struct cancel_arrived {
  const request_chain* to = nullptr;
  server_handle invite;
  sip::message cancel;
  arrival from;
  void tell();
};

/// request_user::on_stray_response.
struct stray_arrived {
  const request_chain* to = nullptr;
  sip::message response;
  arrival from;
  void tell();
};

/// request_user::on_unreachable.
struct way_lost {
  server_transactions* by = nullptr;
  server_handle server;
  std::string via;
  target tried;
  void tell();
};

/// A program has ended: the next request of its call that waited behind it goes on.
struct call_released {
  transaction_layer* by = nullptr;
  std::uint64_t call = 0;
  void tell();
};

/// client_user::on_response.
struct response_arrived {
  client_user* to = nullptr;
  client_handle client;
  user_tag tag;
  sip::message response;
  arrival from;
  void tell();
};

/// client_user::on_failure.
struct client_failed {
  client_user* to = nullptr;
  client_handle client;
  user_tag tag;
  client_failure reason{};
  void tell();
};

/// client_user::on_timer_c; then a user that did nothing is helped.
struct timer_c_fired {
  client_transactions* by = nullptr;
  client_user* to = nullptr;
  client_handle client;
  user_tag tag;
  void tell();
};

/// server_user::on_failure.
struct server_failed {
  server_user* to = nullptr;
  server_handle server;
  user_tag tag;
  server_failure reason{};
  void tell();
};

/// server_user::on_silence.
struct server_silent {
  server_user* to = nullptr;
  server_handle server;
  user_tag tag;
  void tell();
};

/// proxy_user::on_reply, and what becomes of its verdict.
struct reply_arrived {
  proxy* by = nullptr;
  handle<proxy_branch> branch;
  sip::message response;
  arrival from;
  void tell();
};

/// proxy_user::on_failure, and what becomes of its verdict.
struct branches_failed {
  proxy* by = nullptr;
  handle<response_context> context;
  void tell();
};

/// proxy_user::on_final.
struct context_answered {
  proxy_user* to = nullptr;
  handle<response_context> context;
  user_tag tag;
  int status = 0;
  void tell();
};

/// proxy_user::on_end.
struct context_ended {
  proxy_user* to = nullptr;
  handle<response_context> context;
  user_tag tag;
  void tell();
};

using effect =
    std::variant<request_arrived, cancel_arrived, stray_arrived, way_lost, call_released,
                 response_arrived, client_failed, timer_c_fired, server_failed, server_silent,
                 reply_arrived, branches_failed, context_answered, context_ended>;

/// Whoever drives the machines.
class effects_driver {
 public:
  /// Something was added outside of a turn (by a timer, by a user that had to wait): drain() is to
  /// be called once the caller has returned. Must not throw.
  virtual void on_effects() noexcept = 0;

 protected:
  ~effects_driver() = default;
};

/// The list of a shard. Its memory is kept, so that a steady load allocates nothing.
class effects {
 public:
  explicit effects(effects_driver& driver) noexcept : driver_{driver} {}
  effects(const effects&) = delete;
  effects& operator=(const effects&) = delete;

  /// A turn of the machines: gives them an input, which is what the function does, and then tells
  /// everything. From inside a turn the input is given, and the turn that goes on tells the rest.
  template <typename Input>
  void take(Input&& input) {
    const bool was_turn = std::exchange(is_turn_, true);
    guard(input);
    is_turn_ = was_turn;
    if (!was_turn) drain();
  }

  /// Tells everything, also what is added meanwhile, in order, until nothing is left. Called when
  /// no machine is running; a call from inside does nothing.
  void drain();

  /// Runs one input, or one telling, with room for what it may add. What memory runs out for is
  /// lost, as a datagram is, and counted; the rest goes on.
  template <typename Input>
  void guard(Input&& input) {
    try {
      make_room();
      input();
    } catch (const std::bad_alloc&) {
      note_lost();
    }
  }

  /// Has room for what one input of a machine adds, so that add() finds it and a lack of memory
  /// does not stop a machine half-way. Throws std::bad_alloc.
  void make_room() {
    constexpr std::size_t of_one_input = 32;
    if (waiting_.capacity() - waiting_.size() < of_one_input)
      waiting_.reserve(waiting_.capacity() * 2 + of_one_input);
  }

  /// The same for who can do something else instead: false when there is no memory.
  [[nodiscard]] bool has_room() noexcept {
    try {
      make_room();
      return true;
    } catch (const std::bad_alloc&) {
      return false;
    }
  }

  /// For machines.
  template <typename Effect>
  void add(Effect&& what) {
    if (waiting_.empty() && !is_turn_) driver_.on_effects();
    waiting_.emplace_back(std::forward<Effect>(what));
  }

  /// Users are being told: no machine runs but those that they call.
  [[nodiscard]] bool is_draining() const noexcept { return is_draining_; }

  /// Messages and events that memory ran out for.
  [[nodiscard]] const counter& lost() const noexcept { return lost_; }
  void note_lost() noexcept { ++lost_; }

 private:
  void tell(effect& e);

  effects_driver& driver_;
  std::vector<effect> waiting_;
  std::vector<effect> told_; ///< those of the present round
  counter lost_;
  bool is_turn_ = false;
  bool is_draining_ = false;
};

} // namespace tandem::stack
