// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/relay_exchange.hpp>

#include <tandem/sip2/protocol/failure_answer.hpp>
#include <tandem/sip2/protocol/json.hpp>

#include <utility>

namespace tandem::sip2 {

relay_answer read_relay_answer(const message& request, std::string_view body, const profile& p,
                               const std::string& pointer, std::string_view date) {
  relay_answer out;
  json_notes notes;
  auto m = from_json(body, {p.nulls, p.order, pointer}, &notes);
  if (!m)
    out.fault = to_text(m.error());
  else if (m->code != request.spec()->answer)
    out.fault = "its code is not that of the answer to the request";
  else if (notes.long_fixed)
    out.fault = "its fixed fields are too long";
  else if (notes.wrong_number)
    out.fault = "a fixed field has a number that it cannot hold";
  else if (!complete_fixed(*m, date))
    out.fault = "its fixed fields are too short";
  if (!out.fault.empty()) return out;
  if (notes.null_fixed)
    out.remark = "a fixed field that is null";
  else if (notes.odd_field)
    out.remark = "malformed fields";
  drop_error_detection(*m);
  apply_to_answer(*m, p);
  out.content = std::move(*m);
  return out;
}

message refuse_relay(const message& request, const profile& p, std::string_view text,
                     std::string_view date) {
  if (request.code == code::end_session) return message{code::end_session_done};
  auto m = failure_answer(request, date, text);
  apply_to_answer(m, p);
  return m;
}

std::string_view screen_text(const backend_error& error, const profile& p) noexcept {
  const bool has_answered =
      error.kind == backend_failure::status || error.kind == backend_failure::bad_answer;
  return has_answered ? p.refused_text : p.offline_text;
}

void count_failure(terminal_counters& counters, const backend_error& error) noexcept {
  ++counters.failures;
  const auto kind = static_cast<std::size_t>(error.kind);
  if (kind < counters.backend_failures.size()) ++counters.backend_failures[kind];
}

} // namespace tandem::sip2
