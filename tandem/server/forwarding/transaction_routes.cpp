// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/forwarding/transaction_routes.hpp>

#include <new>
#include <utility>

namespace tandem::server {

namespace {

/// Responses to both look the same: what a response repeats of a request (RFC 3261 8.2.6) is the
/// same in both.
bool are_answered_alike(const sip::message& a, const sip::message& b) {
  static constexpr sip::header_set repeated{sip::header_id::via,  sip::header_id::from,
                                            sip::header_id::to,   sip::header_id::call_id,
                                            sip::header_id::cseq, sip::header_id::timestamp};
  const auto next = [](const sip::message& of, std::size_t& i) -> std::string_view {
    while (i < of.header_count())
      if (repeated.has(of.id(i++))) return of.value(i - 1);
    return {};
  };
  std::size_t of_a = 0;
  std::size_t of_b = 0;
  for (;;) {
    const std::string_view one = next(a, of_a);
    const std::string_view other = next(b, of_b);
    // Clones share the lines that nobody has changed.
    const bool is_shared = one.data() == other.data() && one.size() == other.size();
    if (!is_shared && one != other) return false;
    if (one.data() == nullptr) return true;
  }
}

} // namespace

// ---- the transaction

bool transaction_routes::make_transaction(message_context& m) {
  if (m.transaction()) {
    m.set_error(routing_error::bad_tuple);
    return false;
  }
  const entry_key key = entries_.emplace();
  const auto made = core_.proxy().create(m.arrived(), m.from(), m.routing(), *this,
                                         {.slot = key.slot, .generation = key.generation});
  if (!made) {
    entries_.erase(key);
    m.set_error(made.error() == stack::transaction_errc::full ? routing_error::out_of_transactions
                                                              : routing_error::bad_tuple);
    return false;
  }
  entries_.find(key)->script = m.script_version();
  m.set_transaction(*made);
  if (m.take_credit() == 0) core_.proxy().forgo_credit(*made);
  arm(m);
  return true;
}

transaction_routes::entry* transaction_routes::entry_of(stack::context_handle context) noexcept {
  const stack::response_context* const of = core_.proxy().find(context);
  return of ? entries_.find({of->tag.slot, of->tag.generation}) : nullptr;
}

void transaction_routes::arm(message_context& m) {
  entry* const e = entry_of(m.transaction());
  if (!e) return;
  const auto& run = m.state<transaction_run>();
  e->on_failure = run.on_failure;
  e->on_reply = run.on_reply;
  e->flags = m.flags();
  if (const auto* const recorded = m.find_state<recorded_route>()) e->recorded = *recorded;
  const bool has_failure_route = e->on_failure != script::no_block;
  if (has_failure_route && !e->came) {
    auto came = std::make_unique<origin>(origin{m.from(), m.arrived().to_string(), {}});
    came->charge.name(core_.proxy().find(m.transaction())->request.source());
    came->charge.set(came->bytes.capacity());
    e->came = std::move(came);
  }
}

const sip::message* transaction_routes::answered_apart(const message_context& m) {
  return are_answered_alike(m.arrived(), m.message()) ? nullptr : &m.arrived();
}

stack::relay_terms transaction_routes::terms_of(message_context& m) const {
  const bool has_failure_route = m.state<transaction_run>().on_failure != script::no_block;
  return {.hops = m.hops(),
          .answers_to = answered_apart(m),
          .may_be_silent = !has_failure_route && !is_noisy_};
}

// ---- what the proxy tells

message_context& transaction_routes::prepare(const entry& of, stack::context_handle context,
                                             script::block_kind kind, sip::message&& message,
                                             const stack::arrival& from) {
  message_context& m = core_.prepare(of.script, kind, std::move(message), from);
  try {
    m.set_transaction(context);
    m.set_flags(of.flags);
    auto& run = m.state<transaction_run>();
    run.on_failure = of.on_failure;
    run.on_reply = of.on_reply;
    m.state<recorded_route>() = of.recorded;
  } catch (const std::bad_alloc&) {
    message = std::move(m.message());
    core_.discard(m);
    throw;
  }
  return m;
}

stack::reply_verdict transaction_routes::on_reply(stack::context_handle context,
                                                  stack::user_tag tag, stack::branch_handle branch,
                                                  sip::message& response,
                                                  const stack::arrival& from) {
  const entry* const e = entries_.find({tag.slot, tag.generation});
  if (!e) return stack::reply_verdict::pass;
  if (e->on_reply == script::no_block) {
    note_where_answerer_is(*e, response);
    return stack::reply_verdict::pass;
  }
  const auto block = static_cast<script::block_id>(e->on_reply);
  message_context& m = prepare(*e, context, script::block_kind::onreply, std::move(response), from);
  m.state<transaction_run>().reply_branch = branch;
  if (core_.start(m, block, *this) == run_state::suspended) return stack::reply_verdict::later;
  take_over(m);
  response = std::move(m.message());
  core_.discard(m);
  return stack::reply_verdict::pass;
}

void transaction_routes::note_where_answerer_is(const entry& e, const sip::message& response) {
  if (e.recorded.within == recorded_route::dialog::ours && response.status() / 100 == 2)
    stack::note_refresh(response, core_.transactions().secret(), core_.state<moved_parties>().all);
}

stack::failure_verdict transaction_routes::on_failure(stack::context_handle context,
                                                      stack::user_tag tag, int status,
                                                      const sip::message*) {
  entry* const e = entries_.find({tag.slot, tag.generation});
  if (!e || e->on_failure == script::no_block || !e->came) return stack::failure_verdict::decided;
  sip::message request = core_.proxy().request_of(context);
  auto arrived = sip::message::parse(e->came->bytes);
  if (!request || !arrived) return stack::failure_verdict::decided;
  // The block is armed for one failure; it may arm itself, or another, again.
  const auto block = static_cast<script::block_id>(std::exchange(e->on_failure, script::no_block));
  message_context& m =
      prepare(*e, context, script::block_kind::failure, std::move(request), e->came->from);
  m.state<transaction_run>().failure_status = status;
  if (const auto* const of = core_.proxy().find(context)) m.set_routing(of->routing);
  m.set_hops(stack::hop_count::before); // counted when it was relayed
  m.set_arrived(std::move(*arrived));
  if (core_.start(m, block, *this) == run_state::suspended) return stack::failure_verdict::later;
  take_over(m);
  core_.discard(m);
  return stack::failure_verdict::decided;
}

void transaction_routes::take_over(message_context& m) {
  entry* const e = entry_of(m.transaction());
  if (!e) return;
  const auto& run = m.state<transaction_run>();
  e->on_failure = run.on_failure;
  e->on_reply = run.on_reply;
  e->flags = m.flags();
  if (m.block() != script::block_kind::onreply) return;
  // Without memory the response goes on all the same.
  core_.out().to_tell().guard([&] { note_where_answerer_is(*e, m.message()); });
}

void transaction_routes::on_run_end(message_context& m) {
  take_over(m);
  if (m.block() == script::block_kind::failure)
    core_.proxy().conclude(m.transaction());
  else
    core_.proxy().pass(m.state<transaction_run>().reply_branch, std::move(m.message()));
}

void transaction_routes::on_final(stack::context_handle, stack::user_tag, int) {}

void transaction_routes::on_end(stack::context_handle, stack::user_tag tag) {
  entries_.erase({tag.slot, tag.generation});
}

} // namespace tandem::server
