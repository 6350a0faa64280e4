// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/repetition.hpp>

#include <utility>

namespace tandem::sip2 {
namespace {

/// 93 and 99 have no date in them: two different ones look the same when a terminal's AY is stuck.
bool has_date(message_code c) { return c != code::login && c != code::sc_status; }

/// Its dates are part of what it means.
bool counts_with_dates(message_code c) { return c == code::fee_paid; }

bool is_same_but_for_dates(std::string_view a, std::string_view b, const message_spec& spec) {
  if (a.size() != b.size() || a.size() < spec.fixed_width()) return false;
  std::size_t at = 0;
  for (const auto& f : spec.fixed) {
    if (f.kind != fixed_kind::date && a.substr(at, f.width) != b.substr(at, f.width)) return false;
    at += f.width;
  }
  return a.substr(at) == b.substr(at);
}

} // namespace

bool repetition::is_same_change(const envelope& e) const {
  if (e.code != code_ || body_.empty()) return false;
  if (e.body == body_) return true;
  return is_done_ && !counts_with_dates(e.code) && is_same_but_for_dates(e.body, body_, *e.spec);
}

const std::string* repetition::on_request(const envelope& e, error_detection detection,
                                          duration window, instant now) {
  const bool has_sequence =
      e.tail && !e.tail->sequence.empty() && detection != error_detection::off;
  if (has_sequence && !answer_.empty() && has_date(e.code) && e.tail->sequence == sequence_ &&
      e.tail->value == checksum_) {
    resend_request_.clear();
    return &answer_;
  }
  // One with an AY says itself whether it is a new one.
  if (!has_sequence && !answer_.empty() && now - answered_at_ < window && is_same_change(e)) {
    resend_request_.clear();
    return &answer_;
  }
  const bool is_change = e.spec && e.spec->does == effect::change;
  code_ = e.code;
  body_ = is_change ? e.body : std::string_view{};
  is_done_ = false;
  sequence_ = has_sequence ? e.tail->sequence : std::string_view{};
  checksum_ = has_sequence ? e.tail->value : 0;
  answer_.clear();
  return nullptr;
}

void repetition::on_answer(std::string bytes, bool is_done, instant now) {
  answer_ = std::move(bytes);
  is_done_ = is_done;
  answered_at_ = now;
  resend_request_.clear();
}

const std::string* repetition::last_written() const noexcept {
  if (!resend_request_.empty()) return &resend_request_;
  return answer_.empty() ? nullptr : &answer_;
}

} // namespace tandem::sip2
