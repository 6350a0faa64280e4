// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/backend_pool.hpp>

#include <tandem/base/log.hpp>
#include <tandem/base/timer_wheel.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <unordered_map>
#include <utility>

namespace tandem::sip2 {

namespace {

/// Sessions whose system is remembered; those beyond go to the least busy each time.
constexpr std::size_t most_sessions = 200'000;
/// How much of the body of a refusal goes into the log.
constexpr std::size_t detail_limit = 1024;
constexpr duration probe_deadline = seconds{5};

constexpr bool is_gateway_trouble(unsigned status) noexcept {
  return status == 502 || status == 503 || status == 504;
}

backend_failure to_failure(http::failure kind) noexcept {
  switch (kind) {
  case http::failure::bad_request:
  case http::failure::unreachable: return backend_failure::unreachable;
  case http::failure::timed_out: return backend_failure::timed_out;
  case http::failure::lost: return backend_failure::lost;
  case http::failure::bad_response: return backend_failure::bad_answer;
  case http::failure::overloaded: break;
  }
  return backend_failure::overloaded;
}

/// A request from send() to its reply.
struct exchange {
  backend_request request;
  backend_done done;
  instant end{};
  std::vector<const void*> tried; ///< systems that had their chance
  bool has_repeated = false;
  backend_error error{
      .kind = backend_failure::circuit_open, .status = 0, .detail = "every back-end is down"};
};

} // namespace

class backend_pool::impl final : public std::enable_shared_from_this<backend_pool::impl> {
 public:
  impl(io::shard& home, backend_pool_options options, io::tls_context tls, observe::metrics* count)
      : home_{home}, options_{std::move(options)}, tls_{std::move(tls)}, count_{count} {
    make_systems();
  }

  void stop() {
    stopped_ = true;
    systems_.clear();
    retired_.clear();
  }

  void send(backend_request&& request, backend_done done) {
    auto e = std::make_shared<exchange>();
    e->end = home_.now() + request.deadline;
    e->request = std::move(request);
    e->done = std::move(done);
    if (!try_next(e))
      home_.post([weak = weak_from_this(), e] {
        if (const auto self = weak.lock(); self && !self->stopped_)
          self->finish(e, fail(std::move(e->error)));
      });
  }

  [[nodiscard]] bool is_available() const noexcept {
    return std::ranges::any_of(systems_, [](const auto& s) { return s->is_up; });
  }

  void replace(backend_pool_options options, io::tls_context tls) {
    options_ = std::move(options);
    tls_ = std::move(tls);
    sticky_.clear();
    for (auto& s : systems_) {
      s->cancel();
      if (s->client.statistics().in_flight > 0) retired_.push_back(std::move(s));
    }
    systems_.clear();
    make_systems();
  }

  [[nodiscard]] std::vector<backend_state> states() const {
    std::vector<backend_state> all;
    for (const auto& s : systems_)
      all.push_back({.url = s->name,
                     .is_up = s->is_up,
                     .in_flight = s->client.statistics().in_flight,
                     .connections = s->client.statistics().connections,
                     .requests = s->requests,
                     .failures = s->failures,
                     .last_problem = s->last_problem});
    return all;
  }

 private:
  /// One library system: its connections, and what is believed of it.
  struct system final : timer {
    system(impl& of, http::url at)
        : owner{of}, url{std::move(at)}, name{url.origin() + url.path},
          client{of.home_, of.client_options(url)}, prober{of.home_, of.probe_options(url)} {}

    void on_timer(instant) override { owner.probe(*this); }

    impl& owner;
    http::url url;
    std::string name;
    http::client client;
    http::client prober; ///< of its own, so that no request is in its way
    bool is_up = true;
    unsigned failures_in_a_row = 0;
    std::uint64_t requests = 0;
    std::uint64_t failures = 0;
    std::string last_problem;
    observe::gauge* up_gauge = nullptr;
    observe::histogram* seconds = nullptr;
    observe::counter* good = nullptr;
    observe::counter* bad = nullptr;
  };

  http::client_options client_options(const http::url& url) const {
    http::header_list headers = options_.headers;
    headers.emplace_back("Accept", "application/json");
    if (!options_.token.empty())
      headers.emplace_back("Authorization", "Bearer " + std::string{options_.token.reveal()});
    return {.server = url,
            .tls = tls_,
            .headers = std::move(headers),
            .names = options_.names,
            .most_connections = options_.most_connections,
            .most_waiting = options_.most_waiting,
            .connect_deadline = options_.connect_deadline,
            .idle_limit = options_.idle_limit,
            .limits = {.header = std::size_t{16} * 1024, .body = options_.answer_limit}};
  }

  http::client_options probe_options(const http::url& url) const {
    auto options = client_options(url);
    options.most_connections = 1;
    return options;
  }

  void make_systems() {
    for (const http::url& url : options_.urls) {
      auto& s = *systems_.emplace_back(std::make_unique<system>(*this, url));
      if (count_) {
        const observe::label_list of{{"backend", s.name}};
        s.up_gauge = &count_->make_gauge("tandem_sip2_backend_up",
                                         "The back-end is believed to answer (on each shard).", of);
        s.up_gauge->set(1);
        s.seconds = &count_->make_histogram("tandem_sip2_backend_seconds",
                                            "Time from a request to its answer.", of);
        s.good =
            &count_->make_counter("tandem_sip2_backend_requests_total", "Requests to the back-end.",
                                  {{"backend", s.name}, {"result", "answered"}});
        s.bad =
            &count_->make_counter("tandem_sip2_backend_requests_total", "Requests to the back-end.",
                                  {{"backend", s.name}, {"result", "failed"}});
      }
      if (!options_.health_path.empty())
        home_.timers().arm(s, home_.now() + options_.health_interval);
    }
  }

  // --- requests -------------------------------------------------------------------------------

  /// Sends an exchange to the next system; false when none is left to try.
  bool try_next(const std::shared_ptr<exchange>& e) {
    const duration left = e->end - home_.now();
    system* s = left > duration{0} ? choose(*e) : nullptr;
    if (!s) return false;
    e->tried.push_back(s);
    ++s->requests;
    const instant begun = home_.now();
    s->client.send(make_request(*s, e->request), left,
                   [this, s, e, begun](http::client_result&& r) {
                     take(*s, e, begun, std::move(r)); // the client is gone before this is
                   });
    return true;
  }

  system* choose(const exchange& e) {
    const auto is_candidate = [&](const system& s) {
      return s.is_up && std::ranges::find(e.tried, static_cast<const void*>(&s)) == e.tried.end();
    };
    const auto kept = sticky_.find(e.request.session);
    if (!e.request.is_transient && kept != sticky_.end() && kept->second < systems_.size() &&
        is_candidate(*systems_[kept->second]))
      return systems_[kept->second].get();
    std::size_t best = systems_.size();
    ++turn_;
    for (std::size_t n = 0; n < systems_.size(); ++n) {
      const std::size_t i = (n + turn_) % systems_.size();
      if (is_candidate(*systems_[i]) &&
          (best == systems_.size() || systems_[i]->client.statistics().in_flight <
                                          systems_[best]->client.statistics().in_flight))
        best = i;
    }
    if (best == systems_.size()) return nullptr;
    if (!e.request.is_transient && (kept != sticky_.end() || sticky_.size() < most_sessions))
      sticky_[e.request.session] = best;
    return systems_[best].get();
  }

  [[nodiscard]] http::request make_request(const system& s, const backend_request& r) const {
    http::request made{.method = "POST", .target = s.url.path};
    made.headers.reserve(5);
    std::string form;
    form.reserve(r.session.size() + r.message.size() * 3 + 64);
    form += options_.session_parameter;
    form += '=';
    http::append_form_encoded(form, r.session);
    form += '&';
    form += options_.message_parameter;
    form += '=';
    http::append_form_encoded(form, r.message);
    if (options_.method == backend_method::get) {
      made.method = "GET";
      made.target += (made.target.find('?') == std::string::npos ? '?' : '&') + form;
    } else {
      made.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
      made.body = std::move(form);
    }
    made.headers.emplace_back("X-Request-Id", r.request_id);
    if (!options_.idempotency_header.empty())
      made.headers.emplace_back(options_.idempotency_header, r.request_id);
    made.headers.emplace_back("X-Sip2-Client", r.client);
    if (!r.account.empty()) made.headers.emplace_back("X-Sip2-Account", r.account);
    return made;
  }

  void take(system& s, const std::shared_ptr<exchange>& e, instant begun, http::client_result&& r) {
    const auto alive = shared_from_this();
    if (s.seconds) s.seconds->observe(home_.now() - begun);
    if (r && r->status == 200) {
      if (s.good) s.good->add();
      note_success(s);
      forget_retired(s);
      return finish(e, std::move(r->body));
    }
    if (s.bad) s.bad->add();
    ++s.failures;
    const bool may_go_on = take_failure(s, *e, r);
    forget_retired(s);
    if (stopped_) return;
    if (may_go_on && try_next(e)) return;
    finish(e, fail(std::move(e->error)));
  }

  /// Notes why there is no answer; true when the request may be sent to another system.
  bool take_failure(system& s, exchange& e, const http::client_result& r) {
    if (r) {
      e.error = {.kind = backend_failure::status,
                 .status = r->status,
                 .detail = fmt::format("{}: HTTP {} {}", s.name, r->status,
                                       r->body.substr(0, detail_limit))};
      if (!is_gateway_trouble(r->status)) {
        note_success(s); // it works, and refuses this request
        return false;
      }
      note_failure(s, fmt::format("HTTP {}", r->status));
      return may_repeat(e.request.code);
    }
    const http::client_error& error = r.error();
    e.error = {.kind = to_failure(error.kind), .status = 0, .detail = s.name + ": " + error.detail};
    // Our own queue being full says nothing about the system.
    if (error.kind != http::failure::overloaded) note_failure(s, error.detail);
    if (!error.was_sent) return true;
    if (!may_repeat(e.request.code) || error.kind == http::failure::timed_out) return false;
    // A connection that broke may have been the only thing wrong with it: once more, even here.
    if (!e.has_repeated && error.kind == http::failure::lost) {
      e.has_repeated = true;
      std::erase(e.tried, static_cast<const void*>(&s));
    }
    return true;
  }

  void finish(const std::shared_ptr<exchange>& e, const backend_reply& reply) {
    if (e->request.code == code::end_session) sticky_.erase(e->request.session);
    const auto done = std::exchange(e->done, nullptr);
    done(reply);
  }

  // --- what is believed of a system -----------------------------------------------------------

  void note_success(system& s) {
    s.failures_in_a_row = 0;
    if (s.is_up || is_retired(s)) return;
    s.is_up = true;
    if (s.up_gauge) s.up_gauge->set(1);
    log_notice("back-end {} is up again", s.name);
    s.cancel();
    if (!options_.health_path.empty())
      home_.timers().arm(s, home_.now() + options_.health_interval);
  }

  void note_failure(system& s, std::string_view why) {
    s.last_problem = why;
    if (is_retired(s) || ++s.failures_in_a_row < options_.failures_to_open || !s.is_up) return;
    s.is_up = false;
    if (s.up_gauge) s.up_gauge->set(0);
    log_warning("back-end {} is down: {}; it is asked every {} ms until it answers", s.name, why,
                std::chrono::duration_cast<milliseconds>(options_.probe_interval).count());
    home_.timers().arm(s, home_.now() + options_.probe_interval);
  }

  void probe(system& s) {
    const http::request request{.target = options_.health_path.empty() ? s.url.path
                                                                       : options_.health_path};
    s.prober.send(request, probe_deadline, [this, &s](const http::client_result& r) {
      const bool is_well =
          r && (options_.health_path.empty() ? !is_gateway_trouble(r->status)
                                             : r->status >= 200 && r->status < 300);
      if (is_well)
        note_success(s);
      else
        note_failure(s, r ? fmt::format("health: HTTP {}", r->status) : r.error().detail);
      if (!s.is_up)
        home_.timers().arm(s, home_.now() + options_.probe_interval);
      else if (!options_.health_path.empty())
        home_.timers().arm(s, home_.now() + options_.health_interval);
    });
  }

  [[nodiscard]] bool is_retired(const system& s) const noexcept {
    return std::ranges::none_of(systems_, [&](const auto& own) { return own.get() == &s; });
  }

  /// Lets go of a system from before a reload once its last request has ended.
  void forget_retired(const system& s) {
    if (!is_retired(s) || s.client.statistics().in_flight > 0) return;
    // Not from inside its own client's call.
    home_.post([weak = weak_from_this()] {
      if (const auto self = weak.lock())
        std::erase_if(self->retired_,
                      [](const auto& old) { return old->client.statistics().in_flight == 0; });
    });
  }

  io::shard& home_;
  backend_pool_options options_;
  io::tls_context tls_;
  observe::metrics* count_;
  std::vector<std::unique_ptr<system>> systems_;
  std::vector<std::unique_ptr<system>> retired_;
  std::unordered_map<std::string, std::size_t> sticky_; ///< by session: place in systems_
  std::size_t turn_ = 0;
  bool stopped_ = false;
};

namespace {

result<io::tls_context, std::string> check(const backend_pool_options& options) {
  if (options.urls.empty()) return fail(std::string{"no back-end is given: name its URL"});
  const bool is_secure =
      std::ranges::any_of(options.urls, [](const http::url& u) { return u.is_secure; });
  if (!is_secure) return io::tls_context{};
  return io::tls_context::client(options.tls);
}

} // namespace

backend_pool::backend_pool(std::shared_ptr<impl> made) : impl_{std::move(made)} {}
backend_pool::~backend_pool() { impl_->stop(); }

result<std::unique_ptr<backend_pool>, std::string>
backend_pool::make(io::shard& home, backend_pool_options options, observe::metrics* count) {
  auto tls = check(options);
  if (!tls) return fail(std::move(tls.error()));
  return std::unique_ptr<backend_pool>{
      new backend_pool{std::make_shared<impl>(home, std::move(options), std::move(*tls), count)}};
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
