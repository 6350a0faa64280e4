// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/protocol/message_table.hpp>

#include <array>

namespace tandem::sip2 {
namespace {

using k = fixed_kind;

constexpr fixed_field date{"transaction date", 18, k::date};
constexpr fixed_field ok{"ok", 1, k::flag};
constexpr fixed_field no_block{"no block", 1, k::yes_no};
constexpr fixed_field due{"nb due date", 18, k::date};
constexpr fixed_field media{"magnetic media", 1, k::yes_no_unknown};
constexpr fixed_field status{"patron status", 14, k::patron_status};
constexpr fixed_field language{"language", 3, k::language};
constexpr fixed_field fee{"fee type", 2, k::fee_type};

constexpr std::array date_only{date};
constexpr std::array block_patron{fixed_field{"card retained", 1, k::yes_no}, date};
constexpr std::array checkin{no_block, date, fixed_field{"return date", 18, k::date}};
constexpr std::array checkin_response{ok, fixed_field{"resensitize", 1, k::yes_no}, media,
                                      fixed_field{"alert", 1, k::yes_no}, date};
constexpr std::array checkout{fixed_field{"SC renewal policy", 1, k::yes_no}, no_block, date, due};
constexpr std::array checkout_response{ok, fixed_field{"renewal ok", 1, k::yes_no}, media,
                                       fixed_field{"desensitize", 1, k::yes_no_unknown}, date};
constexpr std::array hold{fixed_field{"hold mode", 1, k::hold_mode}, date};
constexpr std::array hold_response{ok, fixed_field{"available", 1, k::yes_no}, date};
constexpr std::array item_response{fixed_field{"circulation status", 2, k::circulation},
                                   fixed_field{"security marker", 2, k::security}, fee, date};
constexpr std::array update_response{fixed_field{"item properties ok", 1, k::flag}, date};
constexpr std::array patron_status{language, date};
constexpr std::array patron_response{status, language, date};
constexpr std::array renew{fixed_field{"third party allowed", 1, k::yes_no}, no_block, date, due};
constexpr std::array end_response{fixed_field{"end session", 1, k::yes_no}, date};
constexpr std::array fee_paid{date, fee, fixed_field{"payment type", 2, k::payment_type},
                              fixed_field{"currency type", 3, k::currency}};
constexpr std::array fee_response{fixed_field{"payment accepted", 1, k::yes_no}, date};
constexpr std::array information{language, date, fixed_field{"summary", 10, k::summary}};
constexpr std::array information_response{status,
                                          language,
                                          date,
                                          fixed_field{"hold items count", 4, k::count},
                                          fixed_field{"overdue items count", 4, k::count},
                                          fixed_field{"charged items count", 4, k::count},
                                          fixed_field{"fine items count", 4, k::count},
                                          fixed_field{"recall items count", 4, k::count},
                                          fixed_field{"unavailable holds count", 4, k::count}};
constexpr std::array renew_all_response{ok, fixed_field{"renewed count", 4, k::count},
                                        fixed_field{"unrenewed count", 4, k::count}, date};
constexpr std::array login{fixed_field{"UID algorithm", 1, k::algorithm},
                           fixed_field{"PWD algorithm", 1, k::algorithm}};
constexpr std::array login_response{ok};
constexpr std::array acs_status{
    fixed_field{"on-line status", 1, k::yes_no},   fixed_field{"checkin ok", 1, k::yes_no},
    fixed_field{"checkout ok", 1, k::yes_no},      fixed_field{"ACS renewal policy", 1, k::yes_no},
    fixed_field{"status update ok", 1, k::yes_no}, fixed_field{"off-line ok", 1, k::yes_no},
    fixed_field{"timeout period", 3, k::limit},    fixed_field{"retries allowed", 3, k::limit},
    fixed_field{"date/time sync", 18, k::date},    fixed_field{"protocol version", 4, k::version}};
constexpr std::array sc_status{fixed_field{"status code", 1, k::sc_status_code},
                               fixed_field{"max print width", 3, k::number},
                               fixed_field{"protocol version", 4, k::version}};

constexpr auto acs = direction::to_acs;
constexpr auto sc = direction::to_sc;
constexpr auto inner = direction::backend_only;
constexpr message_code none{};

// In the order of their codes, which find_message relies on.
constexpr message_spec table[] = {
    {code::block_patron, "Block Patron", acs, false, block_patron, "AO AL AA AC", "",
     code::patron_status_response, 3, effect::change},
    {code::checkin, "Checkin Request", acs, false, checkin, "AP AO AB AC", "CH BI",
     code::checkin_response, 2, effect::change},
    {code::checkin_response, "Checkin Response", sc, false, checkin_response, "AO AB AQ",
     "AJ CL AA CK CH AF AG CR CS CT CV CY DA", none, 255},
    {code::checkout, "Checkout Request", acs, false, checkout, "AO AA AB AC", "AD CH BO BI",
     code::checkout_response, 1, effect::change},
    {code::checkout_response, "Checkout Response", sc, false, checkout_response, "AO AA AB AJ AH",
     "BT CI BH BV CK CH BK AF AG", none, 255},
    {code::hold, "Hold Request", acs, true, hold, "AO AA", "BW BS BY AD AB AJ AC BO",
     code::hold_response, 13, effect::change},
    {code::hold_response, "Hold Response", sc, true, hold_response, "AO AA", "BW BR BS AB AJ AF AG",
     none, 255},
    {code::item_information, "Item Information Request", acs, true, date_only, "AO AB", "AC",
     code::item_information_response, 10},
    {code::item_information_response, "Item Information Response", sc, true, item_response, "AB AJ",
     "CF AH CJ CM BG BH BV CK AQ AP CH AF AG CR CS CT CY DA", none, 255},
    {code::item_status_update, "Item Status Update Request", acs, true, date_only, "AO AB CH", "AC",
     code::item_status_update_response, 11, effect::change},
    {code::item_status_update_response, "Item Status Update Response", sc, true, update_response,
     "AB", "AJ CH AF AG", none, 255},
    {code::patron_status, "Patron Status Request", acs, false, patron_status, "AO AA AC AD", "",
     code::patron_status_response, 0},
    {code::patron_status_response, "Patron Status Response", sc, false, patron_response, "AO AA AE",
     "BL CQ BH BV AF AG", none, 255},
    {code::patron_enable, "Patron Enable Request", acs, true, date_only, "AO AA", "AC AD",
     code::patron_enable_response, 12, effect::change},
    {code::patron_enable_response, "Patron Enable Response", sc, true, patron_response, "AO AA AE",
     "BL CQ AF AG", none, 255},
    {code::renew, "Renew Request", acs, true, renew, "AO AA", "AD AB AJ AC CH BO",
     code::renew_response, 14, effect::change},
    {code::renew_response, "Renew Response", sc, true, checkout_response, "AO AA AB AJ AH",
     "BT CI BH BV CK CH BK AF AG", none, 255},
    {code::end_patron_session, "End Patron Session", acs, true, date_only, "AO AA", "AC AD",
     code::end_session_response, 8, effect::session},
    {code::end_session_response, "End Session Response", sc, true, end_response, "AO AA", "AF AG",
     none, 255},
    {code::fee_paid, "Fee Paid Request", acs, true, fee_paid, "BV AO AA", "AC AD CG BK",
     code::fee_paid_response, 9, effect::change},
    {code::fee_paid_response, "Fee Paid Response", sc, true, fee_response, "AO AA", "BK AF AG",
     none, 255},
    {code::patron_information, "Patron Information Request", acs, true, information, "AO AA",
     "AC AD BP BQ", code::patron_information_response, 7},
    {code::patron_information_response, "Patron Information Response", sc, true,
     information_response, "AO AA AE",
     "BZ CA CB BL CQ BH BV CC AS AT AU AV BU CD BD BE BF AF AG PA PB PC PI AQ XI", none, 255},
    {code::renew_all, "Renew All Request", acs, true, date_only, "AO AA", "AD AC BO",
     code::renew_all_response, 15, effect::change},
    {code::renew_all_response, "Renew All Response", sc, true, renew_all_response, "AO",
     "BM BN AF AG", none, 255},
    {code::login, "Login Request", acs, true, login, "CN CO", "CP", code::login_response, 6,
     effect::session},
    {code::login_response, "Login Response", sc, true, login_response, "", "", none, 255},
    {code::request_sc_resend, "Request SC Resend", sc, false, {}, "", "", none, 255},
    {code::request_acs_resend, "Request ACS Resend", acs, false, {}, "", "", none, 5},
    {code::acs_status, "ACS Status", sc, false, acs_status, "AO BX", "AM AN AF AG", none, 255},
    {code::sc_status, "SC Status", acs, false, sc_status, "", "", code::acs_status, 4},
    {code::end_session,
     "End Session",
     inner,
     true,
     {},
     "",
     "",
     code::end_session_done,
     255,
     effect::session},
    {code::end_session_done, "End Session Response", inner, true, {}, "", "", none, 255},
};

// One lookup table for the 100 numeric codes; XS and XT come last.
constexpr auto make_index() {
  std::array<std::uint8_t, 100> index{};
  index.fill(255);
  for (std::size_t i = 0; i < std::size(table); ++i)
    if (table[i].way != inner)
      index[static_cast<std::size_t>((table[i].code.first - '0') * 10 + table[i].code.second -
                                     '0')] = static_cast<std::uint8_t>(i);
  return index;
}
constexpr auto by_number = make_index();

} // namespace

std::span<const message_spec> all_messages() noexcept { return table; }

const message_spec* find_message(message_code wanted) noexcept {
  const auto tens = static_cast<unsigned>(wanted.first - '0');
  const auto ones = static_cast<unsigned>(wanted.second - '0');
  if (tens <= 9 && ones <= 9) {
    const auto row = by_number[tens * 10 + ones];
    return row == 255 ? nullptr : &table[row];
  }
  if (wanted == code::end_session) return &table[std::size(table) - 2];
  if (wanted == code::end_session_done) return &table[std::size(table) - 1];
  return nullptr;
}

} // namespace tandem::sip2
