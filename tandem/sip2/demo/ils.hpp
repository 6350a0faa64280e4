// SPDX-License-Identifier: Apache-2.0
// A small library system that answers the JSON contract of docs/sip2-backend.md for every message:
// the demonstration of sip2-mediator --demo, and the reference for people who write a back-end.
// One thread; time is handed in.
#pragma once

#include <tandem/sip2/demo/database.hpp>
#include <tandem/sip2/protocol/date.hpp>
#include <tandem/sip2/protocol/message.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace tandem::sip2 {

/// What is answered over HTTP.
struct ils_answer {
  unsigned status = 200;
  std::string body; ///< JSON
};

class demo_ils {
 public:
  /// \param path of the SQLite file, ":memory:" for a library that is new each time. Throws
  /// std::runtime_error when it cannot be opened.
  demo_ils(const std::string& path, wall_time now);

  /// Answers one message of a session.
  /// \param json the message as the mediator sends it.
  [[nodiscard]] ils_answer handle(std::string_view session, std::string_view json, wall_time now);

  // The parts below are one handler a message; demo/*.cpp.
 private:
  struct patron {
    std::string barcode, pin, name, address, email, phone, birth, expiry, category, language;
    bool is_blocked = false;
    bool is_card_lost = false;
    std::int64_t loans = 0, overdue = 0, owed = 0; ///< owed in cents
  };
  struct item {
    std::string barcode, title, call_number, media, home, place, collection, circulation,
        properties, bin, owner;
    std::int64_t rental = 0;
    bool is_magnetic = false;
    std::string borrower; ///< empty: not on loan
    std::int64_t due = 0;
    std::int64_t renewals = 0;
    std::int64_t waiting = 0; ///< holds
  };
  /// Why something is refused; empty: it is not.
  using refusal = std::string;

  /// All of a message's changes are made, or none.
  [[nodiscard]] message answer_whole(const message& request, std::string_view session);
  [[nodiscard]] message answer(const message& request, std::string_view session);
  [[nodiscard]] message login(const message& request, std::string_view session);
  [[nodiscard]] message status(const message& request);

  [[nodiscard]] std::optional<patron> find_patron(std::string_view barcode);
  /// The card is not known, or the PIN that came with it is another. A PIN that is left out is not
  /// asked for; an empty one is another.
  [[nodiscard]] static refusal why_not_patron(const std::optional<patron>& p,
                                              const message& request);
  /// The same where a PIN is asked for (29, 65): who only knows a card keeps nothing on loan.
  [[nodiscard]] static refusal why_not_holder(const std::optional<patron>& p,
                                              const message& request);
  [[nodiscard]] std::string patron_status_of(const std::optional<patron>& p) const;
  void add_patron_basics(message& m, const message& request, const std::optional<patron>& p) const;
  [[nodiscard]] message patron_status(const message& request);
  [[nodiscard]] message patron_information(const message& request);
  [[nodiscard]] message patron_enable(const message& request);
  [[nodiscard]] message block_patron(const message& request);
  [[nodiscard]] message end_patron_session(const message& request);
  [[nodiscard]] message fee_paid(const message& request);

  /// Y, N, or U of an item that is not known.
  [[nodiscard]] static std::string_view magnetic(const std::optional<item>& i) noexcept;
  [[nodiscard]] std::optional<item> find_item(std::string_view barcode);
  [[nodiscard]] refusal why_not_lend(const patron& p, const std::optional<item>& i,
                                     const message& request);
  [[nodiscard]] refusal why_not_renew(const patron& p, const item& i);
  [[nodiscard]] message checkout(const message& request);
  [[nodiscard]] message cancel_checkout(const message& request, message m);
  void add_loan_fields(message& m, const message& request, const std::optional<item>& i) const;
  [[nodiscard]] message checkin(const message& request);
  void charge_overdue(const item& i);
  void route_returned(message& m, const item& i, std::string_view here);
  [[nodiscard]] message renew(const message& request);
  [[nodiscard]] message renew_all(const message& request);
  [[nodiscard]] message hold(const message& request);
  [[nodiscard]] refusal place_hold(message& m, const message& request, const item& i);
  [[nodiscard]] message item_information(const message& request);
  [[nodiscard]] message item_status_update(const message& request);

  [[nodiscard]] std::string today() const;
  [[nodiscard]] std::string day_of(std::int64_t when) const;

  database db_;
  std::int64_t now_ = 0; ///< of the message in progress, seconds since 1970
};

/// "12.50" of 1250.
[[nodiscard]] std::string to_money(std::int64_t cents);
/// 1250 of "12.50", "12.5" or "12"; nothing when it is no amount.
[[nodiscard]] std::optional<std::int64_t> parse_money(std::string_view text);

} // namespace tandem::sip2
