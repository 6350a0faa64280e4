// SPDX-License-Identifier: Apache-2.0
// A transaction as it stands in its table: which machine, which state, the one timer that serves
// all its lettered ones, and the bytes that may have to be sent again. Small, since every call
// leaves several behind for 64*T1. Internal to the tables; users hold handles.
#pragma once

#include <tandem/base/timer_wheel.hpp>
#include <tandem/stack/held_calls.hpp>
#include <tandem/stack/kept_bytes.hpp>
#include <tandem/stack/outbox.hpp>
#include <tandem/stack/transaction_machines.hpp>
#include <tandem/stack/transaction_user.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::stack {

class client_transactions;
class server_transactions;
class transaction_timers;

/// What client and server transactions have in common.
class transaction : public timer {
 public:
  static constexpr instant never = instant::max();
  static constexpr std::uint32_t unbounded = UINT32_MAX;

  transaction(transaction_kind kind, transaction_state state, std::uint64_t key,
              user_tag tag) noexcept
      : key_{key}, tag_{tag}, kind_{kind}, state_{state} {}
  transaction(const transaction&) = delete;
  transaction& operator=(const transaction&) = delete;

  [[nodiscard]] transaction_kind kind() const noexcept { return kind_; }
  [[nodiscard]] transaction_state state() const noexcept { return state_; }
  [[nodiscard]] user_tag tag() const noexcept { return tag_; }

 protected:
  ~transaction() = default;

 private:
  friend class client_transactions;
  friend class server_transactions;
  friend class transaction_timers;

  std::uint64_t key_;
  instant retransmit_at_ = never;
  instant expire_at_ = never;
  std::uint32_t slot_ = 0; ///< its own handle
  std::uint32_t generation_ = 0;
  user_tag tag_;
  std::uint32_t interval_ms_ = 0;
  transaction_kind kind_;
  transaction_state state_;
  bool is_reliable_ = false;
};

class client_transaction final : public transaction {
 public:
  client_transaction(client_transactions& owner, transaction_kind kind, transaction_state state,
                     std::uint64_t key, user_tag tag) noexcept
      : transaction{kind, state, key, tag}, owner_{owner} {}

  /// Final or provisional, the last one that came; 0: none.
  [[nodiscard]] int last_status() const noexcept { return last_status_; }
  [[nodiscard]] const target& to() const noexcept { return to_; }
  /// The message that it would send again, empty when there is none.
  [[nodiscard]] std::string_view kept_bytes() const noexcept { return request_.bytes(); }
  /// What it sends before the first response is bounded.
  [[nodiscard]] bool is_bounded() const noexcept { return allowance_ != unbounded; }

 private:
  friend class client_transactions;
  void on_timer(instant now) override;

  enum class cancel : std::uint8_t { no, wanted, sent };

  client_transactions& owner_;
  cancel cancel_ = cancel::no;
  std::uint16_t last_status_ = 0;
  std::uint32_t allowance_ = unbounded; ///< bytes that may go out before the first response
  client_user* user_ = nullptr;         ///< nobody hears of a CANCEL
  kept_message request_;                ///< after a failure the ACK for it; nothing once accepted
  std::unique_ptr<std::vector<std::string>> cancel_reasons_;
  target to_;
};

/// Where else a response may go, once the way back is lost (RFC 3261 18.2.2).
struct reply_detour {
  std::vector<target> left; ///< to try, the next one last
  bool is_asked = false;    ///< a request_user was asked for them
  bool is_waiting = false;  ///< and has not told them yet: nothing is sent by the lost way
};

class server_transaction final : public transaction {
 public:
  server_transaction(server_transactions& owner, transaction_kind kind, transaction_state state,
                     std::uint64_t key, user_tag tag) noexcept
      : transaction{kind, state, key, tag}, owner_{owner} {}

  [[nodiscard]] const target& reply_to() const noexcept { return reply_to_; }
  /// Who pays for what is kept on behalf of its request.
  [[nodiscard]] kept_source* source() const noexcept { return response_.source(); }
  /// Bytes that copies of responses may still take.
  [[nodiscard]] std::uint32_t allowance() const noexcept { return allowance_; }
  /// The message that it would send again, empty when there is none.
  [[nodiscard]] std::string_view kept_bytes() const noexcept { return response_.bytes(); }

 private:
  friend class server_transactions;
  void on_timer(instant now) override;

  server_transactions& owner_;
  std::uint32_t allowance_ = unbounded; ///< bytes that copies of responses may still take
  bool is_reserved_ = false; ///< a suspended program holds it and no transaction was made yet
  server_user* user_ = nullptr;
  kept_message response_; ///< what a copy of the request is answered with
  std::unique_ptr<suspension> suspension_;
  std::unique_ptr<reply_detour> detour_;
  target reply_to_;
};

} // namespace tandem::stack
