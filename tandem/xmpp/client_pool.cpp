// SPDX-License-Identifier: Apache-2.0
#include <tandem/xmpp/client_pool.hpp>

#include <tandem/base/log.hpp>
#include <tandem/base/printable.hpp>
#include <tandem/base/random.hpp>
#include <tandem/base/slot_map.hpp>
#include <tandem/base/sparse_log.hpp>
#include <tandem/http/client.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <new>
#include <unordered_map>
#include <utility>

namespace tandem::xmpp {

namespace {

constexpr std::size_t own_connections = 3; ///< held, news, and one for a pause or the end
constexpr std::size_t lone_connections = 256;
constexpr duration stop_limit = seconds{6};
constexpr duration memory_pause = seconds{1};
/// An answer holds stanzas of others; what is larger ends the request.
constexpr http::message_limits answer_limits{.header = std::size_t{16} * 1024,
                                             .body = std::size_t{256} * 1024};

} // namespace

class client_pool::impl final : public std::enable_shared_from_this<client_pool::impl> {
 public:
  impl(io::shard& loop, pool_options options, pool_events events)
      : loop_{loop}, options_{std::move(options)}, events_{std::move(events)}, login_timer_{*this},
        stop_timer_{*this} {}

  struct member;
  using key = handle<member>;

  /// A request on its way.
  struct exchange {
    std::uint64_t rid;
    http::client* by;
    http::client::key request;
  };

  struct member final : timer {
    member(impl& of, std::string own_name, std::shared_ptr<const account> own_account)
        : owner{of}, name{std::move(own_name)}, url{own_account->url},
          is_held{own_account->mode == bosh_mode::held}, machine{std::move(own_account),
                                                                 random_bits} {}
    void on_timer(instant now) override { owner.advance(self, now); }

    impl& owner;
    key self;
    std::string name;
    http::url url;
    bool is_held;
    client machine;
    client_state told = client_state::offline;
    bool is_removed = false;
    bool is_waiting_for_login = false;
    std::uint32_t resumed = 0;
    std::unique_ptr<http::client> own; ///< of a held one
    std::vector<exchange> exchanges;
    std::vector<bosh_post> unkept; ///< wait until the snapshot is kept
    std::uint64_t snapshots = 0;   ///< that were given to the store
  };

  bool add(const std::string& name, account of) {
    if (is_stopping_ || members_.size() >= options_.most_clients || by_name_.contains(name))
      return false;
    const bool is_full =
        (held_ + 1) * own_connections + options_.shared_connections + lone_connections >
        options_.most_connections;
    if (of.mode == bosh_mode::held && is_full) {
      of.mode = bosh_mode::sparse;
      complaint_.warning(loop_.now(), "XMPP: {} is sparse: {} connections are the bound", name,
                         options_.most_connections);
    }
    const key k = members_.emplace(*this, name, std::make_shared<const account>(std::move(of)));
    member& m = *members_.find(k);
    m.self = k;
    try {
      by_name_.emplace(name, k);
    } catch (...) {
      members_.erase(k);
      throw;
    }
    if (m.is_held) ++held_;
    restore(m);
    drain(k);
    return true;
  }

  void remove(const std::string& name) {
    member* const m = find(name);
    if (!m) return;
    m->is_removed = true;
    m->machine.show({}, loop_.now());
    drain(m->self);
  }

  bool show(const std::string& name, const presence& what) {
    member* const m = find(name);
    if (!m || m->is_removed) return false;
    if (is_stopping_) return true;
    m->machine.show(what, loop_.now());
    drain(m->self);
    return true;
  }

  [[nodiscard]] member* find(const std::string& name) {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : members_.find(found->second);
  }

  void stop(ending how, std::function<void()> done) {
    is_stopping_ = true;
    stopped_ = std::move(done);
    logins_.clear();
    loop_.timers().arm(stop_timer_, loop_.now() + stop_limit);
    std::vector<key> all;
    members_.for_each([&](key k, member&) { all.push_back(k); });
    for (const key k : all) {
      member& m = *members_.find(k);
      if (how == ending::keep)
        m.machine.suspend(loop_.now());
      else
        m.machine.show({}, loop_.now());
      m.cancel(); // nothing but what is on its way
      drain(k);
    }
    keeps_ = how == ending::keep;
    loop_.post([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->end_if_done();
    });
  }

  void close() {
    is_stopping_ = is_closed_ = true;
    stopped_ = nullptr;
    login_timer_.cancel();
    stop_timer_.cancel();
    std::vector<key> all;
    members_.for_each([&](key k, member&) { all.push_back(k); });
    for (const key k : all) members_.erase(k);
    by_name_.clear();
    shared_.clear();
    lone_.clear();
  }

  void advance(key k, instant now) {
    member* const m = members_.find(k);
    if (!m) return;
    guard(k, [&] {
      m->machine.advance(now);
      drain(k);
    });
  }

  pool_statistics statistics;

  [[nodiscard]] pool_statistics current_statistics() const {
    pool_statistics s = statistics;
    s.clients = members_.size();
    s.held = held_;
    s.waiting = logins_.size();
    return s;
  }

 private:
  struct login_tick final : timer {
    explicit login_tick(impl& of) : owner{of} {}
    void on_timer(instant) override { owner.let_log_in(); }
    impl& owner;
  };
  struct stop_limit_timer final : timer {
    explicit stop_limit_timer(impl& of) : owner{of} {}
    void on_timer(instant) override { owner.end(); }
    impl& owner;
  };

  /// What memory runs out for is this member's alone: it begins again with what it has under way.
  template <typename Work>
  void guard(key k, Work&& work) {
    try {
      work();
    } catch (const std::bad_alloc&) {
      member* const m = members_.find(k);
      if (!m) return;
      give_up_quietly(*m);
      m->unkept.clear();
      const instant later = loop_.now() + memory_pause;
      m->machine.repeat_all(later);
      loop_.timers().arm(*m, later);
    }
  }

  // ---- What a machine wants ---------------------------------------------------------------------

  void restore(member& m) {
    if (!options_.store) return;
    const auto found = options_.store->found().find(m.name);
    if (found == options_.store->found().end()) return;
    const stored_session& kept = found->second;
    const auto url = http::url::parse(kept.url);
    if (!url || url->is_secure != m.url.is_secure || url->host != m.url.host) {
      options_.store->erase(m.name);
      return;
    }
    m.url = *url;
    // A clock that was set back makes it young; it is tried then.
    const milliseconds since{std::max<std::int64_t>(wall_milliseconds() - kept.kept_at, 0)};
    m.machine.restore(kept.snapshot, since, loop_.now());
  }

  /// Carries out what the machine wants. It may end the member.
  void drain(key k) {
    member* const m = members_.find(k);
    if (!m) return;
    client_effects effects = m->machine.take_effects();
    if (effects.gives_up) give_up(*m);
    if (!effects.url.empty()) move(*m, effects.url);
    if (options_.store && effects.forgets) options_.store->erase(m->name);
    if (options_.store && effects.keeps)
      keep(*m, std::move(effects.posts));
    else
      post_in_order(*m, std::move(effects.posts));
    note(*m, effects);
    settle(*m);
    tell(k, effects);
  }

  /// Written ahead: the requests leave when it is kept.
  void keep(member& m, std::vector<bosh_post> posts) {
    std::ranges::move(posts, std::back_inserter(m.unkept));
    options_.store->put(m.name, {.url = m.url.origin() + m.url.path,
                                 .snapshot = m.machine.snapshot(),
                                 .kept_at = wall_milliseconds()});
    options_.store->when_kept(loop_,
                              [weak = weak_from_this(), k = m.self, number = ++m.snapshots](bool) {
                                const auto self = weak.lock();
                                member* const of = self ? self->members_.find(k) : nullptr;
                                // Where it could not be written (which the store has logged)
                                // another process will find what is too old, and log in; this one
                                // goes on.
                                if (of && of->snapshots == number)
                                  for (const bosh_post& one : std::exchange(of->unkept, {}))
                                    self->post(*of, one);
                                if (self) self->end_if_done();
                              });
  }
  void post_in_order(member& m, std::vector<bosh_post> posts) {
    if (!m.unkept.empty())
      std::ranges::move(posts, std::back_inserter(m.unkept));
    else
      for (const bosh_post& one : posts) post(m, one);
  }

  void post(member& m, const bosh_post& one) {
    if (const auto before = std::ranges::find(m.exchanges, one.rid, &exchange::rid);
        before != m.exchanges.end()) {
      before->by->cancel(before->request);
      m.exchanges.erase(before);
    }
    try {
      m.exchanges.reserve(m.exchanges.size() + 1);
      http::client& by = carrier(m, one.needs_own_connection);
      const http::request request{.method = "POST",
                                  .target = m.url.path,
                                  .headers = {{"Content-Type", "text/xml; charset=utf-8"}},
                                  .body = one.body};
      const auto sent = by.send(request, one.deadline,
                                [this, k = m.self, rid = one.rid](http::client_result&& outcome) {
                                  take_outcome(k, rid, outcome);
                                });
      m.exchanges.push_back({.rid = one.rid, .by = &by, .request = sent});
      ++statistics.requests;
    } catch (const std::bad_alloc&) {
      m.machine.on_failed(one.rid, false, loop_.now());
      loop_.timers().arm(m, loop_.now() + memory_pause);
    }
  }

  /// Whoever carries a request: connections of the member's own, or those that sparse ones share.
  http::client& carrier(member& m, bool is_lone) {
    if (m.is_held) {
      if (!m.own) m.own = make_carrier(m.url, own_connections);
      return *m.own;
    }
    auto& all = is_lone ? lone_ : shared_;
    auto& of_server = all[m.url.origin()];
    if (!of_server)
      of_server = make_carrier(m.url, is_lone ? lone_connections : options_.shared_connections);
    return *of_server;
  }
  std::unique_ptr<http::client> make_carrier(const http::url& to, std::size_t connections) {
    return std::make_unique<http::client>(
        loop_, http::client_options{.server = to,
                                    .tls = options_.tls,
                                    .names = options_.names,
                                    .most_connections = connections,
                                    .most_waiting = options_.most_clients,
                                    .idle_limit = options_.idle_limit,
                                    .limits = answer_limits});
  }

  void take_outcome(key k, std::uint64_t rid, const http::client_result& outcome) {
    const auto alive = shared_from_this();
    member* const m = members_.find(k);
    if (!m) return;
    std::erase_if(m->exchanges, [&](const exchange& e) { return e.rid == rid; });
    guard(k, [&] {
      if (outcome)
        m->machine.on_answer(rid, outcome->status, outcome->body, loop_.now());
      else
        fail_request(*m, rid, outcome.error());
      drain(k);
    });
    end_if_done();
  }
  void fail_request(member& m, std::uint64_t rid, const http::client_error& why) {
    if (why.kind == http::failure::unreachable)
      complaint_.notice(loop_.now(), "XMPP: {}: {}", m.name, to_printable(why.detail));
    m.machine.on_failed(rid, why.was_sent, loop_.now());
  }

  void give_up(member& m) {
    give_up_quietly(m);
    m.unkept.clear();
    ++m.snapshots; // what is on its way to the store releases nothing
    if (const auto why = m.machine.last_end()) ++statistics.ends[static_cast<std::size_t>(*why)];
  }
  void move(member& m, const std::string& to) {
    const auto url = http::url::parse(to);
    if (!url) return;
    m.url = *url;
    m.own.reset(); // its requests have been given up
  }

  void note(member& m, const client_effects& effects) {
    if (effects.published) {
      ++statistics.published;
      statistics.slowest_publish = std::max(statistics.slowest_publish, *effects.published);
    }
    statistics.resumed += m.machine.resumed() - std::exchange(m.resumed, m.machine.resumed());
    for (const std::string& text : effects.alarms) log_warning("XMPP: {}: {}", m.name, text);
  }

  /// Timer and login of a member after each input.
  void settle(member& m) {
    const bool waits = m.machine.state() == client_state::queued;
    if (waits && !m.is_waiting_for_login && !is_stopping_) {
      m.is_waiting_for_login = true;
      logins_.push_back(m.self);
      if (!login_timer_.is_armed()) loop_.timers().arm(login_timer_, next_login_);
    }
    const instant due = m.machine.next_due();
    if (due == client::never || (is_stopping_ && keeps_))
      m.cancel();
    else if (due > loop_.now())
      loop_.timers().arm(m, due);
    else
      loop_.timers().arm(m, loop_.now() + timer_wheel::tick);
  }

  void tell(key k, const client_effects& effects) {
    member* m = members_.find(k);
    const std::string name = m->name;
    const client_state now = m->machine.state();
    const bool is_new = std::exchange(m->told, now) != now;
    if (m->is_removed && (now == client_state::offline || now == client_state::stopped)) erase(*m);
    if (!events_.on_state && !events_.on_message && !events_.on_alarm) return;
    if (!is_new && effects.messages.empty() && effects.alarms.empty()) return;
    loop_.post([weak = weak_from_this(), name, now, is_new, messages = effects.messages,
                alarms = effects.alarms] {
      const auto self = weak.lock();
      if (!self || self->is_closed_) return;
      if (is_new && self->events_.on_state) self->events_.on_state(name, now);
      for (const auto& one : messages)
        if (self->events_.on_message && !self->is_closed_) self->events_.on_message(name, one);
      for (const auto& one : alarms)
        if (self->events_.on_alarm && !self->is_closed_) self->events_.on_alarm(name, one);
    });
  }

  void erase(member& m) {
    give_up_quietly(m);
    if (m.is_held) --held_;
    by_name_.erase(m.name);
    members_.erase(m.self);
  }
  static void give_up_quietly(member& m) noexcept {
    std::vector<exchange> all;
    all.swap(m.exchanges);
    for (const exchange& e : all) e.by->cancel(e.request);
  }

  /// One login, and the next one a little later.
  void let_log_in() {
    while (!logins_.empty()) {
      const key k = logins_.front();
      logins_.pop_front();
      member* const m = members_.find(k);
      if (!m) continue;
      m->is_waiting_for_login = false;
      if (m->machine.state() != client_state::queued) continue;
      next_login_ = loop_.now() + duration{seconds{1}} / std::max(options_.logins_per_second, 1U);
      ++statistics.logins;
      m->machine.begin_login(loop_.now());
      drain(k);
      break;
    }
    if (!logins_.empty()) loop_.timers().arm(login_timer_, next_login_);
  }

  // ---- The end
  // ------------------------------------------------------------------------------------

  void end_if_done() {
    if (!stopped_) return;
    bool is_done = true;
    members_.for_each([&](key, member& m) {
      const client_state now = m.machine.state();
      const bool is_quiet =
          keeps_ ? m.unkept.empty() && std::ranges::none_of(m.exchanges,
                                                            [&](const exchange& e) {
                                                              return m.machine.is_pausing(e.rid);
                                                            })
                 : now == client_state::offline || now == client_state::stopped;
      is_done = is_done && is_quiet;
    });
    if (is_done) end();
  }
  void end() {
    stop_timer_.cancel();
    if (const auto done = std::exchange(stopped_, nullptr)) done();
  }

  io::shard& loop_;
  pool_options options_;
  pool_events events_;
  slot_map<member> members_;
  std::unordered_map<std::string, key> by_name_;
  std::map<std::string, std::unique_ptr<http::client>> shared_; ///< by origin
  std::map<std::string, std::unique_ptr<http::client>> lone_;   ///< for what is never answered
  std::deque<key> logins_;
  instant next_login_{};
  login_tick login_timer_;
  stop_limit_timer stop_timer_;
  std::size_t held_ = 0;
  bool is_stopping_ = false;
  bool is_closed_ = false;
  bool keeps_ = false;
  std::function<void()> stopped_;
  sparse_log complaint_;
};

client_pool::client_pool(io::shard& loop, pool_options options, pool_events events)
    : impl_{std::make_shared<impl>(loop, std::move(options), std::move(events))} {}
client_pool::~client_pool() { impl_->close(); }

bool client_pool::add(const std::string& name, account of) {
  return impl_->add(name, std::move(of));
}
void client_pool::remove(const std::string& name) { impl_->remove(name); }
bool client_pool::show(const std::string& name, const presence& what) {
  return impl_->show(name, what);
}
std::optional<client_state> client_pool::state_of(const std::string& name) const {
  const auto* const m = impl_->find(name);
  return m ? std::optional{m->machine.state()} : std::nullopt;
}
std::string client_pool::resource_of(const std::string& name) const {
  const auto* const m = impl_->find(name);
  return m ? m->machine.resource() : std::string{};
}
pool_statistics client_pool::statistics() const { return impl_->current_statistics(); }
void client_pool::stop(ending how, std::function<void()> done) {
  impl_->stop(how, std::move(done));
}

} // namespace tandem::xmpp
