// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/user_agent_client.hpp>

#include <tandem/base/decimal.hpp>
#include <tandem/base/random.hpp>
#include <tandem/base/text.hpp>
#include <tandem/sip/build.hpp>
#include <tandem/sip/headers.hpp>
#include <tandem/sip/message_editor.hpp>
#include <tandem/sip/single_values.hpp>
#include <tandem/stack/challenger.hpp>
#include <tandem/stack/dialog_route.hpp>
#include <tandem/stack/forwarding.hpp>
#include <tandem/stack/reflection.hpp>
#include <tandem/stack/request_draft.hpp>
#include <tandem/stack/stateless_answer.hpp>
#include <tandem/stack/wire.hpp>

#include <algorithm>
#include <new>
#include <utility>

namespace tandem::stack {

namespace {

using id = sip::header_id;

constexpr duration longest_invite = std::chrono::minutes{10};
constexpr duration longest_other = std::chrono::minutes{2};

/// What dialogs of ours understand.
constexpr std::string_view allowed = "ACK, BYE, NOTIFY, OPTIONS";

/// Starts what a peer may send requests for later.
bool opens_dialog(std::string_view method) noexcept {
  return method == "INVITE" || method == "SUBSCRIBE" || method == "REFER";
}

/// RFC 3261 8.1.3.5: the next number. False beyond 2^31 (8.1.1.5).
bool count_up(sip::message& request) {
  const auto cseq = request.get<sip::hdr::cseq>();
  if (!cseq || cseq->number >= 0x7ffffffe) return false;
  const std::string next =
      std::string{decimal{cseq->number + 1}.view()} + " " + std::string{request.method_text()};
  return request.edit().put(id::cseq, next).has_value();
}

/// A request within the dialog that a 2xx has set up (12.2.1.1), by the INVITE's headers.
result<sip::message, sip::edit_errc> make_within(std::string_view method, std::uint32_t number,
                                                 const dialog_route& route,
                                                 const sip::message& invite,
                                                 const sip::message& success) {
  auto made = sip::message_builder::request(method, route.uri);
  made.copy(invite, id::from).copy(success, id::to).copy(invite, id::call_id);
  made.add(id::cseq, {decimal{number}.view(), " ", method});
  made.add(id::max_forwards, "70");
  for (const std::string& each : route.routes) made.add(id::route, each);
  return made.finish();
}

/// The server that a URI names, for digest_client.
std::string host_of(std::string_view uri) {
  const auto parsed = sip::uri::parse(uri);
  return parsed ? std::string{parsed->host().text} : std::string{};
}

} // namespace

/// A dialog that a 2xx has set up, until its copies have ended.
struct user_agent_client::accepted_dialog {
  std::string remote_tag;
  std::string next_hop;
  sip::message unsent;             ///< the ACK without Via
  std::optional<sip::message> bye; ///< to be sent behind the ACK where nobody wants the dialog
  bool is_searching = false;       ///< for its targets
  wire_message ack;                ///< for each copy of the 2xx
  target to;
};

struct user_agent_client::entry final : timer {
  entry(user_agent_client& by, sip::message&& of, request_terms&& how)
      : owner{by}, request{std::move(of)}, terms{std::move(how)},
        is_invite{request.method() == sip::method::invite}, size{request.held_bytes()} {}
  void on_timer(instant) override { owner.on_time(*this); }
  [[nodiscard]] user_tag tag() const noexcept { return {self.slot, self.generation, 0}; }

  user_agent_client& owner;
  entry_handle self;
  sip::message request; ///< without Via
  request_terms terms;
  std::string host; ///< that it is sent to
  std::vector<target> targets;
  std::size_t next = 0;              ///< of these, to be tried
  std::vector<std::string> tried;    ///< URIs of redirections
  std::vector<std::string> contacts; ///< to be tried yet, the next one last
  std::vector<accepted_dialog> dialogs;
  client_handle client;
  unsigned rounds = 0;    ///< of passwords
  unsigned redirects = 0; ///< followed
  int owed = 0;           ///< an answer of ours that is told when the timer fires
  std::string_view owed_reason;
  /// What redirections may cause: who has sent them has named the addresses (reflection.hpp).
  std::optional<reflection_budget> lent;
  bool is_invite;
  bool is_told = false;
  bool is_cancelled = false;
  bool is_late = false;      ///< given up for its time, not by its caller
  bool is_abandoned = false; ///< nobody wants a dialog of it any more
  std::size_t size;
};

user_agent_client::user_agent_client(transaction_layer& layer, target_finder find)
    : layer_{layer}, find_{std::move(find)}, self_{std::make_shared<user_agent_client*>(this)} {
  layer_.put_in_front(*this);
}

user_agent_client::~user_agent_client() { *self_ = nullptr; }

void user_agent_client::set_accounts(std::vector<client_account> accounts) {
  digest_ = digest_client{std::move(accounts)};
}

user_agent_client::entry* user_agent_client::find(user_tag tag) noexcept {
  return all_.find({tag.slot, tag.generation});
}

// ---- a request begins

result<own_handle, own_errc> user_agent_client::send(sip::message&& request, request_terms terms) {
  if (is_draining_ && request.to_tag().empty()) return fail(own_errc::draining);
  const std::size_t size = request.held_bytes();
  if (all_.size() >= most_requests || bytes_ + size > most_bytes) return fail(own_errc::full);
  note_dialog(request, terms);
  std::string uri = terms.next_hop.empty() ? std::string{request.request_uri()} : terms.next_hop;
  const auto h = all_.emplace(*this, std::move(request), std::move(terms));
  entry& e = *all_.find(h);
  e.self = h;
  bytes_ += e.size;
  if (e.terms.on_answer)
    ++unanswered_;
  else
    e.is_told = true;
  const duration longest = e.terms.longest.value_or(e.is_invite ? longest_invite : longest_other);
  layer_.out().timers().arm(e, layer_.out().now() + longest);
  try {
    search(e, std::move(uri));
  } catch (const std::bad_alloc&) {
    answer_later(e, 500, "Out of memory");
  }
  return own_handle{h.slot, h.generation};
}

std::uint64_t user_agent_client::dialog_key(std::string_view call_id, std::string_view tag) const {
  return keyed_hasher{layer_.secret()}.add(call_id).add(tag).finish();
}

void user_agent_client::note_dialog(const sip::message& request, request_terms& terms) {
  const std::uint64_t key = dialog_key(request.call_id(), request.from_tag());
  if (terms.on_request)
    dialogs_.set(key, std::make_shared<const std::function<void(const sip::message&)>>(
                          std::move(terms.on_request)));
  else if (opens_dialog(request.method_text()) && !dialogs_.find(key))
    dialogs_.set(key, nullptr);
}

void user_agent_client::search(entry& e, std::string uri) {
  e.host = host_of(uri);
  e.targets.clear();
  e.next = 0;
  e.client = {};
  find_(uri, [self = self_, h = e.self](std::span<const target> found) {
    user_agent_client* const owner = *self;
    if (!owner) return;
    bool is_taken = false;
    owner->layer_.out().to_tell().guard([&] {
      if (entry* const later = owner->all_.find(h)) owner->take_targets(*later, found);
      is_taken = true;
    });
    entry* const left = is_taken ? nullptr : owner->all_.find(h);
    if (left) owner->answer_later(*left, 500, "Out of memory");
  });
}

void user_agent_client::take_targets(entry& e, std::span<const target> found) {
  if (e.owed != 0) return;
  if (e.is_cancelled) return answer_later(e, 487, "Request Terminated");
  const auto usable = reachable(layer_.out(), found);
  e.targets.assign(usable.begin(), usable.end());
  try_next(e);
}

/// RFC 3263 4.3: the next address that takes it; else the next contact of a redirection.
void user_agent_client::try_next(entry& e) {
  int status = 478;
  while (e.next < e.targets.size()) {
    status = try_target(e, e.targets[e.next++]);
    if (status == 0) return;
    if (!e.terms.fails_over) e.next = e.targets.size();
  }
  if (!e.contacts.empty()) {
    std::string uri = std::move(e.contacts.back());
    e.contacts.pop_back();
    if (e.request.edit().set_request_uri(uri) && count_up(e.request))
      return search(e, e.terms.next_hop.empty() ? std::move(uri) : e.terms.next_hop);
  }
  answer_later(e, status,
               status == 478   ? "Unresolvable destination"
               : status == 503 ? "Too many transactions"
                               : "It cannot be sent");
}

/// \return 0 when it was sent, else a status
int user_agent_client::try_target(entry& e, const target& to) {
  sip::message copy = e.request.clone();
  const leaving_way by = layer_.out().way_for(to, copy.wire_size());
  if (!put_own_address(copy, by.sent_by, default_port(by.transport))) return 513;
  const branch_text branch = new_branch();
  const auto leaving =
      write_copy(copy, to, {.branch = branch.view(), .secret = layer_.secret()}, layer_.out());
  if (!leaving) return status_of(leaving.error());
  std::uint32_t allowance = client_transaction::unbounded;
  if (e.lent && !is_reliable(leaving->to.transport)) {
    allowance = e.lent->take(leaving->message.size, 1 + e.targets.size() - e.next);
    if (allowance == 0) return 503;
  }
  const auto client = layer_.create_client(copy.method_text(), branch.view(), leaving->message,
                                           leaving->to, *this, e.tag(), allowance);
  if (!client) return 503;
  e.client = *client;
  if (e.is_cancelled) layer_.cancel(*client);
  return 0;
}

// ---- what comes back

void user_agent_client::on_response(client_handle client, user_tag tag, sip::message& response,
                                    const arrival&) {
  entry* const e = find(tag);
  if (!e || e->client != client) return;
  const int status = response.status();
  if (status < 200) {
    if (status > 100 && !e->is_told && e->terms.on_provisional) e->terms.on_provisional(response);
    return;
  }
  if (e->is_invite && status < 300) return accept(*e, response);
  if (may_try(*e)) {
    try {
      if (go_on(*e, response)) return;
    } catch (const std::bad_alloc&) {
      layer_.out().to_tell().note_lost(); // the response that there is will do
    }
  }
  if (e->is_late && status == 487) return finish(*e, {408, "Request Timeout"});
  finish(*e, {status, response.reason(), std::move(response)});
}

void user_agent_client::on_failure(client_handle client, user_tag tag, client_failure reason) {
  entry* const e = find(tag);
  if (!e || e->client != client) return;
  e->client = {};
  if (!e->dialogs.empty()) return;
  if (reason != client_failure::cancel_timeout && may_try(*e) && has_more(*e)) {
    if (!e->terms.fails_over) e->next = e->targets.size();
    return try_next(*e);
  }
  switch (reason) { // 8.1.3.1
  case client_failure::timeout: return finish(*e, {408, "Request Timeout"});
  case client_failure::transport_error: return finish(*e, {503, "Service Unavailable"});
  case client_failure::cancel_timeout: break;
  }
  if (e->is_late) return finish(*e, {408, "Request Timeout"});
  finish(*e, {487, "Request Terminated"});
}

void user_agent_client::on_timer_c(client_handle client, user_tag tag) {
  entry* const e = find(tag);
  if (!e || e->client != client) return;
  e->is_late = true;
  layer_.cancel(client);
}

bool user_agent_client::may_try(const entry& e) const noexcept {
  return !e.is_cancelled && !e.is_late && !is_draining_;
}

bool user_agent_client::has_more(const entry& e) noexcept {
  return (e.terms.fails_over && e.next < e.targets.size()) || !e.contacts.empty();
}

/// A refusal is not the end: false when it is.
bool user_agent_client::go_on(entry& e, const sip::message& response) {
  const int status = response.status();
  if (status == 401 || status == 407) return answer_challenge(e, response);
  if (status < 400) return follow_redirect(e, response);
  // RFC 3263 4.3: a 503 is of this address alone. RFC 3261 8.1.3.4: what another contact was
  // named for; 21.6: a 6xx speaks for all of them.
  const bool is_of_address = status == 503 && e.terms.fails_over && e.next < e.targets.size();
  if (!is_of_address && (e.contacts.empty() || status >= 600)) return false;
  if (!is_of_address) e.next = e.targets.size();
  layer_.release(std::exchange(e.client, {}));
  try_next(e);
  return true;
}

/// RFC 3261 22.2
bool user_agent_client::answer_challenge(entry& e, const sip::message& response) {
  const auto lines = digest_.answer(e.request, response, e.host, e.rounds);
  if (!lines) return false;
  sip::message retry = e.request.clone();
  if (!put_credentials(retry, *lines) || !count_up(retry)) return false;
  e.request = std::move(retry);
  ++e.rounds;
  layer_.release(std::exchange(e.client, {}));
  --e.next; // the same address
  try_next(e);
  return true;
}

/// RFC 3261 8.1.3.4: the contacts by their preference, none of them twice.
bool user_agent_client::follow_redirect(entry& e, const sip::message& response) {
  if (e.redirects >= e.terms.redirects) return false;
  std::vector<std::pair<int, std::string>> named;
  for (const auto& contact : response.all<sip::hdr::contact>()) {
    if (!contact || contact->is_star || e.tried.size() >= most_redirects) continue;
    std::string uri{contact->address.text()};
    const bool is_known =
        uri == e.request.request_uri() || std::ranges::find(e.tried, uri) != e.tried.end();
    // 26.2.2: what was asked for by sips: stays so.
    const bool is_downgrade = leaves_in_clear(e.request.request_uri(), transport_kind::udp) &&
                              !leaves_in_clear(uri, transport_kind::udp);
    if (is_known || is_downgrade) continue;
    e.tried.push_back(uri);
    named.emplace_back(contact->q().value_or(1'000), std::move(uri));
  }
  // The last one is next.
  std::ranges::reverse(named);
  std::ranges::stable_sort(named, {}, [](const auto& one) { return one.first; });
  for (auto& one : named) e.contacts.push_back(std::move(one.second));
  if (e.contacts.empty()) return false;
  ++e.redirects;
  if (e.terms.next_hop.empty()) {
    if (!e.lent) e.lent.emplace();
    e.lent->add(response.received_bytes().size());
  }
  e.next = e.targets.size();
  layer_.release(std::exchange(e.client, {}));
  try_next(e);
  return true;
}

// ---- 2xx to INVITE (RFC 3261 13.2.2.4)

void user_agent_client::accept(entry& e, sip::message& response) {
  const auto is_of = [tag = response.to_tag()](const accepted_dialog& d) {
    return d.remote_tag == tag;
  };
  if (const auto known = std::ranges::find_if(e.dialogs, is_of); known != e.dialogs.end()) {
    if (known->ack)
      layer_.out().send(known->to, known->ack, {});
    else if (!known->is_searching)
      find_way_of_ack(e, *known);
    return;
  }
  const auto number = e.request.get<sip::hdr::cseq>();
  if (e.dialogs.size() >= most_forks || !number) return;
  const bool is_first = e.dialogs.empty();
  const auto route = dialog_route_of(response).value_or(
      dialog_route{.uri = std::string{e.request.request_uri()}, .next_hop = {}, .routes = {}});
  accepted_dialog made;
  made.remote_tag = response.to_tag();
  made.next_hop = route.next_hop;
  auto ack = make_within("ACK", number->number, route, e.request, response);
  if (!ack || !copy_credentials(*ack, e.request)) return;
  made.unsent = std::move(*ack);
  if (!is_first || e.is_abandoned) {
    // A fork that nobody asked for, or a caller who has gone: this dialog ends at once.
    auto bye = make_within("BYE", number->number + 1, route, e.request, response);
    if (bye) made.bye = std::move(*bye);
  }
  e.dialogs.push_back(std::move(made));
  if (is_first) layer_.out().timers().arm(e, layer_.out().now() + layer_.timers().timer_m);
  find_way_of_ack(e, e.dialogs.back());
  if (!is_first) return;
  tell(e, {response.status(), response.reason(), std::move(response)});
}

/// What memory runs out for is tried again with the next copy of the 2xx.
void user_agent_client::find_way_of_ack(entry& e, accepted_dialog& dialog) {
  effects& to_tell = layer_.out().to_tell();
  if (dialog.next_hop.empty()) return to_tell.guard([&] { send_ack(e, dialog, {}); });
  dialog.is_searching = true;
  bool is_asked = false;
  to_tell.guard([&] {
    find_(dialog.next_hop,
          [self = self_, h = e.self, tag = dialog.remote_tag](std::span<const target> found) {
            user_agent_client* const owner = *self;
            entry* const later = owner ? owner->all_.find(h) : nullptr;
            if (!later) return;
            for (accepted_dialog& each : later->dialogs) {
              if (each.remote_tag != tag) continue;
              each.is_searching = false;
              owner->layer_.out().to_tell().guard([&] { owner->send_ack(*later, each, found); });
            }
          });
    is_asked = true;
  });
  if (!is_asked) dialog.is_searching = false;
}

/// \param found none: where the INVITE went
void user_agent_client::send_ack(entry& e, accepted_dialog& dialog, std::span<const target> found) {
  const auto usable = reachable(layer_.out(), found);
  if (dialog.ack || (usable.empty() && e.next == 0)) return;
  const target to = usable.empty() ? e.targets[e.next - 1] : usable.front();
  sip::message ack = dialog.unsent.clone();
  const branch_text branch = new_branch();
  const auto leaving =
      write_copy(ack, to, {.branch = branch.view(), .secret = layer_.secret()}, layer_.out());
  if (leaving) {
    dialog.ack = leaving->message;
    dialog.to = leaving->to;
    layer_.out().send(dialog.to, dialog.ack, {});
  }
  if (!dialog.bye) return;
  static_cast<void>(send(dialog.bye->clone(), {.next_hop = dialog.next_hop}));
  dialog.bye.reset();
}

branch_text user_agent_client::new_branch() const noexcept {
  // Random in the part that tells a loop, too: a request of ours that comes by here is none.
  return make_branch({random_bits(), random_bits()}, random_bits(), 0, layer_.out().shard());
}

// ---- the end

void user_agent_client::cancel(own_handle request) {
  entry* const e = all_.find({request.slot, request.generation});
  if (e) give_up(*e);
}

void user_agent_client::give_up(entry& e) {
  if (!e.is_invite || !e.dialogs.empty() || e.is_cancelled) return;
  e.is_cancelled = true;
  if (e.client)
    layer_.cancel(e.client);
  else if (e.owed == 0)
    answer_later(e, 487, "Request Terminated");
}

void user_agent_client::drain(instant until) {
  is_draining_ = true;
  all_.for_each_while([this](entry_handle, entry& e) {
    give_up(e);
    return true;
  });
  layer_.out().timers().arm(drain_, until);
}

void user_agent_client::end_all() {
  std::vector<entry_handle> left;
  all_.for_each_while([&left](entry_handle h, entry& e) {
    if (!e.is_told) left.push_back(h);
    return true;
  });
  for (const entry_handle h : left)
    if (entry* const e = all_.find(h)) abandon(*e, {487, "Request Terminated"});
}

void user_agent_client::on_time(entry& e) {
  if (e.owed != 0) return finish(e, {e.owed, e.owed_reason});
  // The copies of a 2xx have ended, or what was given up has not answered either.
  if (!e.dialogs.empty() || e.is_abandoned) return end(e);
  e.is_late = true;
  abandon(e, {408, "Request Timeout"});
}

/// The caller has his answer now; an INVITE that somebody may still accept is looked after.
void user_agent_client::abandon(entry& e, own_answer answer) {
  if (!e.is_invite || !e.client || !e.dialogs.empty()) return finish(e, std::move(answer));
  e.is_abandoned = true;
  layer_.cancel(e.client);
  const timer_settings& timers = layer_.timers();
  layer_.out().timers().arm(e, layer_.out().now() + timers.timer_cancelled + timers.timer_b);
  tell(e, std::move(answer));
}

/// Told in a turn of its own: whoever has just called is not called back.
void user_agent_client::answer_later(entry& e, int status, std::string_view reason) {
  e.owed = status;
  e.owed_reason = reason;
  layer_.out().timers().arm(e, layer_.out().now());
}

void user_agent_client::tell(entry& e, own_answer answer) {
  if (std::exchange(e.is_told, true)) return;
  --unanswered_;
  const auto told = std::exchange(e.terms.on_answer, nullptr);
  told(std::move(answer));
}

void user_agent_client::finish(entry& e, own_answer answer) {
  const bool was_told = std::exchange(e.is_told, true);
  const auto told = std::exchange(e.terms.on_answer, nullptr);
  end(e);
  if (was_told) return;
  --unanswered_;
  told(std::move(answer));
}

void user_agent_client::end(entry& e) {
  layer_.release(e.client);
  bytes_ -= e.size;
  all_.erase(e.self);
}

// ---- what the peers of our dialogs send

bool user_agent_client::takes(const sip::message& message) {
  if (!message.is_request() || dialogs_.size() == 0 || message.to_tag().empty()) return false;
  return dialogs_.find(dialog_key(message.call_id(), message.to_tag())) != nullptr;
}

void user_agent_client::on_request(sip::message& request, const arrival& from) {
  if (!is_answered(request)) return; // an ACK for one of the answers below
  int status = 405;
  const std::string_view method = request.method_text();
  if (method == "BYE" || method == "NOTIFY" || method == "OPTIONS")
    status = 200;
  else if (method == "INVITE" || method == "UPDATE")
    status = 488; // RFC 3261 14.2: there is no session of ours that could change
  else if (method == "CANCEL")
    status = 481;
  // Without a transaction: each copy has the same answer.
  auto made = begin_answer(request, status, {}, layer_.secret());
  if (status == 405 || method == "OPTIONS") made.add(id::allow, allowed);
  send_stateless(layer_.out(), request, from, finish_answer(made, request, from, layer_.secret()));
  const auto* const found = dialogs_.find(dialog_key(request.call_id(), request.to_tag()));
  const request_listener listener = found ? *found : nullptr;
  if (listener && *listener) (*listener)(request);
}

void user_agent_client::on_cancel(server_handle, sip::message& cancel, const arrival& from) {
  on_request(cancel, from);
}

void user_agent_client::on_stray_response(sip::message&, const arrival&) {}

} // namespace tandem::stack
