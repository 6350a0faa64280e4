// SPDX-License-Identifier: Apache-2.0
// The server transactions of a shard (RFC 3261 17.2, RFC 6026), and the way of their responses
// (18.2.2). One thread. Handles outlive what they name and then find nothing.
#pragma once

#include <tandem/base/result.hpp>
#include <tandem/base/slot_map.hpp>
#include <tandem/stack/transaction.hpp>
#include <tandem/stack/transaction_commons.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace tandem::stack {

class server_transactions {
 public:
  /// \param commons outlives the table.
  explicit server_transactions(transaction_commons& commons)
      : commons_{commons}, lingering_(commons.limits.lingering) {}
  server_transactions(const server_transactions&) = delete;
  server_transactions& operator=(const server_transactions&) = delete;

  /// That of a request of this key: a new one, or the one that a suspended program reserved.
  /// Throws std::bad_alloc; nothing has changed then.
  [[nodiscard]] result<server_handle, transaction_errc> create(const sip::message& request,
                                                               std::uint64_t key,
                                                               const arrival& from,
                                                               server_user& user, user_tag tag);

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
  [[nodiscard]] const server_transaction* find(server_handle server) noexcept {
    return all_.find(server);
  }

  /// Calls f(slot, const server_transaction&) for each from a slot on, until it says false.
  template <typename F>
  void for_each_while(F&& f, std::uint32_t from) {
    all_.for_each_while([&f](auto key, const server_transaction& t) { return f(key.slot, t); },
                        from);
  }

  /// No final response will come: copies of the request are absorbed in silence until it is
  /// forgotten (RFC 4320 4.2: no late 408 to other requests than INVITE).
  void abandon(server_handle server);

  /// Sends a response by the way of the transaction, but outside of it: a 2xx that crossed the
  /// failure which the transaction has sent (RFC 3261 16.7 step 5). False when it is gone.
  bool send_past(server_handle server, const wire_message& response);

  /// Its user goes away; the transaction ends by itself. Once its work is done its handle finds
  /// nothing, while copies are still absorbed or answered.
  void release(server_handle server);

  // Programs that wait.

  /// Reserves the key of a request whose program suspends, or holds the transaction that it has.
  [[nodiscard]] result<server_handle, transaction_errc>
  suspend(const sip::message& request, std::uint64_t key, const arrival& from, server_user& user,
          user_tag tag, std::unique_ptr<suspension> held);
  /// The program has ended. Gives back what it held up; null when it held nothing.
  [[nodiscard]] std::unique_ptr<suspension> resume(server_handle server);
  /// Keeps the CANCEL of an INVITE whose program is suspended; false when none is.
  [[nodiscard]] bool hold_cancel(server_handle invite, sip::message& cancel, const arrival& from);

  // What the layer has matched.

  /// A copy of the request of `server`, or the ACK to its failure. False when nothing of that name
  /// is there.
  bool absorb(server_handle server, sip::message& request, const arrival& from);
  /// A response that it sent did not get through.
  void fail_to_send(server_handle server, send_error reason);
  /// A response whose copy is quoted by an ICMP error. False when it was of a stream, or gone.
  bool refuse_datagram(server_handle server);

  // For timers and effects.

  void on_timer(server_transaction& t, instant now);
  /// Asks for other ways of a response, and goes on without when there are none.
  void find_ways(server_handle server, std::string_view via, const target& tried);

 private:
  /// The source of a datagram may be forged. Whoever it names gets the first final response, and
  /// of repeats and provisional ones what its requests have paid for (answer_limit), until an ACK
  /// ends them.
  enum class sending : std::uint8_t { always, if_paid };

  void run(server_transaction& t, transaction_event event, sip::message* request = nullptr,
           const arrival* from = nullptr);
  result<server_handle, transaction_errc> add(const sip::message& request, std::uint64_t key,
                                              const arrival& from, server_user& user, user_tag tag);
  server_transaction& emplace(transaction_kind kind, transaction_state state, std::uint64_t key,
                              user_tag tag);
  void remove(server_handle server) noexcept;
  void end(server_transaction& t);
  void absorb_ended(server_handle ended, sip::message& request, const arrival& from);
  void answer_copy(const wire_message& answer, const sip::message& request, const arrival& from);
  void send_response(server_transaction& t, sending when);
  [[nodiscard]] static bool pay(server_transaction& t, std::uint32_t bytes) noexcept;
  void lose_way(server_transaction& t);
  [[nodiscard]] bool ask_for_ways(server_transaction& t, std::string_view response);
  server_transaction* revive(server_handle ended);
  void retire_if_done(server_handle server);

  transaction_commons& commons_;
  slot_map<server_transaction> all_;
  std::vector<server_handle> lingering_; ///< the last ones that were released, in a ring
  std::size_t next_lingering_ = 0;
};

} // namespace tandem::stack
