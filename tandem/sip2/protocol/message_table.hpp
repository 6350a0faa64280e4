// SPDX-License-Identifier: Apache-2.0
// The messages of SIP2 as data: 3M Standard Interchange Protocol 2.00 (document revision 2.12).
// Constant tables, any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string_view>

namespace tandem::sip2 {

/// Two characters that name something on the wire; Tag keeps messages and fields apart.
template <typename Tag>
struct two_chars {
  char first = ' ';
  char second = ' ';

  constexpr two_chars() noexcept = default;
  constexpr two_chars(char a, char b) noexcept : first{a}, second{b} {}
  constexpr explicit two_chars(const char (&text)[3]) noexcept : first{text[0]}, second{text[1]} {}

  /// The first two bytes of `text`, which must have them.
  [[nodiscard]] static constexpr two_chars of(std::string_view text) noexcept {
    return {text[0], text[1]};
  }
  /// A view of the two bytes; lives as long as this object.
  [[nodiscard]] constexpr std::string_view text() const noexcept { return {&first, 2}; }
  /// Both characters can stand on the wire: printable ASCII, no blank.
  [[nodiscard]] constexpr bool is_printable() const noexcept {
    return first > ' ' && first < 0x7f && second > ' ' && second < 0x7f;
  }
  friend constexpr bool operator==(const two_chars&, const two_chars&) noexcept = default;
  friend constexpr auto operator<=>(const two_chars& a, const two_chars& b) noexcept {
    return a.first != b.first ? a.first <=> b.first : a.second <=> b.second;
  }
};

using message_code = two_chars<struct message_code_tag>;
using field_id = two_chars<struct field_id_tag>;

/// The codes by name, requests and answers.
struct code {
  static constexpr message_code block_patron{"01"};
  static constexpr message_code checkin{"09"};
  static constexpr message_code checkin_response{"10"};
  static constexpr message_code checkout{"11"};
  static constexpr message_code checkout_response{"12"};
  static constexpr message_code hold{"15"};
  static constexpr message_code hold_response{"16"};
  static constexpr message_code item_information{"17"};
  static constexpr message_code item_information_response{"18"};
  static constexpr message_code item_status_update{"19"};
  static constexpr message_code item_status_update_response{"20"};
  static constexpr message_code patron_status{"23"};
  static constexpr message_code patron_status_response{"24"};
  static constexpr message_code patron_enable{"25"};
  static constexpr message_code patron_enable_response{"26"};
  static constexpr message_code renew{"29"};
  static constexpr message_code renew_response{"30"};
  static constexpr message_code end_patron_session{"35"};
  static constexpr message_code end_session_response{"36"};
  static constexpr message_code fee_paid{"37"};
  static constexpr message_code fee_paid_response{"38"};
  static constexpr message_code patron_information{"63"};
  static constexpr message_code patron_information_response{"64"};
  static constexpr message_code renew_all{"65"};
  static constexpr message_code renew_all_response{"66"};
  static constexpr message_code login{"93"};
  static constexpr message_code login_response{"94"};
  static constexpr message_code request_sc_resend{"96"};
  static constexpr message_code request_acs_resend{"97"};
  static constexpr message_code acs_status{"98"};
  static constexpr message_code sc_status{"99"};
  /// Between mediator and back-end only, never on the wire: the terminal has gone.
  static constexpr message_code end_session{"XS"};
  static constexpr message_code end_session_done{"XT"};
};

/// What may stand in a fixed field; decides its blank value and its label.
enum class fixed_kind : std::uint8_t {
  flag,           ///< 0 or 1
  yes_no,         ///< Y or N
  yes_no_unknown, ///< Y, N or U
  date,           ///< 18 characters
  language,       ///< 3 digits
  count,          ///< 4 digits, or blanks when unknown
  number,         ///< digits
  limit,          ///< digits, 999 when unknown
  patron_status,  ///< 14 times Y or blank
  summary,        ///< 10 times Y or blank
  circulation,    ///< circulation status
  security,       ///< security marker
  fee_type,       ///< 2 digits
  payment_type,   ///< 2 digits
  currency,       ///< ISO 4217
  hold_mode,      ///< + - *
  algorithm,      ///< 0: not encrypted
  sc_status_code, ///< 0 ok, 1 no paper, 2 shutting down
  version,        ///< 1.00 or 2.00
};

struct fixed_field {
  std::string_view name;
  std::uint8_t width;
  fixed_kind kind;
};

enum class direction : std::uint8_t { to_acs, to_sc, backend_only };

/// What a request does to the library, which decides whether it may be sent a second time.
enum class effect : std::uint8_t {
  none,    ///< it only asks: another server may be asked the same
  session, ///< it concerns the session of the terminal or of its patron
  change,  ///< it lends, takes back, pays: once sent it may have been executed, and is never sent
           ///< again, not even elsewhere
};

/// A row of the table of messages.
struct message_spec {
  message_code code;
  std::string_view name;
  direction way;
  bool since_2_00; ///< not in protocol 1.00
  std::span<const fixed_field> fixed;
  std::string_view required;  ///< field ids, separated by blanks
  std::string_view optional;  ///< the same; what the standard and the field know
  message_code answer;        ///< of a request; blanks otherwise
  std::uint8_t supported;     ///< position in BX, 255: none
  effect does = effect::none; ///< of a request

  /// Bytes of all fixed fields together, the code apart.
  [[nodiscard]] constexpr std::size_t fixed_width() const noexcept {
    std::size_t sum = 0;
    for (const auto& f : fixed) sum += f.width;
    return sum;
  }
};

/// All messages, by code.
[[nodiscard]] std::span<const message_spec> all_messages() noexcept;

/// The row of a code, null when the protocol has none. Static storage.
[[nodiscard]] const message_spec* find_message(message_code code) noexcept;

} // namespace tandem::sip2
