// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/effects.hpp>

#include <tandem/stack/proxy.hpp>
#include <tandem/stack/transaction_layer.hpp>

namespace tandem::stack {

void effects::drain() {
  if (is_draining_) return;
  is_draining_ = true;
  is_turn_ = true;
  while (!waiting_.empty()) {
    // Rounds: what is told in this one stays where it is while more is added.
    told_.swap(waiting_);
    for (effect& e : told_) tell(e);
    told_.clear();
  }
  is_turn_ = false;
  is_draining_ = false;
}

/// Without memory for more it is told in the room that there is: an end that nobody hears of would
/// be waited for.
void effects::tell(effect& e) {
  static_cast<void>(has_room());
  try {
    std::visit([](auto& what) { what.tell(); }, e);
  } catch (const std::bad_alloc&) {
    note_lost();
  }
}

void request_arrived::tell() {
  if (request_user* const user = to->user_of(request)) user->on_request(request, from);
}

void cancel_arrived::tell() {
  if (request_user* const user = to->user_of(cancel)) user->on_cancel(invite, cancel, from);
}

void stray_arrived::tell() {
  if (request_user* const user = to->user_of(response)) user->on_stray_response(response, from);
}

void way_lost::tell() { by->find_ways(server, via, tried); }

void call_released::tell() { by->release_next(call); }

void response_arrived::tell() { to->on_response(client, tag, response, from); }

void client_failed::tell() { to->on_failure(client, tag, reason); }

void timer_c_fired::tell() {
  to->on_timer_c(client, tag);
  by->end_ringing(client);
}

void server_failed::tell() { to->on_failure(server, tag, reason); }

void server_silent::tell() { to->on_silence(server, tag); }

void reply_arrived::tell() { by->show(branch, response, from); }

void branches_failed::tell() { by->show_failure(context); }

void context_answered::tell() { to->on_final(context, tag, status); }

void context_ended::tell() { to->on_end(context, tag); }

} // namespace tandem::stack
