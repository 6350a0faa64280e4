// SPDX-License-Identifier: Apache-2.0
// Programs that wait, and what waits for them (transaction_layer::suspend, resume).
#include <tandem/stack/suspension.hpp>

#include <tandem/sip/headers.hpp>
#include <tandem/sip/response_writer.hpp>
#include <tandem/stack/transaction_key.hpp>
#include <tandem/stack/via_rules.hpp>
#include <tandem/stack/wire.hpp>

#include <algorithm>

namespace tandem::stack {

held_request::held_request(sip::message& held, const arrival& arrived) : from{arrived} {
  // As it came, so that a program which runs for it later sees it so; its Via is completed again.
  auto copy = sip::message::parse(held.received_bytes());
  if (copy) stamp_top_via(*copy, arrived.source);
  request = copy ? std::move(*copy) : std::move(held);
}

void suspension::hold_cancel(sip::message& request, const arrival& from) {
  if (!cancel) cancel.emplace(request, from);
}

result<server_handle, transaction_errc> transaction_layer::suspend(const sip::message& request,
                                                                   const arrival& from,
                                                                   server_user& user,
                                                                   user_tag tag) {
  const auto keys = keys_of(request, from);
  if (!keys) return fail(transaction_errc::bad_branch);
  if (suspended_ >= limits_.suspended) {
    ++counters_.refused;
    return fail(transaction_errc::full);
  }
  server_handle h = server_keys_.find(keys->own);
  if (!h) {
    const auto added = add_server(request, keys->own, from, user, tag);
    if (!added) return added;
    h = *added;
    servers_.find(h)->is_reserved_ = true;
  }
  server_transaction* const found = servers_.find(h);
  if (!found || found->suspension_) return fail(transaction_errc::exists);
  server_transaction& s = *found;
  s.suspension_ = std::make_unique<suspension>();
  s.suspension_->call = call_key(request, secret_);
  auto& call = waiting_[s.suspension_->call];
  if (!call) call = std::make_unique<waiting_call>();
  ++call->programs;
  ++suspended_;
  return h;
}

void transaction_layer::resume(server_handle server) {
  server_transaction* s = servers_.find(server);
  if (!s || !s->suspension_) return;
  const std::unique_ptr<suspension> ended = std::move(s->suspension_);
  --suspended_;
  const bool is_forgotten = s->is_reserved_ || s->state_ == transaction_state::terminated;
  if (is_forgotten) end(*s);
  if (const auto call = waiting_.find(ended->call); call != waiting_.end())
    --call->second->programs;
  if (ended->cancel) {
    held_request& cancel = *ended->cancel;
    if (is_forgotten)
      core_->on_request(cancel.request, cancel.from);
    else
      core_->on_cancel(server, cancel.request, cancel.from);
  }
  run_waiting(ended->call);
}

bool transaction_layer::wait(std::uint64_t call, std::uint64_t key, sip::message& request,
                             const arrival& from) {
  const auto found = waiting_.find(call);
  if (found == waiting_.end()) return false;
  auto& requests = found->second->requests;
  const bool is_copy = std::any_of(requests.begin(), requests.end(),
                                   [&](const held_request& r) { return r.from.keys.own == key; });
  if (is_copy) {
    ++counters_.absorbed;
  } else if (requests.size() < limits_.waiting_per_call) {
    requests.emplace_back(request, from);
  } else {
    ++counters_.refused;
    refuse(request, from);
  }
  return true;
}

void transaction_layer::run_waiting(std::uint64_t call) {
  // One after the other, until one of them suspends in its turn.
  for (auto found = waiting_.find(call); found != waiting_.end() && found->second->programs == 0;
       found = waiting_.find(call)) {
    auto& requests = found->second->requests;
    if (requests.empty()) {
      waiting_.erase(found);
      return;
    }
    held_request next = std::move(requests.front());
    requests.pop_front();
    // Its transaction may be there by now, and a CANCEL finds the INVITE that went before it.
    if (!absorb(next.from.keys, next.request, next.from))
      core_->on_request(next.request, next.from);
  }
}

void transaction_layer::refuse(const sip::message& request, const arrival& from) {
  const auto via = request.get<sip::hdr::via>();
  if (!via) return;
  sip::response_writer answer{request, 503, {}, tag_for(request).view()};
  answer.add(sip::header_id::retry_after, "1");
  if (auto written = answer.finish())
    out_.send(response_target(*via, from), to_wire(std::move(*written)), {});
}

} // namespace tandem::stack
