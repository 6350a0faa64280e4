// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/repetition.hpp>

#include <utility>

namespace tandem::sip2 {
namespace {

/// 93 and 99 have no date in them: two different ones look the same when a terminal's AY is stuck.
bool has_date(message_code c) { return c != code::login && c != code::sc_status; }

} // namespace

const std::string* repetition::on_request(const envelope& e, error_detection detection) {
  const bool has_sequence =
      e.tail && !e.tail->sequence.empty() && detection != error_detection::off;
  if (has_sequence && !answer_.empty() && has_date(e.code) && e.tail->sequence == sequence_ &&
      e.tail->value == checksum_) {
    resend_request_.clear();
    return &answer_;
  }
  sequence_ = has_sequence ? e.tail->sequence : std::string_view{};
  checksum_ = has_sequence ? e.tail->value : 0;
  answer_.clear();
  return nullptr;
}

void repetition::on_answer(std::string bytes) {
  answer_ = std::move(bytes);
  resend_request_.clear();
}

const std::string* repetition::last_written() const noexcept {
  if (!resend_request_.empty()) return &resend_request_;
  return answer_.empty() ? nullptr : &answer_;
}

} // namespace tandem::sip2
