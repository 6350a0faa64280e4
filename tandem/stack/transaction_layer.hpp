// SPDX-License-Identifier: Apache-2.0
// The transactions of one shard (RFC 3261 17): matching, retransmission, absorption, CANCEL and the
// reservation of a suspended program. Sans-I/O: messages are handed in, an outbox takes what goes
// out, a wheel drives the timers. One thread. Handles outlive what they name and then find nothing.
#pragma once

#include <tandem/base/counter.hpp>
#include <tandem/base/hash.hpp>
#include <tandem/base/result.hpp>
#include <tandem/stack/ended_transactions.hpp>
#include <tandem/stack/handle_table.hpp>
#include <tandem/stack/outbox.hpp>
#include <tandem/stack/timer_settings.hpp>
#include <tandem/stack/transaction.hpp>
#include <tandem/stack/transaction_key.hpp>
#include <tandem/stack/transaction_user.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tandem::stack {

/// Bounds of one shard.
struct transaction_limits {
  std::size_t transactions = 1'200'000; ///< clients and servers together; then errc::full
  std::size_t waiting_per_call = 8;     ///< requests behind a suspended program; then 503
  std::size_t suspended = 10'000;       ///< programs at a time; then errc::full
  std::size_t lingering = 128; ///< servers that stay whole after their end: an error may come back
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
  counter impossible; ///< pairs of state and event that no RFC has: a fault of ours
  counter stray_responses;
  counter refused; ///< not made, or not let wait, at a bound
};

class transaction_layer {
 public:
  /// \param out outlives the layer.
  transaction_layer(outbox& out, const timer_settings& timers,
                    const transaction_limits& limits = {});
  ~transaction_layer();
  transaction_layer(const transaction_layer&) = delete;
  transaction_layer& operator=(const transaction_layer&) = delete;

  /// Who gets what matches no transaction; set it before the first message. It outlives the layer.
  void set_core(request_user& core) noexcept { core_ = &core; }

  /// Takes effect on timers that are armed later.
  void set_timers(const timer_settings& timers) noexcept { timers_ = timers; }
  [[nodiscard]] const timer_settings& timers() const noexcept { return timers_; }

  // What comes in: valid messages, whose Via was completed (via_rules.hpp) already.

  /// Absorbs what belongs to a server transaction; the rest goes to the core, now, or after the
  /// suspended program of its Call-ID. False when it lacks what requests are matched by: nothing
  /// was done, and a 400 is owed.
  bool receive_request(sip::message& request, const arrival& from);

  /// To the user of its client transaction, else to the core as stray.
  /// False when it lacks what responses are matched by: nothing was done.
  bool receive_response(sip::message& response, const arrival& from);

  /// A message that was sent on behalf of a transaction did not get through.
  void on_send_error(origin on_behalf_of, send_error reason);

  /// An ICMP error quoted the beginning of a message that we sent as a datagram.
  void on_datagram_refused(std::string_view quoted);

  // Server transactions.

  /// The server transaction of a request: a new one, or the one that a suspended program reserved.
  /// \param from where the request came from, as it was handed to the core.
  [[nodiscard]] result<server_handle, transaction_errc>
  create_server(const sip::message& request, const arrival& from, server_user& user, user_tag tag);

  /// Sends a response and keeps what has to be sent again. False when the transaction is gone or
  /// its state takes none, such as a second final response: nothing was sent.
  bool respond(server_handle server, int status, const wire_message& response);

  /// Sends the last response again, as a copy of the request would make it. False when there is
  /// none to send: before the first one, and after a 2xx to an INVITE.
  bool repeat(server_handle server);

  /// Answers request_user::on_unreachable: the ways to try, in this order; without any, or when
  /// all have failed, the user hears of a transport error. No effect when the transaction is gone.
  void send_by(server_handle server, std::span<const target> ways);

  /// The transaction, null when it is gone. Not to be kept.
  [[nodiscard]] const server_transaction* find(server_handle server) noexcept;

  /// The server transaction that a request belongs to: that of the same request, of the INVITE for
  /// ACK and CANCEL. The empty handle when there is none.
  /// \param from as it was handed out with the request, or before that as the transport knows it.
  [[nodiscard]] server_handle find_server(const sip::message& request,
                                          const arrival& from) const noexcept;

  /// No final response will come: copies of the request are absorbed in silence until it is
  /// forgotten (RFC 4320 4.2: no late 408 to other requests than INVITE).
  void abandon(server_handle server);

  /// Sends a response by the way of the transaction, but outside of it: a 2xx that crossed the
  /// failure which the transaction has sent (RFC 3261 16.7 step 5). False when it is gone.
  bool send_past(server_handle server, const wire_message& response);

  /// Its user goes away; the transaction ends by itself. Once its work is done its handle finds
  /// nothing, while copies are still absorbed or answered.
  void release(server_handle server);

  // Client transactions.

  /// Sends a request, not ACK, in a transaction of its own. The top Via of `request` has `branch`,
  /// which no other live transaction of the method has.
  [[nodiscard]] result<client_handle, transaction_errc>
  create_client(std::string_view method, std::string_view branch, const wire_message& request,
                const target& to, client_user& user, user_tag tag);

  /// Limits the time an INVITE may ring from now on (RFC 3261 16.6 step 11, 16.7 step 2); without a
  /// call it is timer C of the settings from the first provisional response on. No effect
  /// before the first provisional response, after CANCEL, and after a final response.
  void set_timer_c(client_handle client, duration after);

  /// Cancels an INVITE: now when a provisional response came, else when the first one comes
  /// (RFC 3261 9.1). No effect after a final response.
  /// \param reasons values of its Reason headers (RFC 3326).
  void cancel(client_handle client, std::span<const std::string_view> reasons = {});

  /// The transaction, null when it is gone. Not to be kept.
  [[nodiscard]] const client_transaction* find(client_handle client) noexcept;

  /// Ends it at once, without a word to anybody: what still comes for it is stray.
  void forget(client_handle client);

  /// Another tag for what is reported from now on.
  void retag(client_handle client, user_tag tag) noexcept;

  /// Its user goes away: nothing is reported any more.
  void release(client_handle client);

  /// The same for a client transaction whose work is done. Every 2xx that still comes for an INVITE
  /// goes on by the way of `upstream`, without our Via (RFC 3261 16.7 step 5, RFC 6026).
  /// False, and nothing changed, when it is not done, or `upstream` is a stream, whose transactions
  /// find another way themselves when it breaks.
  bool retire(client_handle client, server_handle upstream);

  // Programs that wait.

  /// Reserves the key of a request whose program suspends: its copies are absorbed, a CANCEL is
  /// held, later requests of its Call-ID wait. The user only hears on_silence. When the request has
  /// a transaction already, that one is held.
  [[nodiscard]] result<server_handle, transaction_errc>
  suspend(const sip::message& request, const arrival& from, server_user& user, user_tag tag);

  /// The program ended. A reservation that became no transaction is forgotten, so that the next
  /// copy of the request runs again; then what waited goes on, in order, before this returns.
  void resume(server_handle server);

  /// The To tag of responses of our own to a request: the same for each copy of it, so that
  /// stateless answers agree (RFC 3261 8.2.7), and not to be guessed.
  [[nodiscard]] local_tag tag_for(const sip::message& request) const noexcept {
    return local_tag_of(request, secret_);
  }

  /// Those that are remembered only are counted too.
  [[nodiscard]] std::size_t size() const noexcept {
    return clients_.size() + servers_.size() + ended_.size();
  }
  /// For those who look on: calls f(transaction) for each client or server transaction, until it
  /// says false. O(transactions).
  template <typename F>
  void for_each_client(F&& f) {
    clients_.for_each_while([&](auto, const client_transaction& t) { return f(t); });
  }
  template <typename F>
  void for_each_server(F&& f) {
    servers_.for_each_while([&](auto, const server_transaction& t) { return f(t); });
  }
  [[nodiscard]] const transaction_counters& counters() const noexcept { return counters_; }
  [[nodiscard]] outbox& out() noexcept { return out_; }
  /// The key of this layer's hashes.
  [[nodiscard]] const hash_key& secret() const noexcept { return secret_; }

 private:
  friend class transaction;
  struct waiting_call;

  void on_timer(transaction& t, instant now);
  void run(client_transaction& c, transaction_event event, sip::message* response = nullptr,
           const arrival* from = nullptr);
  void run(server_transaction& s, transaction_event event, sip::message* request = nullptr,
           const arrival* from = nullptr);
  void dispatch(transaction& t, transaction_event event);
  void set_timers_of(transaction& t, action_set<transaction_action> actions, instant now);
  void start(transaction& t, duration after);
  void arm(transaction& t);
  bool begin(client_handle h, const wire_message& request, const target& to);
  void send_request(client_transaction& c);
  void send_response(server_transaction& s);
  void lose_way(server_transaction& s);
  bool ask_for_ways(server_transaction& s, std::string_view response);
  void send_cancel(client_transaction& c);
  void end(client_transaction& c);
  void end(server_transaction& s);
  [[nodiscard]] bool is_full();
  [[nodiscard]] result<server_handle, transaction_errc> add_server(const sip::message& request,
                                                                   std::uint64_t key,
                                                                   const arrival& from,
                                                                   server_user& user, user_tag tag);
  /// The keys that came with it, else those of the request.
  [[nodiscard]] std::optional<request_keys> keys_of(const sip::message& request,
                                                    const arrival& from) const noexcept;
  bool wait(std::uint64_t call, std::uint64_t key, sip::message& request, const arrival& from);
  void run_waiting(std::uint64_t call);
  bool absorb(const request_keys& keys, sip::message& request, const arrival& from);
  void absorb_ended(server_handle ended, sip::message& request, const arrival& from);
  void absorb_ended(client_handle ended, sip::message& response);
  void retire_if_done(server_handle server);
  server_transaction* revive(server_handle ended);
  bool retire_if_done(client_handle client, const way_back* upstream);
  void refuse(const sip::message& request, const arrival& from);

  outbox& out_;
  timer_settings timers_;
  transaction_limits limits_;
  hash_key secret_;
  request_user* core_ = nullptr;
  slot_map<client_transaction> clients_;
  slot_map<server_transaction> servers_;
  handle_table<client_transaction> client_keys_;
  handle_table<server_transaction> server_keys_;
  ended_transactions ended_{out_, client_keys_, server_keys_};
  std::vector<server_handle> lingering_; ///< the last ones that were released, in a ring
  std::size_t next_lingering_ = 0;
  std::unordered_map<std::uint64_t, std::unique_ptr<waiting_call>> waiting_;
  std::size_t suspended_ = 0;
  transaction_counters counters_;
};

} // namespace tandem::stack
