// SPDX-License-Identifier: Apache-2.0
// A network in virtual time that loses, repeats, delays and so reorders datagrams between elements
// of this stack. It has no streams: what asks for one fails. Deterministic for a seed. For tests;
// one thread.
#pragma once

#include <tandem/sip/message.hpp>
#include <tandem/stack/transaction_layer.hpp>
#include <tandem/stack/via_rules.hpp>

#include <functional>
#include <map>
#include <queue>
#include <random>
#include <string>
#include <vector>

namespace tandem::stack::for_test {

struct network_faults {
  double loss = 0;        ///< share of datagrams that vanish
  double duplication = 0; ///< share that arrives twice
  duration least_delay = milliseconds{1};
  duration most_delay = milliseconds{1};
};

class simulated_network;

/// One element's socket: an outbox on one side, a transaction layer on the other.
class simulated_host : public outbox {
 public:
  simulated_host(simulated_network& network, const std::string& address);

  [[nodiscard]] instant now() const noexcept override;
  [[nodiscard]] timer_wheel& timers() noexcept override;
  [[nodiscard]] leaving_way way_for(const target& to, std::size_t) const noexcept override {
    return {to.transport, name_};
  }
  void send(const target& to, const wire_message& message, origin) noexcept override;
  void on_effects() noexcept override {} // the network drains all after each event

  [[nodiscard]] const socket_address& address() const noexcept { return address_; }
  void receive(const std::string& datagram, const socket_address& source);

  /// Set it before the first datagram.
  transaction_layer* layer = nullptr;
  /// Sees what arrives; may be empty.
  std::function<void(const std::string&)> seen;
  /// Who hears of failures; empty: the layer.
  std::function<void(origin, send_error)> on_send_error;
  bool has_room = true; ///< in the kernel's buffer; without it datagrams are lost
  std::size_t lost = 0;

 private:
  simulated_network& network_;
  socket_address address_;
  std::string name_;
};

class simulated_network {
 public:
  simulated_network(std::uint64_t seed, const network_faults& faults)
      : random{seed}, faults_{faults}, timers_{start} {}

  void attach(simulated_host& host) { hosts_[host.address()] = &host; }

  void send(const socket_address& from, const socket_address& to, const std::string& datagram) {
    ++sent;
    if (chance(faults_.loss)) return;
    const int copies = chance(faults_.duplication) ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      std::uniform_int_distribution<std::int64_t> delay{faults_.least_delay.count(),
                                                        faults_.most_delay.count()};
      at(now_ + duration{delay(random)}, [this, from, to, datagram] {
        if (const auto host = hosts_.find(to); host != hosts_.end())
          host->second->receive(datagram, from);
      });
    }
  }

  /// Runs something at a moment.
  void at(instant when, std::function<void()> what) {
    events_.push({when, next_++, std::move(what)});
  }
  void after(duration delay, std::function<void()> what) { at(now_ + delay, std::move(what)); }

  /// Lets time pass until nothing is under way and no timer runs, or for so long at most.
  void run(duration most) {
    const instant end = now_ + most;
    for (;;) {
      const auto due = timers_.next_due();
      const bool has_event = !events_.empty();
      if (!due && !has_event) return;
      const instant next =
          has_event && (!due || events_.top().when <= *due) ? events_.top().when : *due;
      if (next > end) return;
      now_ = std::max(now_, next);
      while (!events_.empty() && events_.top().when <= now_) {
        const auto what = events_.top().what;
        events_.pop();
        what();
        end_turns();
      }
      timers_.advance(now_);
      end_turns();
    }
  }

  [[nodiscard]] instant now() const noexcept { return now_; }
  [[nodiscard]] timer_wheel& timers() noexcept { return timers_; }
  [[nodiscard]] bool chance(double share) {
    return std::uniform_real_distribution<double>{0, 1}(random) < share;
  }
  /// Evenly between 0 and `most`.
  [[nodiscard]] duration any_time(duration most) {
    return duration{std::uniform_int_distribution<std::int64_t>{0, most.count()}(random)};
  }

  std::mt19937_64 random;
  std::uint64_t sent = 0;

 private:
  static constexpr instant start{seconds{1'000}};

  void end_turns() {
    for (const auto& [address, host] : hosts_) host->to_tell().drain();
  }

  struct event {
    instant when;
    std::uint64_t order;
    std::function<void()> what;
    bool operator<(const event& other) const noexcept {
      return when != other.when ? when > other.when : order > other.order;
    }
  };

  network_faults faults_;
  instant now_ = start;
  timer_wheel timers_;
  std::map<socket_address, simulated_host*> hosts_;
  std::priority_queue<event> events_;
  std::uint64_t next_ = 0;
};

inline simulated_host::simulated_host(simulated_network& network, const std::string& address)
    : network_{network}, address_{*socket_address::parse(address, 5060)}, name_{address} {
  network.attach(*this);
}

inline instant simulated_host::now() const noexcept { return network_.now(); }
inline timer_wheel& simulated_host::timers() noexcept { return network_.timers(); }

inline void simulated_host::send(const target& to, const wire_message& message,
                                 origin on_behalf_of) noexcept {
  if (to.address.port == 0 || is_reliable(to.transport)) {
    if (on_behalf_of.of == origin::kind::none) return;
    network_.after(duration{}, [this, on_behalf_of] {
      if (on_send_error)
        on_send_error(on_behalf_of, send_error::unreachable);
      else if (layer)
        layer->on_send_error(on_behalf_of, send_error::unreachable);
    });
  } else if (has_room) {
    network_.send(address_, to.address, std::string{message.bytes()});
  } else {
    ++lost;
  }
}

inline void simulated_host::receive(const std::string& datagram, const socket_address& source) {
  if (seen) seen(datagram);
  auto m = sip::message::parse(datagram);
  if (!m || !layer) return;
  arrival from;
  from.source = source;
  from.local = address_;
  from.at = now();
  if (m->is_request()) {
    stamp_top_via(*m, source);
    layer->receive_request(*m, from);
  } else {
    layer->receive_response(*m, from);
  }
}

} // namespace tandem::stack::for_test
