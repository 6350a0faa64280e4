// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/client/requests.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace tandem::sip2 {
namespace {

std::string today() { return format_date(std::chrono::system_clock::now()); }

/// Adds the basics that the table knows for the message; fields go out sorted by id.
message finish(message m, const request_basics& b) {
  const auto* spec = m.spec();
  const auto takes = [spec](std::string_view list, std::string_view id) {
    return spec && list.find(id) != std::string_view::npos;
  };
  const std::pair<const char*, std::string_view> basics[] = {{"AO", b.institution},
                                                             {"AA", b.patron},
                                                             {"AB", b.item},
                                                             {"AC", b.terminal_password},
                                                             {"AD", b.patron_password}};
  for (const auto& [id, value] : basics)
    if ((spec && takes(spec->required, id) && std::string_view{id} != "AC" &&
         std::string_view{id} != "AD") ||
        (spec && (takes(spec->required, id) || takes(spec->optional, id)) && !value.empty()))
      m.add(field_id::of(id), value);
  std::ranges::stable_sort(m.fields, {}, &field::id);
  return m;
}

} // namespace

message make_login(std::string_view user, std::string_view password, std::string_view location) {
  message m{code::login, {"0", "0"}};
  m.add(field_id{"CN"}, user).add(field_id{"CO"}, password).add_if(field_id{"CP"}, location);
  return m;
}

message make_sc_status(unsigned width, std::string_view version) {
  return {code::sc_status, {"0", fmt::format("{:03}", std::min(width, 999U)), version}};
}

message make_resend_request() { return message{code::request_acs_resend}; }

message make_patron_status(const request_basics& b) {
  return finish({code::patron_status, {"000", today()}}, b);
}

message make_patron_information(const request_basics& b, std::string_view summary) {
  return finish({code::patron_information, {"000", today(), summary}}, b);
}

message make_patron_enable(const request_basics& b) {
  return finish({code::patron_enable, {today()}}, b);
}

message make_block_patron(const request_basics& b, std::string_view text) {
  message m{code::block_patron, {"N", today()}};
  m.add(field_id{"AL"}, text);
  return finish(std::move(m), b);
}

message make_end_patron_session(const request_basics& b) {
  return finish({code::end_patron_session, {today()}}, b);
}

message make_item_information(const request_basics& b) {
  return finish({code::item_information, {today()}}, b);
}

message make_item_status_update(const request_basics& b, std::string_view properties) {
  message m{code::item_status_update, {today()}};
  m.add(field_id{"CH"}, properties);
  return finish(std::move(m), b);
}

message make_checkout(const request_basics& b) {
  const auto date = today();
  return finish({code::checkout, {"N", "N", date, date}}, b);
}

message make_checkin(const request_basics& b, std::string_view location) {
  const auto date = today();
  message m{code::checkin, {"N", date, date}};
  m.add_if(field_id{"AP"}, location);
  return finish(std::move(m), b);
}

message make_renew(const request_basics& b) {
  const auto date = today();
  return finish({code::renew, {"Y", "N", date, date}}, b);
}

message make_renew_all(const request_basics& b) { return finish({code::renew_all, {today()}}, b); }

message make_hold(const request_basics& b, hold_mode mode, std::string_view pickup_location) {
  const char sign = static_cast<char>(mode);
  message m{code::hold, {std::string_view{&sign, 1}, today()}};
  m.add_if(field_id{"BS"}, pickup_location);
  return finish(std::move(m), b);
}

message make_fee_paid(const request_basics& b, const payment& p) {
  message m{code::fee_paid, {today(), p.fee_type, p.payment_type, p.currency}};
  m.add(field_id{"BV"}, p.amount).add_if(field_id{"CG"}, p.fee_identifier);
  m.add_if(field_id{"BK"}, p.transaction);
  return finish(std::move(m), b);
}

bool says_ok(const message& answer) {
  const auto first = answer.fixed.empty() ? ' ' : answer.fixed.front();
  const auto c = answer.code;
  if (c == code::patron_status_response || c == code::patron_information_response ||
      c == code::patron_enable_response)
    return answer.value(field_id{"BL"}) != "N" && answer.value(field_id{"CQ"}) != "N";
  if (c == code::item_information_response) return !answer.value(field_id{"AJ"}).empty();
  if (c == code::acs_status) return first == 'Y';
  if (c == code::request_sc_resend) return false;
  return first == '1' || first == 'Y';
}

} // namespace tandem::sip2
