// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/backend_pool.hpp>

#include <tandem/base/log.hpp>
#include <tandem/base/lru_map.hpp>
#include <tandem/base/timer_wheel.hpp>
#include <tandem/sip2/mediator/backend_health.hpp>
#include <tandem/sip2/mediator/http_library.hpp>
#include <tandem/sip2/mediator/sip2_library.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <new>
#include <utility>

namespace tandem::sip2 {

namespace {

/// Sessions whose system is remembered; beyond that the one that was silent for longest is not.
constexpr std::size_t most_sessions = 200'000;
constexpr duration probe_deadline = seconds{5};

/// A request from send() to its reply.
struct exchange {
  backend_request request;
  backend_done done;
  instant end{};
  std::vector<const void*> tried; ///< systems that had their chance
  bool has_repeated = false;
  backend_error error{.kind = backend_failure::circuit_open,
                      .status = 0,
                      .detail = "every back-end is down",
                      .body = {}};
};

} // namespace

class backend_pool::impl final : public std::enable_shared_from_this<backend_pool::impl> {
 public:
  impl(io::shard& loop, backend_pool_options options, io::tls_context tls, observe::metrics* count)
      : loop_{loop}, options_{std::move(options)}, tls_{std::move(tls)}, count_{count} {
    for (const library_url& url : options_.urls) systems_.push_back(make_system(url));
  }

  void stop() {
    stopped_ = true;
    systems_.clear();
    retired_.clear();
  }

  void send(backend_request&& request, backend_done done) {
    auto e = std::make_shared<exchange>();
    e->end = loop_.now() + request.deadline;
    e->request = std::move(request);
    e->done = std::move(done);
    if (!try_next(e))
      loop_.post([weak = weak_from_this(), e] {
        if (const auto self = weak.lock(); self && !self->stopped_)
          self->finish(e, fail(std::move(e->error)));
      });
  }

  [[nodiscard]] bool is_available() const noexcept {
    return std::ranges::any_of(systems_, [](const auto& s) { return s->health.is_up(); });
  }

  /// What is believed of a system that stays, its sessions and its numbers are kept; all get new
  /// connections, since certificates may have changed.
  void replace(backend_pool_options options, io::tls_context tls) {
    options_ = std::move(options);
    tls_ = std::move(tls);
    auto old = std::exchange(systems_, {});
    for (const library_url& url : options_.urls) {
      const auto same =
          std::ranges::find_if(old, [&](const auto& s) { return s && s->name == url.to_string(); });
      if (same == old.end()) {
        systems_.push_back(make_system(url));
        continue;
      }
      (*same)->renew(url);
      systems_.push_back(std::move(*same));
    }
    for (auto& s : old) {
      if (!s) continue;
      s->cancel();
      if (s->cells.up) s->cells.up->set(0);
      sticky_.erase_if([&](const system* kept) { return kept == s.get(); });
      retire(s->server);
    }
  }

  [[nodiscard]] std::vector<backend_state> states() const {
    std::vector<backend_state> all;
    for (const auto& s : systems_)
      all.push_back({.url = s->name,
                     .is_up = s->health.is_up(),
                     .in_flight = s->server->in_flight(),
                     .connections = s->server->connections(),
                     .requests = s->requests,
                     .failures = s->failures,
                     .last_problem = s->health.last_problem()});
    return all;
  }

 private:
  /// Where a system is counted. One set for each name, however often the system comes and goes.
  struct metric_cells {
    gauge* up = nullptr;
    observe::histogram* seconds = nullptr;
    counter* good = nullptr;
    counter* bad = nullptr;
  };

  /// One library system: its connections, and what is believed of it.
  struct system final : timer, std::enable_shared_from_this<system> {
    system(impl& of, const library_url& at, metric_cells counted)
        : owner{of}, name{at.to_string()}, cells{counted}, server{of.make_server(at)},
          health{of.health_settings(*server), of.loop_.now()} {
      owner.plan_probe(*this);
    }
    /// The pool has other options.
    void renew(const library_url& at) {
      if (!server->renew(owner.tls_)) {
        auto fresh = owner.make_server(at);
        owner.retire(server);
        server = std::move(fresh);
      }
      health.use(owner.health_settings(*server), owner.loop_.now());
      owner.plan_probe(*this);
    }

    void on_timer(instant) override { owner.probe(*this); }

    impl& owner;
    std::string name;
    metric_cells cells;
    std::unique_ptr<library_server> server;
    backend_health health;
    std::uint64_t requests = 0;
    std::uint64_t failures = 0;
  };

  [[nodiscard]] health_options health_settings(const library_server& server) const {
    return {.failures_to_open = options_.failures_to_open,
            .probe_interval = options_.probe_interval,
            .health_interval = options_.health_interval,
            .is_watched = server.is_watched()};
  }

  [[nodiscard]] std::unique_ptr<library_server> make_server(const library_url& at) {
    if (at.is_sip2) return std::make_unique<sip2_library>(loop_, at, options_, tls_, logins_);
    return std::make_unique<http_library>(loop_, at, options_, tls_);
  }

  std::shared_ptr<system> make_system(const library_url& url) {
    auto made = std::make_shared<system>(*this, url, cells_of(url.to_string()));
    if (made->cells.up) made->cells.up->set(1);
    return made;
  }

  metric_cells cells_of(const std::string& name) {
    if (!count_) return {};
    const auto [place, is_new] = cells_.try_emplace(name);
    if (!is_new) return place->second;
    const auto requests = [&](const char* result) {
      return &count_->make_counter("sip2_backend_requests_total", "Requests to the back-end.",
                                   {{"backend", name}, {"result", result}});
    };
    place->second = {
        .up = &count_->make_gauge("sip2_backend_up", "The back-end is believed to answer.",
                                  {{"backend", name}}),
        .seconds = &count_->make_histogram(
            "sip2_backend_seconds", "Time from a request to its answer.", {{"backend", name}}),
        .good = requests("answered"),
        .bad = requests("failed")};
    return place->second;
  }

  /// Keeps connections that are no longer for new requests until the last one on them has ended.
  void retire(std::unique_ptr<library_server>& server) {
    if (server->in_flight() > 0) retired_.push_back(std::move(server));
  }

  // --- requests -------------------------------------------------------------------------------

  /// Sends an exchange to the next system; false when none is left to try.
  bool try_next(const std::shared_ptr<exchange>& e) {
    const duration left = e->end - loop_.now();
    system* s = left > duration{0} ? choose(*e) : nullptr;
    if (!s) return false;
    e->tried.push_back(s);
    ++s->requests;
    const instant begun = loop_.now();
    s->server->send(
        e->request, left,
        [this, weak = s->weak_from_this(), e, begun, cells = s->cells](library_reply&& r) {
          if (cells.seconds) cells.seconds->observe(loop_.now() - begun);
          // The servers are gone before the pool is; the system may be by now.
          take(weak.lock().get(), cells, e, std::move(r));
        });
    return true;
  }

  system* choose(const exchange& e) {
    const auto is_candidate = [&](const system& s) {
      return s.health.is_up() &&
             std::ranges::find(e.tried, static_cast<const void*>(&s)) == e.tried.end();
    };
    system* const* kept = e.request.is_transient ? nullptr : sticky_.find(e.request.session);
    if (kept && is_candidate(**kept)) return *kept;
    system* best = nullptr;
    ++turn_;
    for (std::size_t n = 0; n < systems_.size(); ++n) {
      auto* s = systems_[(n + turn_) % systems_.size()].get();
      if (is_candidate(*s) && (!best || s->server->in_flight() < best->server->in_flight()))
        best = s;
    }
    if (best && !e.request.is_transient) {
      if (kept) (*kept)->server->forget(e.request.session);
      sticky_.set(e.request.session, best);
    }
    return best;
  }

  /// \param s null: a system that a reload has taken out. It is still counted, in its `cells`.
  void take(system* s, const metric_cells& cells, const std::shared_ptr<exchange>& e,
            library_reply&& r) {
    const auto alive = shared_from_this();
    // One that cannot be read is an answer, too, and nobody else is asked.
    const bool is_answer = r || r.error().error.kind == backend_failure::unusable;
    try {
      forget_retired();
      if (is_answer)
        note_success(s, cells);
      else if (note_failure(s, cells, *e, std::move(r.error())) && !stopped_ && try_next(e))
        return;
    } catch (const std::bad_alloc&) {
      // The answer is not lost for what would have been noted about it. A failure stands as far as
      // it was written down.
      if (s && !stopped_) plan_probe(*s);
    }
    if (stopped_) return;
    if (r)
      finish(e, std::move(*r));
    else if (is_answer)
      finish(e, fail(std::move(r.error().error)));
    else
      finish(e, fail(std::move(e->error)));
  }

  void note_success(system* s, const metric_cells& cells) {
    if (cells.good) cells.good->add();
    if (s) tell(*s, s->health.on_success(loop_.now()));
  }

  /// Notes why there is no answer; true when the request may be sent to another system.
  bool note_failure(system* s, const metric_cells& cells, exchange& e, library_failure&& failed) {
    using blame = library_failure::blame;
    e.error = std::move(failed.error);
    if (cells.bad) cells.bad->add();
    if (s) ++s->failures;
    const auto why = e.error.detail;
    e.error.detail = fmt::format("{}: {}", s ? s->name : "a back-end that was taken out", why);
    if (s && failed.what == blame::well) tell(*s, s->health.on_success(loop_.now()));
    if (s && failed.what == blame::unreachable)
      tell(*s, s->health.on_unreachable(why, loop_.now()));
    if (s && failed.what == blame::doubt) doubt(*s, why);
    if (failed.what == blame::well) return false;
    if (!failed.was_sent) return true;
    if (!may_repeat(e.request.content.code) || e.error.kind == backend_failure::timed_out)
      return false;
    // A connection that broke may have been the only thing wrong with it: once more, even here.
    if (!e.has_repeated && e.error.kind == backend_failure::lost) {
      e.has_repeated = true;
      std::erase(e.tried, static_cast<const void*>(s));
    }
    return true;
  }

  void finish(const std::shared_ptr<exchange>& e, const backend_reply& reply) {
    if (e->request.content.code == code::end_session) {
      sticky_.erase(e->request.session);
      logins_.erase(e->request.session);
    }
    const auto done = std::exchange(e->done, nullptr);
    done(reply);
  }

  // --- health ---------------------------------------------------------------------------------

  void doubt(system& s, std::string_view why) {
    s.health.on_doubt(why, loop_.now());
    plan_probe(s);
  }

  /// What a change of health means to the next probe, the metrics and the log.
  void tell(system& s, backend_health::change changed) {
    if (changed == backend_health::change::none) return;
    plan_probe(s);
    if (s.cells.up) s.cells.up->set(s.health.is_up());
    if (changed == backend_health::change::came_up) {
      log_notice("back-end {} is up again", s.name);
    } else {
      log_warning("back-end {} is down: {}; it is asked every {} ms until it answers", s.name,
                  s.health.last_problem(),
                  std::chrono::duration_cast<milliseconds>(options_.probe_interval).count());
    }
  }

  void plan_probe(system& s) {
    if (const auto at = s.health.next_probe())
      loop_.timers().arm(s, *at);
    else
      s.cancel();
  }

  void probe(system& s) {
    s.health.begin_probe();
    try {
      s.server->probe(probe_deadline,
                      [this, weak = s.weak_from_this()](const std::string& problem, bool is_known) {
                        if (const auto asked = weak.lock()) take_probe(*asked, problem, is_known);
                      });
    } catch (const std::bad_alloc&) {
      s.health.forget_probe(loop_.now());
      plan_probe(s);
    }
  }

  void take_probe(system& s, const std::string& problem, bool is_known) {
    try {
      if (is_known) tell(s, s.health.on_probe(problem, loop_.now()));
    } catch (const std::bad_alloc&) { // as if it had not been asked
    }
    if (!s.health.next_probe()) s.health.forget_probe(loop_.now());
    plan_probe(s);
  }

  /// Lets go of connections from before a reload once the last request on them has ended.
  void forget_retired() {
    if (retired_.empty()) return;
    // Not from inside a client's own call.
    loop_.post([weak = weak_from_this()] {
      if (const auto self = weak.lock())
        std::erase_if(self->retired_, [](const auto& old) { return old->in_flight() == 0; });
    });
  }

  io::shard& loop_;
  backend_pool_options options_;
  io::tls_context tls_;
  observe::metrics* count_;
  upstream_logins logins_{most_sessions};
  std::map<std::string, metric_cells> cells_; ///< by name, also of those that were taken out
  std::vector<std::shared_ptr<system>> systems_;
  std::vector<std::unique_ptr<library_server>> retired_;
  lru_map<std::string, system*> sticky_{most_sessions}; ///< by session; each one is of systems_
  std::size_t turn_ = 0;
  bool stopped_ = false;
};

namespace {

result<io::tls_context, std::string> check(const backend_pool_options& options) {
  if (options.urls.empty()) return fail(std::string{"no back-end is given: name its URL"});
  const bool is_secure =
      std::ranges::any_of(options.urls, [](const library_url& u) { return u.is_secure; });
  if (!is_secure) return io::tls_context{};
  return io::tls_context::client(options.tls);
}

} // namespace

backend_pool::backend_pool(std::shared_ptr<impl> made) : impl_{std::move(made)} {}
backend_pool::~backend_pool() { impl_->stop(); }

result<std::unique_ptr<backend_pool>, std::string>
backend_pool::make(io::shard& loop, backend_pool_options options, observe::metrics* count) {
  auto tls = check(options);
  if (!tls) return fail(std::move(tls.error()));
  return std::unique_ptr<backend_pool>{
      new backend_pool{std::make_shared<impl>(loop, std::move(options), std::move(*tls), count)}};
}

result<void, std::string> backend_pool::reload(backend_pool_options options) {
  auto tls = check(options);
  if (!tls) return fail(std::move(tls.error()));
  impl_->replace(std::move(options), std::move(*tls));
  return {};
}

void backend_pool::send(backend_request&& request, backend_done done) {
  impl_->send(std::move(request), std::move(done));
}

bool backend_pool::is_available() const noexcept { return impl_->is_available(); }

std::vector<backend_state> backend_pool::states() const { return impl_->states(); }

} // namespace tandem::sip2
