// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/protocol/failure_answer.hpp>

namespace tandem::sip2 {
namespace {

constexpr std::string_view all_denied = "YYYY          "; // charge, renewal, recall and hold
constexpr std::string_view nothing_supported = "NNNNNNNNNNNNNNNN";

std::string_view or_if_empty(std::string_view value, std::string_view other) {
  return value.empty() ? other : value;
}

/// A request's fixed part that says no, in the answer's own fields.
message refusal(const message& request, std::string_view date) {
  const auto answer = request.spec()->answer;
  const auto language = or_if_empty(request.fixed_named("language"), "000");
  if (answer == code::acs_status)
    return {answer,
            {"N", "N", "N", "N", "N", "N", "000", "000", date,
             or_if_empty(request.fixed_named("protocol version"), "2.00")}};
  if (answer == code::patron_status_response || answer == code::patron_enable_response)
    return {answer, {all_denied, language, date}};
  if (answer == code::patron_information_response)
    return {answer, {all_denied, language, date, "0000", "0000", "0000", "0000", "0000", "0000"}};
  if (answer == code::checkout_response || answer == code::renew_response)
    return {answer, {"0", "N", "U", "N", date}};
  if (answer == code::checkin_response) return {answer, {"0", "N", "U", "N", date}};
  if (answer == code::hold_response) return {answer, {"0", "N", date}};
  if (answer == code::item_information_response) return {answer, {"01", "01", "01", date}};
  if (answer == code::item_status_update_response) return {answer, {"0", date}};
  if (answer == code::end_session_response || answer == code::fee_paid_response)
    return {answer, {"N", date}};
  if (answer == code::renew_all_response) return {answer, {"0", "0000", "0000", date}};
  return message{answer}; // 94: the blank of its flag is 0
}

} // namespace

message failure_answer(const message& request, std::string_view date, std::string_view text) {
  const auto* spec = request.spec();
  if (!spec || !find_message(spec->answer)) return {};
  auto answer = refusal(request, date);
  const auto* answer_spec = answer.spec();
  for (std::string_view ids = answer_spec->required; ids.size() >= 2;
       ids.remove_prefix(ids.size() > 3 ? 3 : ids.size())) {
    const auto id = field_id::of(ids);
    answer.add(id, id == field_id{"BX"} ? nothing_supported : request.value(id));
  }
  if (answer_spec->optional.find("BL") != std::string_view::npos) answer.add(field_id{"BL"}, "N");
  if (answer_spec->optional.find("AF") != std::string_view::npos)
    answer.add_if(field_id{"AF"}, text);
  return answer;
}

bool complete_fixed(message& answer, std::string_view date) {
  const auto* spec = answer.spec();
  if (!spec) return false;
  const auto width = spec->fixed_width();
  const bool lacks_date = !spec->fixed.empty() && spec->fixed.back().kind == fixed_kind::date &&
                          answer.fixed.size() + spec->fixed.back().width == width;
  if (lacks_date) answer.fixed += date;
  return answer.fixed.size() == width;
}

void add_required(message& answer) {
  const auto* spec = answer.spec();
  if (!spec) return;
  for (std::string_view ids = spec->required; ids.size() >= 2;
       ids.remove_prefix(ids.size() > 3 ? 3 : ids.size()))
    if (const auto id = field_id::of(ids); !answer.has(id)) answer.add(id, {});
}

} // namespace tandem::sip2
