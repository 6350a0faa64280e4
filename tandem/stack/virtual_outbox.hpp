// SPDX-License-Identifier: Apache-2.0
// An outbox for tests, of ours and of users: virtual time, and a record of what was sent. It fails
// as a real one does: to port 0 and wherever the test says so, told when the turn ends, never from
// inside send(); and its buffer may be full. One thread. The clock stands still unless advance() is
// called.
#pragma once

#include <tandem/stack/outbox.hpp>

#include <algorithm>
#include <deque>
#include <functional>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tandem::stack {

/// One message that was sent.
struct sent_message {
  std::string text;
  target to;
  origin on_behalf_of;
  instant at;

  /// "INVITE", "200": the word that names it.
  [[nodiscard]] std::string_view kind() const noexcept {
    const std::string_view t{text};
    return t.starts_with("SIP/2.0 ") ? t.substr(8, 3) : t.substr(0, t.find(' '));
  }
};

class virtual_outbox : public outbox {
 public:
  virtual_outbox() : timers_{start} {}

  [[nodiscard]] instant now() const noexcept override { return now_; }
  [[nodiscard]] timer_wheel& timers() noexcept override { return timers_; }
  [[nodiscard]] leaving_way way_for(const target& to, std::size_t size) const noexcept override {
    const bool is_open = to.choice == transport_choice::open;
    const auto by = is_open && size > datagram_limit ? transport_kind::tcp : to.transport;
    const bool has_listener = !is_secure(by) && (has_v6 || !to.address.ip.is_v6());
    return {by, has_listener ? std::string_view{host_} : std::string_view{}};
  }
  void send(const target& to, const wire_message& message, origin on_behalf_of) noexcept override {
    try {
      take_to_send(to, message, on_behalf_of);
    } catch (const std::bad_alloc&) {
      ++lost;
    }
  }

  /// The end of a turn: tells the users what the machines have to tell, and the machines what
  /// failed to be sent, until there is no more.
  void end_turn() {
    to_tell().drain();
    while (!failures_.empty()) {
      const auto told = std::exchange(failures_, {});
      for (const auto& failure : told)
        if (on_send_error) to_tell().guard([&] { on_send_error(failure.first, failure.second); });
      to_tell().drain();
    }
  }
  void on_effects() noexcept override {
    if (on_turn_needed) on_turn_needed();
  }

  /// Lets time pass; timers run at their own moments, each of which is a turn.
  void advance(duration by) {
    end_turn();
    const instant end = now_ + by;
    for (auto due = timers_.next_due(); due && *due <= end; due = timers_.next_due()) {
      now_ = std::max(now_, *due);
      timers_.advance(now_);
      end_turn();
    }
    now_ = end;
    timers_.advance(now_);
    end_turn();
  }

  /// Time since the beginning.
  [[nodiscard]] duration elapsed() const noexcept { return now_ - start; }

  /// Sent-by of every listener.
  void set_host(std::string host) { host_ = std::move(host); }

  /// Ends the turn and takes the oldest message out; an empty one when there is none.
  [[nodiscard]] sent_message take() {
    end_turn();
    if (sent.empty()) return {};
    sent_message first = std::move(sent.front());
    sent.pop_front();
    return first;
  }

  std::deque<sent_message> sent; ///< what left, failures and losses not among it
  wire_message newest;           ///< by reference, as a transport's queue holds it
  std::size_t count = 0;         ///< of all that was sent
  bool is_quiet = false;         ///< nothing goes to `sent`: for who counts allocations
  std::size_t datagram_limit = 1300;
  bool has_v6 = true;   ///< there is a listener for IPv6
  bool has_room = true; ///< in the kernel's buffer; without it datagrams are lost
  std::size_t lost = 0;
  /// Which sends fail, and how.
  std::function<std::optional<send_error>(const target&)> refuses;
  /// Who hears of failures: transaction_layer::on_send_error, mostly.
  std::function<void(origin, send_error)> on_send_error;
  /// Has end_turn() called soon, where no test does it: set it to post that to a loop.
  std::function<void()> on_turn_needed;

 private:
  void take_to_send(const target& to, const wire_message& message, origin on_behalf_of) {
    ++count;
    newest = message;
    auto failure = refuses ? refuses(to) : std::nullopt;
    if (!failure && to.address.port == 0) failure = send_error::unreachable;
    if (failure) {
      if (on_behalf_of.of != origin::kind::none) failures_.push_back({on_behalf_of, *failure});
      return;
    }
    if (!has_room && !is_reliable(to.transport)) {
      ++lost;
      return;
    }
    if (is_quiet) return;
    sent.push_back({std::string{message.bytes()}, to, on_behalf_of, now_});
  }

  static constexpr instant start{seconds{1'000}};

  instant now_ = start;
  timer_wheel timers_;
  std::string host_ = "192.0.2.100";
  std::vector<std::pair<origin, send_error>> failures_;
};

} // namespace tandem::stack
