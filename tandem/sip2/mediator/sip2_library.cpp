// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/sip2_library.hpp>

#include <tandem/base/log.hpp>

#include <algorithm>
#include <new>
#include <utility>

#include <fmt/format.h>

namespace tandem::sip2 {
namespace {

using blame = library_failure::blame;

message login_answer(bool is_accepted) {
  return message{code::login_response, {is_accepted ? "1" : "0"}};
}

library_failure make_failure(backend_failure kind, blame what, std::string_view detail) {
  return {{kind, 0, std::string{detail}, {}}, what, false};
}

} // namespace

/// A message on its way, or one that waits for a connection.
struct sip2_library::job {
  job(sip2_library& of, const backend_request& r, instant until, done_handler d)
      : content{r.content}, session{r.session}, order{r.order}, is_proved{r.has_proved_login},
        end{until}, done{std::move(d)}, counted{of.in_flight_} {
    ++*counted;
    const bool may_keep = r.keeps_connection && !r.is_transient;
    is_own = may_keep && of.options_.upstream->sessions == upstream_sessions::own;
  }
  ~job() { --*counted; }
  job(const job&) = delete;
  job& operator=(const job&) = delete;

  [[nodiscard]] bool is_login() const noexcept { return content.code == code::login; }

  message content;
  std::string session;
  field_order order;
  bool is_proved;
  bool is_own = false;
  bool has_begun_twice = false; ///< the first connection broke before anything was sent
  instant end;
  done_handler done;
  std::shared_ptr<std::size_t> counted;
};

/// A connection, and what is asked on it.
struct sip2_library::slot final : upstream_link_user {
  slot(sip2_library& of, upstream_link_setup setup, std::string of_session)
      : owner{of}, session{std::move(of_session)}, link{of.loop_, std::move(setup), *this} {}

  void on_ready(upstream_link&) override { owner.run(*this); }
  void on_answer(upstream_link&, message&& answer) override {
    owner.take_answer(*this, std::move(answer));
  }
  void on_over(upstream_link&, library_failure&& why) override {
    owner.take_end(*this, std::move(why));
  }

  sip2_library& owner;
  std::string session; ///< whose own it is; empty: shared
  bool is_old = false; ///< of a shared one: the configuration was read again meanwhile; of an own
                       ///< one: its session is over
  std::unique_ptr<job> on;
  std::deque<std::unique_ptr<job>> waiting; ///< of the same session
  upstream_link link;
};

/// A connection for probes alone. With a login of the mediator it stays; else whoever answers, or
/// hangs up on somebody without a login, is well.
struct sip2_library::prober final : upstream_link_user {
  explicit prober(sip2_library& of) : owner{of} {}

  void ask(instant until, probe_handler handler) {
    done = std::move(handler);
    end = until;
    if (link && link->is_usable()) return put();
    std::optional<message> login;
    if (owner.options_.upstream->login) login = make_upstream_login(*owner.options_.upstream);
    link.emplace(owner.loop_, owner.make_setup(std::move(login)), *this);
    link->open(until);
  }
  void put() { link->ask(message{code::sc_status, {"0", "999", "2.00"}}, end); }

  void on_ready(upstream_link&) override {
    if (done) put();
  }
  void on_answer(upstream_link&, message&& answer) override {
    tell(answer.fixed.starts_with('N') ? "it says that it is off-line" : "");
  }
  void on_over(upstream_link& l, library_failure&& why) override {
    const bool is_known_login = owner.options_.upstream->login.has_value();
    const bool is_there =
        !is_known_login && l.has_connected() && why.error.kind != backend_failure::timed_out;
    tell(is_there ? std::string{} : why.error.detail);
  }
  void tell(const std::string& problem) {
    if (const auto handler = std::exchange(done, nullptr)) handler(problem, true);
  }

  sip2_library& owner;
  probe_handler done;
  instant end{};
  std::optional<upstream_link> link;
};

sip2_library::sip2_library(io::shard& loop, const library_url& at,
                           const backend_pool_options& options, const io::tls_context& tls,
                           upstream_logins& logins)
    : loop_{loop}, at_{at}, options_{options}, tls_{tls}, logins_{logins} {}

sip2_library::~sip2_library() = default;

// --- who is asked on which connection
// -------------------------------------------------------------

message make_upstream_login(const upstream_profile& p) {
  message m{code::login, {"0", "0"}};
  m.add(field_id{"CN"}, p.login.value_or("")).add(field_id{"CO"}, p.password.reveal());
  m.add_if(field_id{"CP"}, p.location);
  return m;
}

/// What a new connection for this job begins with.
std::optional<message> sip2_library::find_login(const job& j) const {
  if (options_.upstream->login) return make_upstream_login(*options_.upstream);
  // On a connection of its own a terminal logs in by its own message.
  if (j.is_login()) return is_settled_by_login(j) ? std::optional{j.content} : std::nullopt;
  const auto* known = logins_.find(j.session);
  if (!known) return std::nullopt;
  auto m = from_json(known->reveal());
  return m ? std::optional{std::move(*m)} : std::nullopt;
}

/// The login is what the job is about: a connection that has it is the answer.
bool sip2_library::is_settled_by_login(const job& j) const {
  const auto& p = *options_.upstream;
  return j.is_login() && (p.login || p.dialogue == upstream_dialogue::telnet || !j.is_own);
}

upstream_link_setup sip2_library::make_setup(std::optional<message> login) const {
  return {.at = at_,
          .profile = options_.upstream,
          .tls = tls_,
          .names = options_.names,
          .connect_deadline = options_.connect_deadline,
          .login = std::move(login)};
}

void sip2_library::send(const backend_request& request, duration left, done_handler done) {
  auto j = std::make_unique<job>(*this, request, loop_.now() + left, std::move(done));
  if (request.content.code == code::end_session) {
    forget(request.session);
    return finish_later(std::move(j), backend_answer{message{code::end_session_done}, {}});
  }
  if (j->is_login() && options_.upstream->login && !j->is_proved) {
    // The library knows the mediator alone, so that nobody has looked at this password.
    log_warning("{}: the login of a terminal was refused: with a login of the mediator, terminals "
                "need an [[account]] with a password",
                at_.to_string());
    return finish_later(std::move(j), backend_answer{login_answer(false), {}});
  }
  place(std::move(j));
}

void sip2_library::place(std::unique_ptr<job> j) {
  if (j->is_own) return place_own(std::move(j));
  if (waiting_.empty() && place_shared(j)) return;
  if (waiting_.size() >= options_.most_waiting)
    return finish_later(std::move(j), fail(make_failure(backend_failure::overloaded, blame::none,
                                                        "too many wait for a connection")));
  if (!is_armed() || j->end < due()) loop_.timers().arm(*this, j->end);
  waiting_.push_back(std::move(j));
}

void sip2_library::place_own(std::unique_ptr<job> j) {
  auto& place = own_[j->session];
  if (place && place->on) {
    place->waiting.push_back(std::move(j));
    return;
  }
  const bool wants_other_login = j->is_login() && !options_.upstream->login &&
                                 options_.upstream->dialogue == upstream_dialogue::telnet;
  if (place && (wants_other_login || !place->link.is_usable())) {
    drop(*place); // which takes the place out of the table
    return place_own(std::move(j));
  }
  if (!place) {
    try {
      place = std::make_unique<slot>(*this, make_setup(find_login(*j)), j->session);
    } catch (const std::bad_alloc&) {
      own_.erase(j->session);
      throw;
    }
  }
  begin(*place, std::move(j));
}

/// \return false: no connection is free; the job stays with the caller.
bool sip2_library::place_shared(std::unique_ptr<job>& j) {
  const auto login = find_login(*j);
  slot* other = nullptr; // idle, with another login
  for (std::size_t i = 0; i < shared_.size();) {
    slot& s = *shared_[i];
    if (s.on) {
      ++i;
    } else if (!s.link.is_usable()) {
      drop(s); // the last one takes its place
    } else if (s.link.login() == login) {
      begin(s, std::move(j));
      return true;
    } else {
      other = &s;
      ++i;
    }
  }
  if (shared_.size() >= options_.most_connections) {
    if (!other) return false;
    drop(*other);
  }
  shared_.push_back(std::make_unique<slot>(*this, make_setup(login), std::string{}));
  begin(*shared_.back(), std::move(j));
  return true;
}

void sip2_library::begin(slot& on, std::unique_ptr<job> j) {
  on.on = std::move(j);
  try {
    if (on.link.is_open())
      run(on);
    else
      on.link.open(on.on->end);
  } catch (const std::bad_alloc&) {
    on.on.reset();
    drop(on);
    throw;
  }
}

/// The connection is ready, and has a job or not.
void sip2_library::run(slot& on) {
  if (!on.on) return go_on(on);
  if (on.on->end <= loop_.now()) {
    finish_later(std::move(on.on), fail(make_failure(backend_failure::overloaded, blame::none,
                                                     "no connection was ready in time")));
    return go_on(on);
  }
  if (!is_settled_by_login(*on.on)) return on.link.ask(on.on->content, on.on->end);
  auto j = std::move(on.on);
  if (!options_.upstream->login) logins_.set(j->session, secret{to_json(j->content)});
  finish_later(std::move(j), backend_answer{login_answer(true), {}});
  go_on(on);
}

// --- what came of it
// ------------------------------------------------------------------------------

void sip2_library::finish_later(std::unique_ptr<job> j, library_reply reply) {
  loop_.post([alive = std::weak_ptr{alive_}, j = std::shared_ptr<job>{std::move(j)},
              reply = std::make_shared<library_reply>(std::move(reply))] {
    if (!alive.expired()) j->done(std::move(*reply));
  });
}

void sip2_library::take_answer(slot& on, message&& answer) {
  const auto j = std::move(on.on);
  try {
    if (j->is_login() && answer.fixed.starts_with('1'))
      logins_.set(j->session, secret{to_json(j->content)});
    if (j->order == field_order::sorted) std::ranges::stable_sort(answer.fields, {}, &field::id);
  } catch (const std::bad_alloc&) { // the next connection does without
  }
  go_on(on);
  j->done(backend_answer{std::move(answer), {}});
}

void sip2_library::take_end(slot& on, library_failure&& why) {
  auto j = std::move(on.on);
  auto waiting = std::exchange(on.waiting, {});
  const bool is_refused = on.link.is_refused();
  drop(on);
  for (auto& w : waiting) place_own(std::move(w));
  if (!j) return pump();
  const auto& p = *options_.upstream;
  if (is_refused && !p.login && j->is_login())
    return finish_later(std::move(j), backend_answer{login_answer(false), {}}), pump();
  if (is_refused && !p.login) { // one that was accepted once
    why.error.kind = backend_failure::status;
    why.what = blame::well;
  } else if (!why.was_sent && why.what == blame::doubt && !j->has_begun_twice) {
    j->has_begun_twice = true; // the server has closed it while it was idle
    return place(std::move(j));
  }
  const std::weak_ptr alive{alive_};
  j->done(fail(std::move(why)));
  if (!alive.expired()) pump();
}

/// A connection without a job: for the next one, or for nobody.
void sip2_library::go_on(slot& on) {
  const bool is_own = !on.session.empty();
  if (!on.link.session().is_sound() || on.is_old) {
    auto waiting = std::exchange(on.waiting, {});
    drop(on);
    for (auto& w : waiting) place_own(std::move(w));
    return pump();
  }
  if (is_own) {
    if (on.waiting.empty()) return;
    auto next = std::move(on.waiting.front());
    on.waiting.pop_front();
    return begin(on, std::move(next));
  }
  on.link.expect_use_by(loop_.now() + options_.idle_limit);
  pump();
}

void sip2_library::pump() {
  while (!waiting_.empty()) {
    auto j = std::move(waiting_.front());
    waiting_.pop_front();
    if (place_shared(j)) continue;
    waiting_.push_front(std::move(j));
    return;
  }
}

/// Closes a connection that has no job. It dies later: we may be in a call of it.
void sip2_library::drop(slot& gone) {
  gone.link.close();
  if (gone_.empty())
    loop_.post([this, alive = std::weak_ptr{alive_}] {
      if (!alive.expired()) gone_.clear();
    });
  if (!gone.session.empty()) {
    const auto found = own_.find(gone.session);
    if (found == own_.end() || found->second.get() != &gone) return;
    gone_.push_back(std::move(found->second));
    own_.erase(found);
    return;
  }
  const auto found = std::ranges::find_if(shared_, [&](const auto& s) { return s.get() == &gone; });
  if (found == shared_.end()) return;
  gone_.push_back(std::move(*found));
  *found = std::move(shared_.back());
  shared_.pop_back();
}

void sip2_library::on_timer(instant now) {
  std::vector<std::unique_ptr<job>> late;
  std::erase_if(waiting_, [&](auto& j) {
    if (j->end > now) return false;
    late.push_back(std::move(j));
    return true;
  });
  const auto first = std::ranges::min_element(waiting_, {}, [](const auto& j) { return j->end; });
  if (first != waiting_.end()) loop_.timers().arm(*this, (*first)->end);
  for (auto& j : late)
    finish_later(std::move(j), fail(make_failure(backend_failure::overloaded, blame::none,
                                                 "no connection was free in time")));
}

// --- the pool's other wishes
// ----------------------------------------------------------------------

void sip2_library::forget(const std::string& session) {
  const auto found = own_.find(session);
  if (found == own_.end()) return;
  if (found->second->on)
    found->second->is_old = true;
  else
    drop(*found->second);
}

bool sip2_library::renew(const io::tls_context& tls) {
  tls_ = tls;
  for (std::size_t i = 0; i < shared_.size();) {
    shared_[i]->is_old = true;
    if (shared_[i]->on)
      ++i;
    else
      drop(*shared_[i]);
  }
  if (prober_ && prober_->link && !prober_->done) prober_.reset();
  return true;
}

void sip2_library::probe(duration left, probe_handler done) {
  if (!prober_) prober_ = std::make_unique<prober>(*this);
  prober_->ask(loop_.now() + left, std::move(done));
}

} // namespace tandem::sip2
