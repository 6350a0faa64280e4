// SPDX-License-Identifier: Apache-2.0
// The requests of a terminal, ready made: fixed fields, required fields, the present date. What is
// left empty of an optional field is left out. Pure but for the clock, any thread.
#pragma once

#include <tandem/sip2/protocol/date.hpp>
#include <tandem/sip2/protocol/message.hpp>

#include <string>
#include <string_view>

namespace tandem::sip2 {

/// What several requests have in common.
struct request_basics {
  std::string institution;       ///< AO
  std::string patron;            ///< AA, a barcode
  std::string patron_password;   ///< AD, a PIN; left out when empty
  std::string terminal_password; ///< AC; left out when empty
  std::string item;              ///< AB, a barcode
};

enum class hold_mode : char { add = '+', remove = '-', change = '*' };

[[nodiscard]] message make_login(std::string_view user, std::string_view password,
                                 std::string_view location = {});
/// \param width of the printer in characters.
[[nodiscard]] message make_sc_status(unsigned width = 999, std::string_view version = "2.00");
[[nodiscard]] message make_resend_request();
[[nodiscard]] message make_patron_status(const request_basics& b);
/// \param summary ten characters, at most one of them Y.
[[nodiscard]] message make_patron_information(const request_basics& b,
                                              std::string_view summary = {});
[[nodiscard]] message make_patron_enable(const request_basics& b);
[[nodiscard]] message make_block_patron(const request_basics& b, std::string_view text);
[[nodiscard]] message make_end_patron_session(const request_basics& b);
[[nodiscard]] message make_item_information(const request_basics& b);
[[nodiscard]] message make_item_status_update(const request_basics& b, std::string_view properties);
[[nodiscard]] message make_checkout(const request_basics& b);
/// \param location AP, where the item is taken back.
[[nodiscard]] message make_checkin(const request_basics& b, std::string_view location);
[[nodiscard]] message make_renew(const request_basics& b);
[[nodiscard]] message make_renew_all(const request_basics& b);
[[nodiscard]] message make_hold(const request_basics& b, hold_mode mode,
                                std::string_view pickup_location = {});

struct payment {
  std::string amount;              ///< BV: 12.50
  std::string fee_identifier;      ///< CG
  std::string fee_type = "01";     ///< 01 other
  std::string payment_type = "00"; ///< 00 cash
  std::string currency = "USD";
  std::string transaction; ///< BK
};
[[nodiscard]] message make_fee_paid(const request_basics& b, const payment& p);

/// The answer says that what was asked for was done: ok, end session Y, payment accepted Y; a
/// patron must be valid, an item known. Answers that say neither count as good.
[[nodiscard]] bool says_ok(const message& answer);

} // namespace tandem::sip2
