// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/stateless_answer.hpp>

#include <tandem/base/decimal.hpp>
#include <tandem/sip/message.hpp>
#include <tandem/stack/transaction_key.hpp>
#include <tandem/stack/via_rules.hpp>
#include <tandem/stack/wire.hpp>

namespace tandem::stack {

bool is_answered(const sip::message& request) noexcept {
  return request.is_request() && request.method() != sip::method::ack;
}

sip::response_writer begin_answer(const sip::message& request, int status, std::string_view reason,
                                  const hash_key& secret) {
  if (status <= 100 || !request.to_tag().empty()) return {request, status, reason};
  return {request, status, reason, local_tag_of(request, secret).view()};
}

void add_retry_after(sip::response_writer& made, duration wait) {
  made.add(sip::header_id::retry_after,
           decimal{static_cast<std::uint64_t>(wait / seconds{1})}.view());
}

wire_message finish_answer(sip::response_writer& made, const sip::message& request,
                           const arrival& from, const hash_key& secret) {
  auto written = made.finish();
  const std::size_t limit = answer_limit(request.received_bytes().size(), from.transport);
  if (written && written->second > limit) {
    // What lacks some of its lines would say something else: a success becomes an error.
    made = made.status() < 300 ? begin_answer(request, 500, "Answer Too Large", secret)
                               : begin_answer(request, made.status(), {}, secret);
    written = made.finish();
  }
  return written ? to_wire(std::move(*written)) : wire_message{};
}

answer_fate send_stateless(outbox& out, const sip::message& request, const arrival& from,
                           const wire_message& answer) {
  if (!is_answered(request)) return answer_fate::not_owed;
  const auto to = answer_target(request, from);
  if (!answer || !to) return answer_fate::impossible;
  out.send(*to, answer, {});
  return answer_fate::sent;
}

answer_fate answer_stateless(outbox& out, const sip::message& request, const arrival& from,
                             int status, std::string_view reason, const hash_key& secret,
                             std::optional<duration> retry_after) {
  if (!is_answered(request)) return answer_fate::not_owed;
  auto made = begin_answer(request, status, reason, secret);
  if (retry_after) add_retry_after(made, *retry_after);
  return send_stateless(out, request, from, finish_answer(made, request, from, secret));
}

} // namespace tandem::stack
