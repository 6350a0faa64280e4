// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/relay_exchange.hpp>

#include <tandem/sip2/protocol/failure_answer.hpp>

#include <fmt/format.h>
#include <utility>

namespace tandem::sip2 {
namespace {

constexpr std::string_view unsure = "; it may have been executed and is not sent again: check";

} // namespace

relay_answer take_relay_answer(const message& request, const backend_answer& said, const profile& p,
                               std::string_view date) {
  relay_answer out;
  const json_notes& notes = said.notes;
  message m = said.content;
  if (m.code != request.spec()->answer)
    out.fault = "its code is not that of the answer to the request";
  else if (notes.long_fixed)
    out.fault = "its fixed fields are too long";
  else if (notes.wrong_number)
    out.fault = "a fixed field has a number that it cannot hold";
  else if (!complete_fixed(m, date))
    out.fault = "its fixed fields are too short";
  if (!out.fault.empty()) return out;
  if (notes.null_fixed)
    out.remark = "a fixed field that is null";
  else if (notes.odd_field)
    out.remark = "malformed fields";
  drop_error_detection(m);
  apply_to_answer(m, p);
  out.content = std::move(m);
  return out;
}

message refuse_relay(const message& request, const profile& p, std::string_view text,
                     std::string_view date) {
  if (request.code == code::end_session) return message{code::end_session_done};
  auto m = failure_answer(request, date, text);
  apply_to_answer(m, p);
  return m;
}

std::string_view screen_text(message_code failed, const backend_error& error,
                             const profile& p) noexcept {
  if (may_have_been_executed(failed, error.kind)) return p.unsure_text;
  const bool has_answered = error.kind == backend_failure::status ||
                            error.kind == backend_failure::bad_answer ||
                            error.kind == backend_failure::unusable;
  return has_answered ? p.refused_text : p.offline_text;
}

std::string explain_failure(message_code failed, const backend_error& error) {
  if (error.kind == backend_failure::unusable)
    return fmt::format("the back-end's answer to {} is unusable: {}{}", failed.text(), error.detail,
                       may_have_been_executed(failed, error.kind) ? unsure : "");
  return fmt::format("no answer to {} from the back-end: {} {}{}{}{}", failed.text(),
                     to_text(error.kind), error.status ? std::to_string(error.status) : "",
                     error.detail.empty() ? "" : ": ", error.detail,
                     may_have_been_executed(failed, error.kind) ? unsure : "");
}

void count_failure(terminal_counters& counters, const backend_error& error) noexcept {
  ++counters.failures;
  if (error.kind == backend_failure::unusable) ++counters.bad_answers;
  const auto kind = static_cast<std::size_t>(error.kind);
  if (kind < counters.backend_failures.size()) ++counters.backend_failures[kind];
}

} // namespace tandem::sip2
