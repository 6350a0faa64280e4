// SPDX-License-Identifier: Apache-2.0
// The transactions of one shard (RFC 3261 17). The layer only matches: a message goes to its
// transaction (17.1.3, 17.2.3), behind a suspended program of its call, or to the chain of request
// users. Sans-I/O: messages are handed in, an outbox takes what goes out and what users are told, a
// wheel drives the timers. One thread. Handles outlive what they name and then find nothing.
#pragma once

#include <tandem/stack/client_transactions.hpp>
#include <tandem/stack/held_calls.hpp>
#include <tandem/stack/server_transactions.hpp>
#include <tandem/stack/transaction_key.hpp>

#include <optional>
#include <span>
#include <string_view>

namespace tandem::stack {

class transaction_layer {
 public:
  /// \param out outlives the layer.
  transaction_layer(outbox& out, const timer_settings& timers,
                    const transaction_limits& limits = {})
      : commons_{out, timers, limits}, held_{limits.waiting_per_call} {}
  transaction_layer(const transaction_layer&) = delete;
  transaction_layer& operator=(const transaction_layer&) = delete;

  /// See request_chain.
  void set_core(request_user& core) noexcept { commons_.users.set_core(core); }
  void put_in_front(request_user& user) { commons_.users.put_in_front(user); }

  /// Takes effect on timers that are armed later.
  void set_timers(const timer_settings& timers) noexcept { commons_.timers.set_settings(timers); }
  [[nodiscard]] const timer_settings& timers() const noexcept { return commons_.timers.settings(); }
  /// What a request that is refused for now is told to wait (RFC 3261 21.5.4).
  void set_retry_after(duration wait) noexcept { retry_after_ = wait; }

  /// Takes effect on requests that come later.
  void set_kept_limits(const kept_limits& limits) noexcept { commons_.kept.set_limits(limits); }

  // What comes in: valid messages, whose Via was completed (via_rules.hpp) already.

  /// Absorbs what belongs to a server transaction; the rest goes to the first request_user that
  /// takes it, moved from, or waits for the suspended program of its Call-ID. False when it lacks
  /// what requests are matched by: nothing was done, and a 400 is owed.
  bool receive_request(sip::message& request, const arrival& from);

  /// To the user of its client transaction, moved from, else to a request_user as stray.
  /// False when it lacks what responses are matched by: nothing was done.
  bool receive_response(sip::message& response, const arrival& from);

  /// A message that was sent on behalf of a transaction did not get through.
  void on_send_error(origin on_behalf_of, send_error reason);

  /// An ICMP error quoted the beginning of a message that we sent as a datagram.
  void on_datagram_refused(std::string_view quoted);

  // Server transactions: see server_transactions.

  /// \param from where the request came from, as it was handed to a request_user.
  [[nodiscard]] result<server_handle, transaction_errc>
  create_server(const sip::message& request, const arrival& from, server_user& user, user_tag tag);
  bool respond(server_handle server, int status, const wire_message& response) {
    return servers_.respond(server, status, response);
  }
  bool repeat(server_handle server) { return servers_.repeat(server); }
  void send_by(server_handle server, std::span<const target> ways) {
    servers_.send_by(server, ways);
  }
  [[nodiscard]] const server_transaction* find(server_handle server) noexcept {
    return servers_.find(server);
  }
  void abandon(server_handle server) { servers_.abandon(server); }
  bool send_past(server_handle server, const wire_message& response) {
    return servers_.send_past(server, response);
  }
  void release(server_handle server) { servers_.release(server); }

  /// The server transaction that a request belongs to: that of the same request, of the INVITE for
  /// ACK and CANCEL. The empty handle when there is none.
  /// \param from as it was handed out with the request, or before that as the transport knows it.
  [[nodiscard]] server_handle find_server(const sip::message& request,
                                          const arrival& from) const noexcept;

  // Client transactions: see client_transactions.

  [[nodiscard]] result<client_handle, transaction_errc>
  create_client(std::string_view method, std::string_view branch, const wire_message& request,
                const target& to, client_user& user, user_tag tag,
                std::uint32_t allowance = client_transaction::unbounded,
                kept_source* paid_by = nullptr) {
    return clients_.create(method, branch, request, to, user, tag, allowance, paid_by);
  }
  std::uint32_t lift_bound(client_handle client) noexcept { return clients_.lift_bound(client); }
  void set_timer_c(client_handle client, duration after) { clients_.set_timer_c(client, after); }
  void cancel(client_handle client, std::span<const std::string_view> reasons = {}) {
    clients_.cancel(client, reasons);
  }
  [[nodiscard]] const client_transaction* find(client_handle client) noexcept {
    return clients_.find(client);
  }
  void forget(client_handle client) { clients_.forget(client); }
  void retag(client_handle client, user_tag tag) noexcept { clients_.retag(client, tag); }
  void release(client_handle client) { clients_.release(client); }
  /// Every 2xx that still comes goes on by the way of `upstream`.
  bool retire(client_handle client, server_handle upstream);

  // Programs that wait.

  /// Reserves the key of a request whose program suspends: its copies are absorbed, a CANCEL is
  /// held, later requests of its Call-ID wait. The user only hears on_silence. When the request has
  /// a transaction already, that one is held.
  [[nodiscard]] result<server_handle, transaction_errc>
  suspend(const sip::message& request, const arrival& from, server_user& user, user_tag tag);

  /// The program ended. A reservation that became no transaction is forgotten, so that the next
  /// copy of the request runs again; then what waited goes on, in order, in this turn.
  void resume(server_handle server);

  /// For the effects of this layer: the next request that waited for the programs of this call.
  void release_next(std::uint64_t call);

  /// The To tag of responses of our own to a request: the same for each copy of it, so that
  /// stateless answers agree (RFC 3261 8.2.7), and not to be guessed.
  [[nodiscard]] local_tag tag_for(const sip::message& request) const noexcept {
    return local_tag_of(request, commons_.secret);
  }

  /// Those that are remembered only are counted too.
  [[nodiscard]] std::size_t size() const noexcept { return commons_.size(); }
  /// For those who look on: calls f(slot, transaction) for each client or server transaction from a
  /// slot on, until it says false. A transaction keeps its slot. O(transactions).
  template <typename F>
  void for_each_client(F&& f, std::uint32_t from = 0) {
    clients_.for_each_while(f, from);
  }
  template <typename F>
  void for_each_server(F&& f, std::uint32_t from = 0) {
    servers_.for_each_while(f, from);
  }
  /// Bytes of messages that are kept at present.
  [[nodiscard]] std::size_t kept_bytes() const noexcept { return commons_.kept.in_all(); }
  /// A user has not kept a message at a bound of their number, or of the bytes that are kept on
  /// that account: counted, and told once a second.
  void note_full(std::size_t bound, std::string_view of) noexcept { commons_.note_full(bound, of); }
  void note_out_of_bytes(const kept_source& account) noexcept {
    commons_.note_out_of_bytes(account);
  }
  /// A user has not sent something: see transaction_counters::withheld.
  void note_withheld() noexcept { ++commons_.counters.withheld; }
  [[nodiscard]] const transaction_counters& counters() const noexcept { return commons_.counters; }
  /// A machine of a user has no row for a pair: it counts among ours.
  void note_impossible() noexcept { ++commons_.counters.impossible; }
  [[nodiscard]] outbox& out() noexcept { return commons_.out; }
  /// The key of this layer's hashes.
  [[nodiscard]] const hash_key& secret() const noexcept { return commons_.secret; }

 private:
  /// The keys that came with it, else those of the request.
  [[nodiscard]] std::optional<request_keys> keys_of(const sip::message& request,
                                                    const arrival& from) const noexcept;
  bool absorb(sip::message& request, const arrival& from);
  bool wait(sip::message& request, const arrival& from);
  void refuse(const sip::message& request, const arrival& from);
  void end_hold(std::uint64_t call);

  transaction_commons commons_;
  client_transactions clients_{commons_};
  server_transactions servers_{commons_};
  held_calls held_;
  std::size_t suspended_ = 0;
  duration retry_after_ = seconds{5};
};

} // namespace tandem::stack
