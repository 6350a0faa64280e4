// SPDX-License-Identifier: Apache-2.0
#include <tandem/http/server.hpp>

#include <tandem/base/log.hpp>
#include <tandem/base/source_counts.hpp>
#include <tandem/base/timer_wheel.hpp>
#include <tandem/http/bearer.hpp>
#include <tandem/io/connection.hpp>
#include <tandem/io/tcp_listener.hpp>

#include <algorithm>
#include <array>
#include <exception>
#include <new>
#include <optional>
#include <utility>
#include <vector>

namespace tandem::http {

namespace {

/// Answers that may wait for a slow peer.
constexpr std::size_t output_limit = std::size_t{64} << 20U;

constexpr std::string_view no_memory_answer =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

unsigned status_of(parse_errc e) noexcept {
  switch (e) {
  case parse_errc::headers_too_large: return 431;
  case parse_errc::body_too_large: return 413;
  case parse_errc::malformed:
  case parse_errc::cut_off: break;
  }
  return 400;
}

} // namespace

response text_response(unsigned status, std::string_view text) {
  return {.status = status,
          .headers = {{"Content-Type", "text/plain; charset=utf-8"}},
          .body = std::string{text} + "\n"};
}

class server::impl final : public std::enable_shared_from_this<server::impl> {
  class connection;

 public:
  impl(io::shard& loop, server_options options) : loop_{loop}, options_{std::move(options)} {}

  void route(std::string method, std::string path, route_access access, handler on_request) {
    routes_.push_back({.method = std::move(method),
                       .path = std::move(path),
                       .access = access,
                       .handle_request = std::move(on_request)});
  }

  result<socket_address, std::string> listen(const socket_address& at) {
    auto made =
        io::tcp_listener::listen(loop_, at, [this](io::unique_fd fd, const socket_address& peer) {
          if (!make_room(source_network(peer.ip))) return; // closes it
          const auto key = connections_.emplace(*this, peer);
          connections_.find(key)->begin(key, std::move(fd));
        });
    if (!made) return fail(std::move(made.error()));
    listeners_.push_back(std::move(*made));
    return listeners_.back()->address();
  }

  void stop(duration grace, std::function<void()> done) {
    listeners_.clear();
    is_stopping_ = true;
    stops_at_ = loop_.now() + grace;
    stopped_ = std::move(done);
    connections_.for_each([&](auto key, connection& c) {
      if (c.is_idle())
        connections_.erase(key);
      else
        c.limit(stops_at_);
    });
    note_gone();
  }

  void close_all() {
    listeners_.clear();
    is_closed_ = true;
    connections_.for_each([this](auto key, connection&) { connections_.erase(key); });
  }

  void respond(handle<void> named, response&& response) {
    if (connection* c = find(named)) c->respond(std::move(response));
  }
  void respond(handle<void> named, const response& head, std::shared_ptr<body_source>&& body) {
    if (connection* c = find(named)) c->respond(head, std::move(body));
  }
  void give_up(handle<void> named) {
    if (connection* c = find(named)) c->give_up();
  }
  [[nodiscard]] bool is_wanted(handle<void> named) { return find(named) != nullptr; }

  [[nodiscard]] std::size_t connections() const noexcept { return connections_.size(); }

  server_options& options() noexcept { return options_; }

 private:
  struct route_entry {
    std::string method;
    std::string path;
    route_access access;
    handler handle_request;
  };

  /// A client. Its requests are handled one after the other, in their order.
  class connection final : io::connection_handler, timer {
   public:
    connection(impl& owner, const socket_address& peer)
        : owner_{owner}, peer_{peer}, connection_{owner.loop_,
                                                  *this,
                                                  {.open = owner.options_.request_deadline,
                                                   .output_bytes = output_limit}},
          parser_{parser::kind::requests, owner.options_.limits}, since_{owner.loop_.now()} {
      owner_.by_source_.add(peer_.ip);
    }
    ~connection() { owner_.by_source_.remove(peer_.ip); }
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    void begin(handle<connection> self, io::unique_fd fd) {
      self_ = self;
      limit(owner_.loop_.now() + owner_.options_.request_deadline);
      connection_.accept(std::move(fd), peer_, owner_.options_.tls);
    }

    [[nodiscard]] bool is_idle() const noexcept {
      return !is_answering_ && connection_.waiting_output() == 0 && !parser_.is_inside_message() &&
             !is_finishing_;
    }
    [[nodiscard]] bool is_answering() const noexcept { return is_answering_; }
    [[nodiscard]] bool has_asked() const noexcept { return has_asked_; }
    [[nodiscard]] instant since() const noexcept { return since_; }
    [[nodiscard]] ip_address source() const noexcept { return source_network(peer_.ip); }

    void limit(instant until) {
      owner_.loop_.timers().arm(*this, std::min(until, owner_.stops_at_));
    }

    void respond(response&& response) {
      if (!is_answering_ || body_) return;
      const bool keeps = keeps_alive_ && !owner_.is_stopping_;
      try {
        connection_.write(write_response(response, keeps, has_body_));
      } catch (const std::bad_alloc&) {
        is_answering_ = false;
        return refuse_for_memory();
      }
      end_answer(keeps);
    }

    void respond(const response& head, std::shared_ptr<body_source>&& body) {
      if (!is_answering_ || body_) return;
      has_chunks_ = parser_.knows_chunks();
      keeps_alive_ = keeps_alive_ && has_chunks_ && !owner_.is_stopping_;
      try {
        connection_.write(write_response_head(head, keeps_alive_,
                                              has_chunks_ ? body_end::chunk : body_end::close));
      } catch (const std::bad_alloc&) {
        is_answering_ = false;
        return refuse_for_memory();
      }
      if (!has_body_) return end_answer(keeps_alive_);
      body_ = std::move(body);
      ask_for_piece();
    }

    void take(std::optional<body_piece>&& piece) {
      if (!piece) return owner_.remove(self_);
      waits_for_piece_ = false;
      const bool is_last = piece->at == body_piece::place::last;
      try {
        connection_.write(has_chunks_ ? write_chunk(piece->bytes) : std::move(piece->bytes));
        if (is_last && has_chunks_) connection_.write(last_chunk);
      } catch (const std::bad_alloc&) {
        return owner_.remove(self_); // a part of the answer has left and cannot be taken back
      }
      if (is_last) {
        body_.reset();
        return end_answer(keeps_alive_);
      }
      limit(owner_.loop_.now() + owner_.options_.request_deadline);
      if (connection_.waiting_output() == 0) on_piece_taken(); // it was empty
    }

    /// Nobody will make an answer any more.
    void give_up() {
      try {
        respond(std::uncaught_exceptions() > 0 ? text_response(503, "out of memory")
                                               : text_response(500, "no answer was made"));
      } catch (const std::bad_alloc&) {
        is_answering_ = false;
        refuse_for_memory();
      }
    }

   private:
    void end_answer(bool keeps) {
      is_answering_ = false;
      if (!keeps) return finish();
      since_ = owner_.loop_.now();
      // The next request waits until the peer has taken this answer (on_drained): who asks and does
      // not read makes us keep one.
      limit(since_ + owner_.options_.request_deadline);
    }

    /// The next piece is asked for in a turn of its own, so that others come between.
    void on_piece_taken() {
      if (waits_for_piece_) return;
      waits_for_piece_ = true;
      owner_.loop_.post([server = owner_.weak_from_this(), key = self_] {
        const auto alive = server.lock();
        connection* const c = alive ? alive->connections_.find(key) : nullptr;
        if (c && !alive->is_closed_) c->ask_for_piece();
      });
    }

    void ask_for_piece() {
      waits_for_piece_ = true;
      if (!owner_.is_stopping_) cancel(); // it is the source's time
      const auto from = body_;            // which may end this connection
      from->next([server = owner_.weak_from_this(), key = self_](std::optional<body_piece> piece) {
        const auto alive = server.lock();
        connection* const c = alive && !alive->is_closed_ ? alive->connections_.find(key) : nullptr;
        if (c && c->body_) c->take(std::move(piece));
      });
    }

    void on_data(std::string_view bytes) override {
      // The deadline of a request runs from its first byte, not from the last one that came.
      if (!parser_.is_inside_message())
        limit(owner_.loop_.now() + owner_.options_.request_deadline);
      pump(bytes);
    }

    void on_drained() override {
      if (body_) return on_piece_taken();
      if (is_answering_ || is_finishing_) return;
      limit(owner_.loop_.now() + (parser_.is_inside_message() ? owner_.options_.request_deadline
                                                              : owner_.options_.idle_limit));
      connection_.resume_reading();
      if (!is_pumping_) pump({});
    }

    /// What was asked before the peer shut down its half is still answered.
    io::half_close on_peer_finished() override {
      keeps_alive_ = false;
      return is_answering_ ? io::half_close::keep : io::half_close::finish;
    }

    void on_closed(io::connection_end why, std::string_view detail) override {
      const socket_address peer = peer_;
      owner_.remove(self_);
      if (why == io::connection_end::tls_failed)
        log_info("http: {}: no TLS connection: {}", peer.to_string(), detail);
    }

    void on_timer(instant) override {
      if (!is_answering_ && !is_finishing_ && parser_.is_inside_message())
        return refuse(408, "the request took too long");
      owner_.remove(self_);
    }

    void pump(std::string_view bytes) {
      const auto alive = owner_.shared_from_this();
      const auto self = self_;
      is_dispatching_ = false;
      try {
        take(bytes);
      } catch (const std::bad_alloc&) {
        if (alive->is_closed_ || !alive->connections_.find(self)) return;
        is_pumping_ = false;
        const bool has_answered = is_dispatching_ && !is_answering_;
        is_answering_ = false;
        if (!has_answered) return refuse_for_memory();
        if (!is_finishing_) finish(); // what came behind that request may be lost
      }
    }

    /// Handles whole requests until one has to wait for its answer.
    void take(std::string_view bytes) {
      const auto alive = owner_.shared_from_this();
      const auto self = self_;
      is_pumping_ = true;
      auto state = parser_.feed(bytes);
      while (state && *state) {
        request request = parser_.take_request();
        keeps_alive_ = parser_.keeps_alive();
        has_body_ = request.method != "HEAD";
        is_answering_ = has_asked_ = true;
        connection_.pause_reading();
        cancel(); // from here on it is the handler's time
        is_dispatching_ = true;
        alive->dispatch(self, std::move(request), peer_);
        if (alive->is_closed_ || !alive->connections_.find(self)) return;
        if (is_answering_ || is_finishing_ || connection_.waiting_output() > 0) break;
        is_dispatching_ = false;
        state = parser_.feed({});
      }
      is_pumping_ = false;
      if (!state) return refuse(status_of(state.error()), to_string(state.error()));
      if (!is_answering_ && parser_.wants_continue())
        connection_.write("HTTP/1.1 100 Continue\r\n\r\n");
    }

    /// Its last answer.
    void refuse(unsigned status, std::string_view text) {
      try {
        connection_.write(write_response(text_response(status, text), false));
      } catch (const std::bad_alloc&) {
        return refuse_for_memory();
      }
      finish();
    }

    /// A short answer says so; where even that cannot be had, the connection ends.
    void refuse_for_memory() {
      try {
        connection_.write(no_memory_answer);
      } catch (const std::bad_alloc&) {
        return owner_.remove(self_);
      }
      finish();
    }

    void finish() {
      is_finishing_ = true;
      limit(owner_.loop_.now() + owner_.options_.request_deadline);
      connection_.finish();
    }

    impl& owner_;
    handle<connection> self_;
    socket_address peer_;
    io::connection connection_;
    parser parser_;
    instant since_;             ///< when it began, or had its last answer
    bool has_asked_ = false;    ///< it has brought a whole request
    bool is_answering_ = false; ///< a handler has the request
    bool is_finishing_ = false;
    bool is_pumping_ = false;
    std::shared_ptr<body_source> body_; ///< of the answer, while it goes out in pieces
    bool waits_for_piece_ = false;
    bool has_chunks_ = false;
    bool is_dispatching_ = false; ///< the last request of this pumping went to its handler
    bool keeps_alive_ = true;
    bool has_body_ = true;
  };

  /// Whether one more connection may come from there; ends another one for it if need be, so that
  /// idle connections keep nobody out.
  bool make_room(const ip_address& source) {
    const bool is_source_full = by_source_.of(source) >= options_.most_connections_per_source;
    if (!is_source_full && connections_.size() < options_.most_connections) return true;
    handle<connection> least;
    const connection* missed_least = nullptr;
    connections_.for_each([&](auto key, const connection& c) {
      if (is_source_full && c.source() != source) return;
      if (c.has_asked() && !c.is_idle()) return;
      if (missed_least && std::pair{c.has_asked(), c.since()} >=
                              std::pair{missed_least->has_asked(), missed_least->since()})
        return;
      missed_least = &c;
      least = key;
    });
    if (!missed_least) return false;
    connections_.erase(least);
    return true;
  }

  connection* find(handle<void> named) {
    if (is_closed_) return nullptr;
    connection* c = connections_.find({.slot = named.slot, .generation = named.generation});
    return c && c->is_answering() ? c : nullptr;
  }

  void remove(handle<connection> key) {
    const auto alive = shared_from_this();
    connections_.erase(key);
    note_gone();
  }

  void note_gone() {
    if (!is_stopping_ || connections_.size() > 0 || !stopped_) return;
    const auto done = std::exchange(stopped_, nullptr);
    done();
  }

  /// The route of a request; without one `allowed` has the methods that the path takes, if any.
  const route_entry* find_route(const request& request, std::string& allowed) const {
    const route_entry* best = nullptr;
    std::size_t longest = 0;
    const std::string_view path = request.path();
    for (const route_entry& r : routes_) {
      const bool is_prefix = r.path.back() == '/';
      if (path != r.path && !(is_prefix && path.starts_with(r.path))) continue;
      if (r.method != request.method && !(r.method == "GET" && request.method == "HEAD")) {
        if (allowed.find(r.method) == std::string::npos)
          allowed += (allowed.empty() ? "" : ", ") + r.method;
        continue;
      }
      if (!best || r.path.size() > longest) {
        best = &r;
        longest = r.path.size();
      }
    }
    return best;
  }

  [[nodiscard]] bool is_authorized(const request& request) const {
    return !options_.token.empty() && options_.token.matches(bearer_token(request));
  }

  void dispatch(handle<connection> key, request&& request, const socket_address& peer) {
    std::string allowed;
    const route_entry* found = find_route(request, allowed);
    responder answer;
    answer.server_ = weak_from_this();
    answer.connection_ = {.slot = key.slot, .generation = key.generation};
    answer.peer_ = peer;
    if (!found && allowed.empty())
      return answer.respond(
          text_response(404, "nothing here; see the documentation for the paths"));
    if (!found) {
      auto refusal = text_response(405, "this path takes " + allowed);
      refusal.headers.emplace_back("Allow", allowed);
      return answer.respond(std::move(refusal));
    }
    if (found->access == route_access::token && !is_authorized(request))
      return answer.respond(unauthorized(options_.token.empty()
                                             ? "no bearer token is configured, so nobody may"
                                             : "show the bearer token in Authorization"));
    found->handle_request(std::move(request), std::move(answer));
  }

  io::shard& loop_;
  server_options options_;
  std::vector<route_entry> routes_;
  source_counts by_source_; ///< of connections
  slot_map<connection> connections_;
  std::vector<std::unique_ptr<io::tcp_listener>> listeners_;
  bool is_stopping_ = false;
  instant stops_at_ = instant::max(); ///< no connection is left behind
  bool is_closed_ = false;
  std::function<void()> stopped_;
};

responder& responder::operator=(responder&& other) noexcept {
  if (this != &other) {
    give_up();
    server_ = std::exchange(other.server_, {});
    connection_ = other.connection_;
    peer_ = other.peer_;
  }
  return *this;
}

responder::~responder() { give_up(); }

void responder::give_up() noexcept {
  const auto server = std::static_pointer_cast<server::impl>(server_.lock());
  server_.reset();
  if (server) server->give_up({.slot = connection_.slot, .generation = connection_.generation});
}

void responder::respond(response response) {
  const auto server = std::static_pointer_cast<server::impl>(server_.lock());
  server_.reset();
  if (server)
    server->respond({.slot = connection_.slot, .generation = connection_.generation},
                    std::move(response));
}

void responder::respond(const response& head, std::shared_ptr<body_source> body) {
  const auto server = std::static_pointer_cast<server::impl>(server_.lock());
  server_.reset();
  if (server)
    server->respond({.slot = connection_.slot, .generation = connection_.generation}, head,
                    std::move(body));
}

bool responder::is_wanted() const noexcept {
  const auto server = std::static_pointer_cast<server::impl>(server_.lock());
  return server &&
         server->is_wanted({.slot = connection_.slot, .generation = connection_.generation});
}

server::server(io::shard& loop, server_options options)
    : impl_{std::make_shared<impl>(loop, std::move(options))} {}

server::~server() { impl_->close_all(); }

void server::route(std::string method, std::string path, route_access access, handler handle) {
  impl_->route(std::move(method), std::move(path), access, std::move(handle));
}

result<socket_address, std::string> server::listen(const socket_address& at) {
  return impl_->listen(at);
}

void server::use_tls(io::tls_context tls) { impl_->options().tls = std::move(tls); }
void server::use_token(secret token) { impl_->options().token = std::move(token); }

void server::stop(duration grace, std::function<void()> done) {
  impl_->stop(grace, std::move(done));
}

std::size_t server::connections() const noexcept { return impl_->connections(); }

} // namespace tandem::http
