// SPDX-License-Identifier: Apache-2.0
// Interfaces that users of transactions implement (RFC 3261 17: "transaction user"): those that get
// new requests, and those that own a client or a server transaction. One thread. They are called
// when no machine is running (effects.hpp), and may call any; a handle is valid or finds nothing.
#pragma once

#include <tandem/base/slot_map.hpp>
#include <tandem/stack/target.hpp>

#include <cstdint>

namespace tandem::sip {
class message;
}

namespace tandem::stack {

class client_transaction;
class server_transaction;

/// Name a transaction; a stale one finds nothing.
using client_handle = handle<client_transaction>;
using server_handle = handle<server_transaction>;

/// What a user ties to its transaction, given back with each event: a handle of its own, mostly.
struct user_tag {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
  std::uint32_t index = 0;
};

/// Gets what no transaction takes: user agents and dialogs first, the routing core last.
class request_user {
 public:
  /// Whether this one takes a request, or a stray response; else the next user of the chain is
  /// asked.
  [[nodiscard]] virtual bool takes(const sip::message& /*message*/) { return true; }

  /// A request that begins something, or an ACK for a 2xx: it matches no transaction. It may be
  /// moved from, and answered stateless, with a transaction, later or never.
  virtual void on_request(sip::message& request, const arrival& from) = 0;

  /// A CANCEL whose INVITE transaction is there (RFC 3261 9.2, 16.10). The CANCEL has no
  /// transaction yet. A CANCEL that finds no INVITE comes as on_request.
  virtual void on_cancel(server_handle invite, sip::message& cancel, const arrival& from) = 0;

  /// A response that matches no client transaction: only a stateless proxy has a use for it.
  virtual void on_stray_response(sip::message& response, const arrival& from) = 0;

  /// A response reaches neither the connection nor the address that its request came from (RFC
  /// 3261 18.2.2): the sent-by of its Via may lead elsewhere.
  /// \param via the top Via of the response \param tried where it was sent to last
  /// \return true when transaction_layer::send_by() will be called, now or later; false when there
  ///         is nowhere else to go.
  [[nodiscard]] virtual bool on_unreachable(server_handle, std::string_view /*via*/,
                                            const target& /*tried*/) {
    return false;
  }

 protected:
  ~request_user() = default;
};

/// Why a client transaction ended without a final response.
enum class client_failure : std::uint8_t {
  timeout,         ///< timer B or F: treat as 408 (RFC 3261 8.1.3.1)
  transport_error, ///< ICMP, refused, closed: treat as 503 (RFC 3261 8.1.3.1)
  cancel_timeout,  ///< cancelled, and no final response for 64*T1 (RFC 3261 9.1)
};

/// Owner of client transactions: proxy core, user agent client.
class client_user {
 public:
  /// A response, retransmissions of a 2xx to INVITE included (RFC 6026); other retransmissions are
  /// absorbed. 100 is reported too. The message is gone after the call unless it is moved from.
  virtual void on_response(client_handle client, user_tag tag, sip::message& response,
                           const arrival& from) = 0;

  /// No final response: the transaction has ended and its handle is stale.
  virtual void on_failure(client_handle client, user_tag tag, client_failure reason) = 0;

  /// Timer C, which the user armed with transaction_layer::set_timer_c (RFC 3261 16.8).
  virtual void on_timer_c(client_handle client, user_tag tag) = 0;

 protected:
  ~client_user() = default;
};

/// Why a server transaction ended before its time.
enum class server_failure : std::uint8_t {
  no_ack,          ///< timer H: the ACK for a final response never came (RFC 3261 17.2.1)
  transport_error, ///< the response could not be sent to any address (RFC 3261 18.2.2)
};

/// Owner of server transactions.
class server_user {
 public:
  virtual void on_failure(server_handle server, user_tag tag, server_failure reason) = 0;

  /// No response for 200 ms to an INVITE (RFC 3261 17.2.1), for 7*T1 to another request (RFC 4320
  /// 4.1): answer 100 now, so that the client does not send it again.
  virtual void on_silence(server_handle server, user_tag tag) = 0;

 protected:
  ~server_user() = default;
};

} // namespace tandem::stack
