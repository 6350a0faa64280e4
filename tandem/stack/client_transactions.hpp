// SPDX-License-Identifier: Apache-2.0
// The client transactions of a shard (RFC 3261 17.1). One thread. Handles outlive what they name
// and then find nothing.
#pragma once

#include <tandem/base/result.hpp>
#include <tandem/base/slot_map.hpp>
#include <tandem/stack/transaction.hpp>
#include <tandem/stack/transaction_commons.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tandem::stack {

class client_transactions {
 public:
  /// \param commons outlives the table.
  explicit client_transactions(transaction_commons& commons) noexcept : commons_{commons} {}
  client_transactions(const client_transactions&) = delete;
  client_transactions& operator=(const client_transactions&) = delete;

  /// Sends a request, not ACK, in a transaction of its own. The top Via of `request` has `branch`,
  /// which no other live transaction of the method has. Throws std::bad_alloc; nothing was sent.
  /// \param allowance bytes that may go there before anybody has answered (reflection.hpp): copies
  ///                  beyond them are not sent, as if they were lost
  /// \param paid_by on whose account it is kept; null: nobody's in particular
  [[nodiscard]] result<client_handle, transaction_errc>
  create(std::string_view method, std::string_view branch, const wire_message& request,
         const target& to, client_user& user, user_tag tag,
         std::uint32_t allowance = client_transaction::unbounded, kept_source* paid_by = nullptr);

  /// What it sends is not bounded any more. \return what is left of its allowance.
  std::uint32_t lift_bound(client_handle client) noexcept;

  /// Limits the time an INVITE may ring from now on (RFC 3261 16.6 step 11, 16.7 step 2); without a
  /// call it is timer C of the settings from the first provisional response on. No effect
  /// before the first provisional response, after CANCEL, and after a final response.
  void set_timer_c(client_handle client, duration after);

  /// Cancels an INVITE: now when a provisional response came, else when the first one comes
  /// (RFC 3261 9.1). No effect after a final response.
  /// \param reasons values of its Reason headers (RFC 3326).
  void cancel(client_handle client, std::span<const std::string_view> reasons = {});

  /// The transaction, null when it is gone. Not to be kept.
  [[nodiscard]] const client_transaction* find(client_handle client) noexcept {
    return all_.find(client);
  }

  /// Calls f(slot, const client_transaction&) for each from a slot on, until it says false.
  template <typename F>
  void for_each_while(F&& f, std::uint32_t from) {
    all_.for_each_while([&f](auto key, const client_transaction& t) { return f(key.slot, t); },
                        from);
  }

  /// Ends it at once, without a word to anybody: what still comes for it is stray.
  void forget(client_handle client);

  /// Another tag for what is reported from now on.
  void retag(client_handle client, user_tag tag) noexcept;

  /// Its user goes away: nothing is reported any more.
  void release(client_handle client);

  /// The same for one whose work is done. Every 2xx that still comes for an INVITE goes on by this
  /// way, without our Via (RFC 3261 16.7 step 5, RFC 6026), while its `allowance` in bytes lasts.
  /// False, and nothing changed, when it is not done, or when a way over a stream might break.
  bool retire(client_handle client, const target* upstream, std::uint32_t allowance);

  // What the layer has matched.

  /// A response whose key is that of `client`. False when nothing of that name is there.
  bool receive(client_handle client, sip::message& response, const arrival& from);
  /// What it sent did not get through.
  void fail_to_send(client_handle client);

  // For timers and effects.

  void on_timer(client_transaction& c, instant now);
  /// Cancels what rings and has no timer C any more, so that nothing rings for ever.
  void end_ringing(client_handle client);

 private:
  void run(client_transaction& c, transaction_event event, sip::message* response = nullptr,
           const arrival* from = nullptr);
  bool begin(client_handle h, const wire_message& request, const target& to, kept_source& source);
  void send_request(client_transaction& c);
  void send_cancel(client_transaction& c);
  void begin_cancel(const client_transaction& c, std::span<const std::string> reasons);
  void absorb_ended(client_handle ended, sip::message& response);
  bool retire_if_done(client_handle client, const way_back* upstream);
  client_handle add(transaction_kind kind, transaction_state state, std::uint64_t key,
                    user_tag tag);
  void remove(client_handle client) noexcept;
  void end(client_transaction& c);

  transaction_commons& commons_;
  slot_map<client_transaction> all_;
};

} // namespace tandem::stack
