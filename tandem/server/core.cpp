// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/core.hpp>

#include <tandem/base/log.hpp>
#include <tandem/names/resolver.hpp>
#include <tandem/server/dns_settings.hpp>
#include <tandem/server/rejection_headers.hpp>
#include <tandem/server/script_run.hpp>
#include <tandem/sip/headers.hpp>
#include <tandem/sip/single_values.hpp>
#include <tandem/sip/validate.hpp>
#include <tandem/stack/branch.hpp>
#include <tandem/stack/stateless_answer.hpp>
#include <tandem/stack/trying.hpp>
#include <tandem/transport/locator.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <new>

namespace tandem::server {

namespace {

constexpr std::string_view software = "Tandem/" TANDEM_VERSION;

/// Draining refuses what begins something and lets everything within a dialog pass.
bool begins_something(const sip::message& request) {
  return request.method() != sip::method::ack && request.method() != sip::method::cancel &&
         request.to_tag().empty();
}

} // namespace

core::core(const core_surroundings& on, std::shared_ptr<const loaded_script> script)
    : on_{on}, proxy_{on.transactions, {}}, answers_{std::make_shared<answer_inbox>(
                                                answer_inbox{on.shard, this})} {
  on_.transactions.set_core(*this);
  load(std::move(script));
}

core::~core() { answers_->core = nullptr; }

void core::load(std::shared_ptr<const loaded_script> script) {
  // Each shard has a count of its own: one that all count on would go from core to core with every
  // request.
  const auto own = std::make_shared<const std::shared_ptr<const loaded_script>>(std::move(script));
  script_ = {own, own->get()};
  hosts_ = nullptr; // what it was loaded with is newer
  script_->apply_to(*this);
  on_.transactions.set_retry_after(seconds{script_->settings().overload.retry_after});
  proxy_.failed().set_lifetime(script_->settings().failed_server_time);
}

bool core::has_unanswered() { return runs_.size() != free_.size() || proxy_.has_unanswered(); }

bool core::is_host(const loaded_script& of, std::string_view name,
                   const ip_address& address) const {
  if (hosts_)
    if (const auto known = hosts_->find(name); known != hosts_->end())
      return std::ranges::find(known->second, address) != known->second.end();
  return of.is_host(name, address);
}

// ---- requests

void core::on_request(sip::message& request, const stack::arrival& from) {
  if (is_ack_to_own_reply(request)) {
    ++counters_.absorbed_acks;
    return;
  }
  sip::read_values read;
  if (refuse(request, from, read)) {
    ++counters_.rejected;
    return;
  }
  ++counters_.requests;
  script_run& r = take();
  proceed(r, [&] {
    r.context.begin(r.self(), script_, script::block_kind::request, std::move(request), from);
    r.context.take_read(read);
    r.run.start(*script_->program(), script_->program()->main_block(), r.context);
  });
}

void core::on_cancel(stack::server_handle, sip::message& cancel, const stack::arrival& from) {
  // As every other request, a CANCEL passes the script, whose t_relay() finds the INVITE again.
  on_request(cancel, from);
}

bool core::is_ack_to_own_reply(const sip::message& request) const {
  if (request.method() != sip::method::ack) return false;
  const std::string_view tag = request.to_tag();
  // That of nearly every other element has another length.
  return tag.size() == stack::local_tag{}.view().size() &&
         tag == transactions().tag_for(request).view();
}

bool core::refuse(const sip::message& request, const stack::arrival& from, sip::read_values& read) {
  if (const auto owed = sip::validate(request, sip::role::proxy, {}, &read)) {
    // What arrives with Max-Forwards 0 may still be for us (RFC 3261 16.3 step 3): the script and
    // relaying look at it.
    if (owed->status != 483) {
      if (!owed->is_silent()) {
        auto made = begin_reply(request, owed->status, owed->reason);
        add_header_of(*owed, made);
        reply(request, from, std::move(made));
      }
      return true;
    }
  }
  if (is_draining_ && begins_something(request)) {
    refuse_for_now(request, from, "Server is being stopped");
    return true;
  }
  return false;
}

void core::refuse_for_now(const sip::message& request, const stack::arrival& from,
                          std::string_view reason) {
  auto made = begin_reply(request, 503, reason);
  add_retry_after(made);
  reply(request, from, std::move(made));
}

void core::refuse_for_memory(script_run& r) {
  message_context& m = r.context;
  if (m.block() != script::block_kind::request || m.is_served()) return;
  constexpr std::string_view reason = "Server is out of memory";
  if (!m.transaction()) return refuse_for_now(m.arrived(), m.from(), reason);
  auto made = begin_reply(m, 503, reason);
  add_retry_after(made);
  answer(m, std::move(made));
}

void core::add_retry_after(sip::response_writer& made) const {
  stack::add_retry_after(made, seconds{script_->settings().overload.retry_after});
}

void core::on_stray_response(sip::message& response, const stack::arrival&) {
  proxy_.forward_stray(response);
}

bool core::on_unreachable(stack::server_handle server, std::string_view via,
                          const stack::target& tried) {
  const auto sender = sip::via::parse(via);
  // RFC 3263 5. Deviates: an address in sent-by that is not the one which the request came from is
  // that of a phone behind a NAT, or a lie, and nobody is made to send there.
  if (!sender || sender->sent_by.host.kind != sip::host_kind::name) return false;
  const auto text = std::make_shared<const std::string>(via); // which the search views
  const auto again = sip::via::parse(*text);
  transport::locator{on_.hosts}.find(
      stack::server_location::of_response(again->sent_by, tried.transport, location_terms()),
      [this, server, tried, text](stack::server_location& found) {
        std::vector<stack::target> ways;
        for (stack::target& way : found.targets()) {
          // A name in the DNS of a stranger does not lead into this host.
          const ip_address& ip = way.address.ip;
          const bool leads_inside = ip.is_loopback() || ip.is_any() || ip.is_multicast();
          if (leads_inside && !tried.address.ip.is_loopback()) continue;
          if (way.address != tried.address) ways.push_back(std::move(way));
        }
        transactions().send_by(server, ways);
      });
  return true;
}

stack::location_terms core::location_terms() const {
  return location_terms_of(script_->settings(), on_.out);
}

// ---- other blocks

message_context& core::prepare(std::shared_ptr<const loaded_script> version,
                               script::block_kind kind, sip::message&& message,
                               const stack::arrival& from) {
  script_run& r = take();
  try {
    r.context.begin(r.self(), std::move(version), kind, std::move(message), from);
  } catch (const std::bad_alloc&) {
    message = std::move(r.context.message());
    finish(r);
    throw;
  }
  return r.context;
}

void core::discard(message_context& prepared) { finish(*find(prepared.self())); }

run_state core::start(message_context& prepared, script::block_id block, run_user& user) {
  const run_handle self = prepared.self();
  script_run& r = *find(self);
  r.user = &user;
  proceed(r, [&] { r.run.start(*r.context.script().program(), block, r.context); });
  // One that could not be remembered while it waits is gone: its end has been told.
  if (!find(self) || r.has_waited) return run_state::suspended;
  r.user = nullptr;
  return run_state::ended;
}

// ---- waiting

std::uint32_t core::next_wait(run_handle run) noexcept {
  script_run& r = *find(run);
  r.is_waiting = true;
  r.is_answered_early = false;
  r.early.reset();
  return ++r.waits;
}

void core::answer(run_handle run, std::uint32_t number, std::shared_ptr<awaited> brought) {
  script_run* const r = find(run);
  if (!r || !r->is_waiting || r->waits != number) return;
  if (!r->run.is_suspended()) {
    r->is_answered_early = true;
    r->early = std::move(brought);
    return;
  }
  r->is_waiting = false;
  // What the run now gives the machines is a turn of theirs.
  out().to_tell().take([&] {
    proceed(*r, [&] { go_on(*r, brought ? brought->decide(r->context) : script::outcome::no()); });
  });
}

void core::go_on(script_run& r, script::outcome value) {
  if (!value.is_suspended()) r.run.resume(value.value()); // else it waits for something more
}

script_run& core::take() {
  if (free_.empty()) {
    const auto slot = static_cast<std::uint32_t>(runs_.size());
    free_.reserve(runs_.size() + 1); // finish() has room for it
    runs_.push_back(std::make_unique<script_run>(*this, slot));
    free_.push_back(slot);
  }
  script_run& r = *runs_[free_.back()];
  free_.pop_back();
  r.is_running = true;
  return r;
}

script_run* core::find(run_handle which) noexcept {
  if (!which || which.slot >= runs_.size()) return nullptr;
  script_run* const r = runs_[which.slot].get();
  return r->is_running && r->generation == which.generation ? r : nullptr;
}

/// A step of a run, and what follows from it. When memory runs out the run has ended, and a request
/// that was not answered is refused.
template <typename Step>
void core::proceed(script_run& r, Step&& step) {
  try {
    step();
    take_early_answers(r);
    if (r.run.is_suspended()) return hold(r);
  } catch (const std::bad_alloc&) {
    out().to_tell().note_lost();
    r.run.abandon();
    out().to_tell().guard([&] { refuse_for_memory(r); });
  }
  // One that ended at once is left to whoever has started it.
  if (!r.user || r.has_waited) finish(r);
}

void core::take_early_answers(script_run& r) {
  while (r.run.is_suspended()) {
    if (!r.is_waiting) {
      log_error("{} suspends without waiting for anything", r.run.waiting_for()->name);
      r.run.resume(script::outcome::no().value());
    } else if (std::exchange(r.is_answered_early, false)) {
      r.is_waiting = false;
      const auto brought = std::exchange(r.early, nullptr);
      go_on(r, brought ? brought->decide(r.context) : script::outcome::no());
    } else {
      break;
    }
  }
}

void core::hold(script_run& r) {
  r.has_waited = true;
  ++counters_.suspensions;
  if (r.context.block() != script::block_kind::request || r.reserved) return;
  const auto held = transactions().suspend(r.context.arrived(), r.context.from(), *this,
                                           {.slot = r.slot, .generation = r.generation});
  if (held) {
    r.reserved = *held;
    return;
  }
  // No room to remember it: what the function brings back will find nobody.
  r.run.abandon();
  refuse_for_now(r.context.arrived(), r.context.from(), "Server is busy");
  finish(r);
}

void core::finish(script_run& r) {
  if (run_user* const user = std::exchange(r.user, nullptr))
    out().to_tell().guard([&] { user->on_run_end(r.context); });
  const stack::server_handle held = std::exchange(r.reserved, {});
  if (r.context.block() == script::block_kind::request) drop_unanswered(r.context.transaction());
  r.context.end();
  r.is_running = false;
  r.is_waiting = false;
  r.has_waited = false;
  r.is_answered_early = false;
  r.early.reset();
  if (++r.generation == 0) r.generation = 1;
  free_.push_back(r.slot);
  // Last, since it may start the requests that waited behind this one.
  if (held) transactions().resume(held);
}

void core::drop_unanswered(stack::context_handle transaction) {
  // t_newtran() without a reply and without t_relay(): the script wants silence.
  const stack::response_context* const made = proxy_.find(transaction);
  if (made && made->branches == 0 && made->final_status == 0) proxy_.drop(transaction);
}

// ---- what the transaction layer tells of a suspended request

void core::on_failure(stack::server_handle, stack::user_tag, stack::server_failure) {
  // Nobody is there to answer any more; the run goes on to its end all the same, since what it has
  // started outside (a program, say) has happened.
}

void core::on_silence(stack::server_handle server, stack::user_tag tag) {
  script_run* const r = find({tag.slot, tag.generation});
  if (!r) return;
  if (const auto trying = stack::make_trying(r->context.arrived()))
    transactions().respond(server, 100, trying);
}

// ---- replies

sip::response_writer core::begin_reply(const sip::message& request, int status,
                                       std::string_view reason) const {
  return stack::begin_answer(request, status, reason, transactions().secret());
}

sip::response_writer core::begin_reply(const message_context& message, int status,
                                       std::string_view reason) const {
  auto made = begin_reply(message.arrived(), status, reason);
  made.add(message.reply_headers());
  return made;
}

stack::wire_message core::finish_reply(const sip::message& request, const stack::arrival& from,
                                       sip::response_writer& made) const {
  const core_settings& wanted = script_->settings();
  if (wanted.server_signature) made.add(sip::header_id::server, software);
  if (wanted.sip_warning && made.status() > 100) {
    // RFC 3261 20.43: 392 is of the range that servers may use for themselves.
    const std::string text =
        fmt::format(R"(392 {} "req_src_ip={} req_src_port={} in_uri={} via_cnt={}")",
                    from.local.to_string(), from.source.ip.to_string(), from.source.port,
                    request.request_uri().find_first_of("\"\\") == std::string_view::npos
                        ? request.request_uri()
                        : std::string_view{"-"},
                    count_values(request, sip::header_id::via));
    made.add(sip::header_id::warning, text);
  }
  return stack::finish_answer(made, request, from, transactions().secret());
}

bool core::reply(const sip::message& request, const stack::arrival& from,
                 sip::response_writer&& made) {
  const auto fate = stack::send_stateless(out(), request, from, finish_reply(request, from, made));
  if (fate == stack::answer_fate::sent) ++counters_.stateless_replies;
  return fate != stack::answer_fate::impossible;
}

bool core::answer(message_context& message, sip::response_writer&& made) {
  bool is_sent = false;
  if (message.transaction()) {
    const auto wire = finish_reply(message.arrived(), message.from(), made);
    is_sent = wire && proxy_.respond(message.transaction(), made.status(), wire);
  } else {
    is_sent = reply(message.arrived(), message.from(), std::move(made));
  }
  if (is_sent) message.note_served();
  return is_sent;
}

} // namespace tandem::server
