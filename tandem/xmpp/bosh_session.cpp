// SPDX-License-Identifier: Apache-2.0
#include <tandem/xmpp/bosh_session.hpp>

#include <tandem/base/decimal.hpp>
#include <tandem/xmpp/xml_writer.hpp>

#include <algorithm>
#include <iterator>
#include <new>
#include <utility>

namespace tandem::xmpp {

namespace {

/// Beyond what the server may hold a request, for the way there and back.
constexpr seconds way_there_and_back{15};
constexpr seconds creation_deadline{30};
/// For what need not be answered: a pause, an end.
constexpr seconds short_deadline{5};
constexpr seconds pause_deadline{2};
/// For the answer to an earlier request, once a later one has been answered.
constexpr seconds order_gap{5};
/// Of a server that names none.
constexpr seconds default_inactivity{30};
constexpr seconds default_polling{2};
constexpr seconds longest_delay{8};
constexpr unsigned most_repeats_asked = 5;
constexpr std::size_t most_requests = 6;

/// XEP-0124 14: random and large, and so far below 2^53 that no session gets there.
std::uint64_t first_rid(std::uint64_t random) noexcept {
  return (std::uint64_t{1} << 51U) | (random & ((std::uint64_t{1} << 51U) - 1));
}

/// Four fifths of what the server allows, so that we are in time.
duration in_time(seconds allowed) noexcept { return duration{allowed} * 4 / 5; }

} // namespace

void bosh_session::open(std::uint64_t random, std::string_view seed, instant now) {
  phase_ = phase::creating;
  next_rid_ = first_rid(random);
  answered_rid_ = next_rid_ - 1;
  if (options_.uses_keys) keys_ = key_sequence{seed};
  last_answer_ = now;
  add(content::empty, {}, now);
}

void bosh_session::resume(const bosh_snapshot& kept, instant now) {
  phase_ = phase::open;
  terms_ = kept.terms;
  next_rid_ = kept.rid + 1;
  answered_rid_ = kept.rid - 1;
  keys_ = key_sequence{kept.key_seed, kept.keys_left};
  last_keys_ = kept.keys;
  last_answer_ = now;
  request& last = requests_.emplace_back();
  last.rid = kept.rid;
  last.keys = kept.keys;
  last.body = write_body(last, {});
  post(last, now);
}

bosh_snapshot bosh_session::snapshot() const {
  return {.terms = terms_,
          .rid = last_rid(),
          .keys = last_keys_,
          .key_seed = keys_.seed(),
          .keys_left = keys_.left(),
          .is_paused = is_paused_};
}

bool bosh_session::send(std::string_view stanzas) {
  if (phase_ != phase::open || stanzas.size() > most_waiting_bytes - waiting_.size()) return false;
  waiting_ += stanzas;
  return true;
}

void bosh_session::restart() { wants_restart_ = true; }

bool bosh_session::pause(instant now) {
  if (phase_ != phase::open || terms_.maxpause <= seconds{0} || requests_.size() >= most_requests)
    return false;
  add(content::pause, {}, now);
  is_paused_ = true;
  paused_until_ = now + in_time(terms_.maxpause);
  return true;
}

void bosh_session::terminate(std::string_view last_stanzas, instant now) {
  if (phase_ != phase::open) return finish(session_end::finished);
  for (request& r : requests_) // or the server would wait for these before it reads the last one
    if (!r.answer && !r.is_on_its_way) r.repeat_at = now;
  const std::string all = waiting_ + std::string{last_stanzas};
  waiting_.clear();
  add(content::terminate, all, now);
  phase_ = phase::terminating;
  ends_at_ = now + short_deadline;
}

// ---- Requests -----------------------------------------------------------------------------------

void bosh_session::add(content what, std::string_view stanzas, instant now) {
  key_sequence keys = keys_; // nothing has changed where memory runs out
  request made{.rid = next_rid_, .what = what, .keys = keys.next(), .repeat_at = now};
  made.body = write_body(made, stanzas);
  request_keys kept = made.keys;
  requests_.push_back(std::move(made));
  ++next_rid_;
  keys_ = std::move(keys);
  last_keys_ = std::move(kept);
  is_paused_ = false;
  try {
    post(requests_.back(), now);
  } catch (const std::bad_alloc&) { // it is due: the next advance() posts it
  }
}

std::string bosh_session::write_body(const request& of, std::string_view stanzas) const {
  const bool is_creation = phase_ == phase::creating;
  xml_writer xml;
  xml.open("body", httpbind_space).attribute("rid", decimal{of.rid}.view());
  if (!is_creation) xml.attribute("sid", terms_.sid);
  if (!of.keys.key.empty()) xml.attribute("key", of.keys.key);
  if (!of.keys.newkey.empty()) xml.attribute("newkey", of.keys.newkey);
  const auto number = [](auto n) { return decimal{static_cast<std::uint64_t>(n)}; };
  if (is_creation) { // XEP-0124 7.1, XEP-0206 2
    const seconds wait = options_.mode == bosh_mode::sparse ? seconds{1} : options_.wait;
    xml.attribute("content", "text/xml; charset=utf-8").attribute("ver", "1.11");
    xml.attribute("wait", number(wait.count()).view()).attribute("hold", "1");
    if (!options_.from.empty()) xml.attribute("from", options_.from);
    if (!options_.route.empty()) xml.attribute("route", options_.route);
    if (options_.wants_acks) xml.attribute("ack", "1");
    xml.attribute("xmpp:version", "1.0");
  } else if (terms_.acks && answered_rid_ + 1 != of.rid) { // XEP-0124 9.1
    xml.attribute("ack", decimal{answered_rid_}.view());
  }
  if (is_creation || of.what == content::restart)
    xml.attribute("to", options_.domain)
        .attribute("xml:lang", options_.language)
        .attribute("xmlns:xmpp", xbosh_space);
  if (of.what == content::restart) xml.attribute("xmpp:restart", "true");
  if (of.what == content::pause) xml.attribute("pause", number(terms_.maxpause.count()).view());
  if (of.what == content::terminate) xml.attribute("type", "terminate");
  xml.written(stanzas).close();
  return std::move(xml).take();
}

void bosh_session::post(request& r, instant now) {
  const bool is_short = r.what == content::pause || r.what == content::terminate;
  const seconds deadline = phase_ == phase::creating      ? creation_deadline
                           : r.what == content::pause     ? pause_deadline
                           : r.what == content::terminate ? short_deadline
                                                          : terms_.wait + way_there_and_back;
  posts_.push_back(
      {.rid = r.rid, .body = r.body, .deadline = deadline, .needs_own_connection = is_short});
  r.is_on_its_way = true;
  r.repeat_at = never;
  r.sent_at = last_sent_ = now;
  if (r.attempts < UINT8_MAX) ++r.attempts;
}

bosh_session::request* bosh_session::find(std::uint64_t rid) noexcept {
  const auto found = std::ranges::find(requests_, rid, &request::rid);
  return found == requests_.end() ? nullptr : &*found;
}

std::size_t bosh_session::unanswered() const noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(requests_, &request::counts));
}

/// XEP-0124 14.2: what was not answered is repeated before anything else is said.
bool bosh_session::may_go_on() const noexcept {
  return requests_.size() < most_requests && std::ranges::all_of(requests_, [](const request& r) {
           return !r.counts() || r.is_on_its_way;
         });
}

bool bosh_session::has_room() const noexcept {
  return phase_ == phase::open && waiting_.empty() && may_go_on() && unanswered() < terms_.requests;
}

/// XEP-0124 11 and 12.
bool bosh_session::is_polling() const noexcept {
  return terms_.hold == 0 || terms_.wait == seconds{0} || terms_.requests == 1;
}

duration bosh_session::inactivity() const noexcept {
  const seconds told = terms_.inactivity > seconds{0} ? terms_.inactivity : default_inactivity;
  return is_paused_ ? std::max(told, terms_.maxpause) : told;
}

/// When silence must end.
instant bosh_session::next_empty() const noexcept {
  if (is_paused_) return paused_until_;
  if (!is_sparse()) return last_answer_;
  return last_answer_ +
         in_time(terms_.inactivity > seconds{0} ? terms_.inactivity : default_inactivity);
}

/// ejabberd ends a polling session for any request that comes too early, with stanzas or without.
instant bosh_session::earliest_request() const noexcept {
  if (!is_polling()) return instant::min();
  return last_sent_ + (terms_.polling > seconds{0} ? terms_.polling : default_polling);
}

void bosh_session::advance(instant now) {
  if (phase_ == phase::idle || phase_ == phase::over) return;
  if (phase_ == phase::terminating && now >= ends_at_) return finish(session_end::finished);
  for (request& r : requests_)
    if (!r.answer && r.repeat_at <= now) post(r, now);
  if (phase_ != phase::open || !may_go_on() || now < earliest_request()) return;
  const bool has_free_request = unanswered() < terms_.requests;
  if (wants_restart_) {
    if (!has_free_request) return;
    wants_restart_ = false;
    add(content::restart, {}, now);
  } else if (!waiting_.empty()) {
    if (!has_free_request) return;
    add(content::stanzas, waiting_, now);
    waiting_.clear();
  } else if (unanswered() != 0) {
    return;
  } else if (now >= next_empty()) {
    add(content::empty, {}, now);
  } else if (is_sparse() && !is_paused_) {
    pause(now); // then the silence may last for longer
  }
}

instant bosh_session::next_due() const noexcept {
  if (phase_ == phase::idle || phase_ == phase::over) return never;
  instant next = phase_ == phase::terminating ? ends_at_ : never;
  for (const request& r : requests_)
    if (!r.answer) next = std::min(next, r.repeat_at);
  if (phase_ != phase::open || !may_go_on()) return next;
  if (wants_restart_ || !waiting_.empty()) {
    if (unanswered() < terms_.requests) next = std::min(next, earliest_request());
  } else if (unanswered() == 0) {
    next = std::min(next, std::max(next_empty(), earliest_request()));
  }
  return next;
}

// ---- Answers ------------------------------------------------------------------------------------

std::vector<xml_element> bosh_session::on_answer(std::uint64_t rid, unsigned status,
                                                 std::string_view body, instant now) {
  std::vector<xml_element> told;
  request* const r = find(rid);
  if (!r || r->answer || phase_ == phase::over) return told;
  r->is_on_its_way = false;
  r->repeat_at = now; // unless something better is known below; memory may run out there
  if (status == 400 || status == 403 || status == 404) {
    // XEP-0124 17.1: the conditions of old managers.
    if (status == 400) return on_refused(*r, now), told;
    return finish(status == 404 ? session_end::item_not_found : session_end::policy_violation),
           told;
  }
  auto answer = status == 200 ? read_bosh_answer(body) : std::nullopt;
  if (answer) {
    take_answer(*r, std::move(*answer), now, told);
  } else if (phase_ == phase::creating) {
    finish(status == 200 ? session_end::bad_answer : session_end::unreachable);
  } else {
    note_trouble(*r, now); // something between us and the server has answered
  }
  return told;
}

void bosh_session::take_terms(bosh_answer& answer) {
  if (answer.terms.sid.empty()) return finish(session_end::bad_answer); // XEP-0124 7.2
  terms_ = std::move(answer.terms);
  terms_.wait =
      std::min(terms_.wait, options_.mode == bosh_mode::sparse ? seconds{1} : options_.wait);
  terms_.acks = terms_.acks && options_.wants_acks;
  phase_ = phase::open;
}

void bosh_session::take_answer(request& r, bosh_answer&& answer, instant now,
                               std::vector<xml_element>& told) {
  if (answer.what == bosh_answer::kind::repeat) {
    if (phase_ == phase::creating || ++repeats_asked_ > most_repeats_asked)
      return finish(session_end::bad_answer);
    return repeat_unanswered(now); // XEP-0124 17.3: all of them, as they were
  }
  last_answer_ = now;
  trouble_since_ = never;
  if (answer.what == bosh_answer::kind::terminate) {
    for (request& before : requests_)
      if (before.answer) std::ranges::move(before.answer->stanzas, std::back_inserter(told));
    std::ranges::move(answer.stanzas, std::back_inserter(told));
    other_uri_ = std::move(answer.uri);
    return finish(phase_ == phase::terminating ? session_end::finished : answer.condition);
  }
  repeats_asked_ = 0;
  if (phase_ == phase::creating) {
    take_terms(answer);
    if (phase_ == phase::over) return;
  }
  if (r.what == content::terminate) return finish(session_end::finished);
  r.repeat_at = never;
  const auto report = answer.report;
  r.answer = std::move(answer);
  tell_in_order(told, now);
  if (report) // XEP-0124 9.3: its answer was lost, perhaps
    if (request* const lost = find(*report); lost && lost->counts()) lost->repeat_at = now;
}

/// XEP-0124 14.2: answers count in the order of their requests, whichever connection was faster.
void bosh_session::tell_in_order(std::vector<xml_element>& told, instant now) {
  const auto is_answered = [](const request& r) { return r.answer.has_value(); };
  while (!requests_.empty()) {
    request& first = requests_.front();
    // A later answer is here: ejabberd never answers a pause.
    if (!first.answer && first.what == content::pause &&
        std::ranges::any_of(requests_, is_answered)) {
      requests_.erase(requests_.begin());
      continue;
    }
    if (!first.answer) break;
    answered_rid_ = first.rid;
    std::ranges::move(first.answer->stanzas, std::back_inserter(told));
    requests_.erase(requests_.begin());
  }
  if (std::ranges::any_of(requests_, is_answered))
    for (request& r : requests_)
      if (!r.answer) r.repeat_at = std::min(r.repeat_at, now + order_gap);
}

void bosh_session::repeat_unanswered(instant now) {
  for (request& r : requests_)
    if (!r.answer) r.repeat_at = now;
}

void bosh_session::repeat_all(instant at) noexcept {
  posts_.clear();
  for (request& r : requests_) {
    if (r.answer) continue;
    r.is_on_its_way = false;
    r.repeat_at = at;
  }
}

/// HTTP 400. On ejabberd such a request has not used its rid: without a request of that rid all
/// later ones would be held for ever.
void bosh_session::on_refused(request& r, instant now) {
  if (phase_ == phase::creating) return finish(session_end::bad_request);
  if (r.what != content::stanzas)
    return finish(phase_ == phase::terminating ? session_end::finished
                                               : session_end::item_not_found);
  r.what = content::empty;
  r.body = write_body(r, {});
  r.repeat_at = now;
  ++emptied_;
}

void bosh_session::on_failed(std::uint64_t rid, bool was_sent, instant now) {
  request* const r = find(rid);
  if (!r || r->answer || phase_ == phase::over) return;
  r->is_on_its_way = false;
  if (phase_ == phase::creating) return finish(session_end::unreachable);
  if (r->what == content::terminate) return finish(session_end::finished);
  if (r->what != content::pause) return note_trouble(*r, now);
  // Its answer may never come; it must have arrived, or the server misses its rid.
  if (!was_sent && r->attempts < 3) r->repeat_at = now + seconds{1};
}

/// Something between us and the server, or the server, is in trouble: the same again, later and
/// later, until the server must have forgotten the session.
void bosh_session::note_trouble(request& r, instant now) {
  // One that was held for a while had reached the server: the session lives from here on.
  if (trouble_since_ == never || now - r.sent_at > short_deadline) trouble_since_ = now;
  if (now - trouble_since_ >= inactivity()) return finish(session_end::unreachable);
  const auto doubled = seconds{1U << std::min(r.attempts - 1, 4)} / 2;
  r.repeat_at = now + (r.attempts <= 1 ? seconds{0} : std::min(doubled, longest_delay));
  for (request& before : requests_) // a pause that may not have arrived
    if (before.rid < r.rid && before.what == content::pause && !before.is_on_its_way)
      before.repeat_at = r.repeat_at;
}

void bosh_session::finish(session_end why) noexcept {
  phase_ = phase::over;
  end_ = why;
  requests_.clear();
  posts_.clear();
  waiting_.clear();
}

} // namespace tandem::xmpp
