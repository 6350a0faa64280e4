// SPDX-License-Identifier: Apache-2.0
// The transport of one shard: takes what its sockets receive to the home of each message, and sends
// for the machines (stack::outbox). Used on the thread of its shard, once the loops run.
#pragma once

#include <tandem/base/counter.hpp>
#include <tandem/io/udp_socket.hpp>
#include <tandem/stack/outbox.hpp>
#include <tandem/transport/connections.hpp>
#include <tandem/transport/letter.hpp>
#include <tandem/transport/listeners.hpp>
#include <tandem/transport/options.hpp>
#include <tandem/transport/tap.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace tandem::transport {

class transport;

/// Who gets the messages that are at home on a shard, and the failures of what it sent. None of it
/// throws: what memory runs out for is lost and counted (effects::note_lost). What machines make of
/// it is a turn of theirs (effects::take), which the user begins.
class message_user {
 public:
  /// A whole message, not parsed. The block may have 64 KB: see io::datagram.
  virtual void on_message(block_ref&& block, std::uint32_t size, const stack::arrival& from) = 0;
  /// A stream sent a message that cannot be framed; `block` has what can be read of its headers.
  /// What is sent to the flow during the call still leaves before the connection closes.
  virtual void on_broken(block_ref&& block, std::uint32_t size, sip::parse_errc error,
                         const stack::arrival& from) = 0;
  /// What was sent for somebody failed.
  virtual void on_send_error(stack::origin on_behalf_of, stack::send_error reason) = 0;
  /// An ICMP error quoted the beginning of a datagram that some shard sent.
  virtual void on_datagram_refused(std::string_view quoted) = 0;

 protected:
  ~message_user() = default;
};

/// Counters of a shard; they only grow.
struct transport_counters {
  counter received_udp;
  counter received_stream;
  counter sent_udp;
  counter sent_stream;
  counter pings;       ///< keep-alives answered (RFC 5626 4.4.1)
  counter handed_over; ///< messages given to another shard
  counter send_errors;
};

class shard_transport final : public stack::outbox, stream_owner, io::turn_task {
 public:
  shard_transport(transport& whole, io::shard& loop);
  ~shard_transport() override;

  /// Who gets the messages; set it before the loop runs. Without one they are dropped.
  void set_user(message_user* user) noexcept { user_ = user; }
  /// Sees all messages; null for none.
  void set_tap(tap* seer) noexcept { tap_ = seer; }

  [[nodiscard]] io::shard& loop() noexcept { return loop_; }
  [[nodiscard]] const transport_counters& counters() const noexcept { return counters_; }
  [[nodiscard]] std::size_t connection_count() const noexcept { return connections_.size(); }
  [[nodiscard]] transport& whole() noexcept { return whole_; }
  /// Datagrams that the kernel had no room for.
  [[nodiscard]] std::uint64_t lost_datagrams() const noexcept;

  /// The text of a Via was written by us: its sent-by is one of ours (RFC 3261 18.1.2).
  [[nodiscard]] bool is_own_via(std::string_view via) const noexcept;

  /// Opens the listening datagram socket of that number, before the loops run. \return its address
  /// with its real port, or why not, for the operator.
  [[nodiscard]] result<socket_address, std::string>
  open_port(const socket_address& at, io::port_use use, std::uint32_t number);
  /// The same for connections of that kind.
  [[nodiscard]] result<socket_address, std::string>
  accept_at(transport_kind kind, const socket_address& at, io::port_use use, std::uint32_t number);

  /// TLS connections may be opened from now on; see connections::use_tls.
  void use_tls(io::tls_context client) { connections_.use_tls(std::move(client)); }
  /// Both ways with these contexts from now on; on the shard's thread. What is open keeps its own.
  void renew_tls(const tls_contexts& next) {
    connections_.renew_tls(next.server);
    connections_.use_tls(next.client);
  }

  /// Closes a connection of this shard after what waits in it has left.
  void close(flow_handle flow);

  // stack::outbox
  [[nodiscard]] instant now() const noexcept override { return loop_.now(); }
  [[nodiscard]] timer_wheel& timers() noexcept override { return loop_.timers(); }
  [[nodiscard]] std::uint16_t shard() const noexcept override { return loop_.index(); }
  [[nodiscard]] stack::leaving_way way_for(const stack::target& to,
                                           std::size_t size) const noexcept override;
  [[nodiscard]] bool has(transport_kind kind) const noexcept override;
  void send(const stack::target& to, const stack::wire_message& message,
            stack::origin on_behalf_of) noexcept override;
  void bind_flow(flow_handle flow, instant until) noexcept override;
  void on_effects() noexcept override { loop_.at_turn_end(*this); }

 private:
  friend class transport;

  /// One listening datagram socket.
  struct udp_port final : io::datagram_user {
    udp_port(shard_transport& of, std::uint32_t number) : owner{of}, index{number} {}
    void on_datagram(io::udp_socket& on, io::datagram&& received) override;
    void on_send_failed(io::udp_socket& on, const socket_address& to, io::send_token token,
                        int error) override;
    void on_icmp_error(io::udp_socket& on, const socket_address& to, int error,
                       std::string_view quoted) override;
    shard_transport& owner;
    std::uint32_t index;
    std::unique_ptr<io::udp_socket> socket;
  };

  // stream_owner
  void on_stream_message(block_ref&& block, std::uint32_t size,
                         const stack::arrival& from) override;
  void on_stream_broken(block_ref&& block, std::uint32_t size, sip::parse_errc error,
                        const stack::arrival& from) override;
  void on_stream_ping() override { ++counters_.pings; }
  void on_stream_send_error(stack::origin on_behalf_of, std::uint16_t shard,
                            stack::send_error reason) override;

  void bring_home(block_ref&& block, std::uint32_t size, const stack::arrival& from);
  void deliver(block_ref&& block, std::uint32_t size, const stack::arrival& from);
  /// The listener to reach an address by; listener_table::none when there is none.
  [[nodiscard]] std::uint32_t choose(transport_kind transport,
                                     const ip_address& destination) const noexcept;
  [[nodiscard]] std::string_view sent_by_of(const stack::target& to) const noexcept;
  [[nodiscard]] std::string_view wildcard_sent_by(const ip_address& source,
                                                  const listener& by) const;
  void queue(const stack::target& to, const stack::wire_message& message,
             stack::origin on_behalf_of);
  void send_datagram(const stack::target& to, const stack::wire_message& message,
                     stack::origin on_behalf_of);
  /// To the shard that has the connection; false: nothing of that kind can leave here.
  [[nodiscard]] bool queue_on_stream(const stack::target& to, const stack::wire_message& message,
                                     stack::origin on_behalf_of);
  void send_on_stream(const stack::target& to, const stack::wire_message& message,
                      stack::origin on_behalf_of, std::uint16_t asking_shard);
  /// Notes a failure, whoever finds it and whenever. It is told at the end of this turn, or of the
  /// next one if this one is ending: no machine runs then.
  void note_failure(stack::origin on_behalf_of, stack::send_error reason);
  void on_turn_end() override;
  void report_quoted(std::string_view quoted);
  void show(direction way, transport_kind transport, const socket_address& local,
            const socket_address& peer, std::string_view bytes) const;

  transport& whole_;
  io::shard& loop_;
  message_user* user_ = nullptr;
  tap* tap_ = nullptr;
  std::vector<std::unique_ptr<udp_port>> ports_; ///< by listener; null for streams
  connections connections_;
  std::vector<failure_letter> failures_; ///< to be told, at most failures_told of them
  mutable source_addresses sources_;
  mutable std::unordered_set<std::string> sent_by_texts_; ///< of wildcards
  transport_counters counters_;
};

} // namespace tandem::transport
