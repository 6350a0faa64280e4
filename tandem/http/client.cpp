// SPDX-License-Identifier: Apache-2.0
#include <tandem/http/client.hpp>

#include <tandem/base/intrusive_list.hpp>
#include <tandem/base/text.hpp>
#include <tandem/base/timer_wheel.hpp>
#include <tandem/io/connection.hpp>

#include <algorithm>
#include <new>
#include <optional>
#include <utility>

namespace tandem::http {

namespace {

/// A connection that has been idle for longer is asked whether the server has closed it.
constexpr duration fresh = milliseconds{100};

/// The timeout that a server promises in Keep-Alive, less a second for the way.
std::optional<duration> promised_idle_time(const header_list& headers) {
  const std::string_view value = find_header(headers, "Keep-Alive");
  const auto at = value.find("timeout=");
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view number = value.substr(at + 8);
  number = number.substr(0, std::min(number.find_first_not_of("0123456789"), number.size()));
  const auto promised = parse_number<std::uint32_t>(number);
  if (!promised) return std::nullopt;
  return *promised > 1 ? seconds{*promised - 1} : duration{0};
}

struct waiting_tag;

constexpr std::string_view out_of_memory = "out of memory";

/// \param detail left out when there is no memory for it.
client_error make_error(failure kind, bool was_sent, std::string_view detail) noexcept {
  client_error error{.kind = kind, .was_sent = was_sent};
  try {
    error.detail = detail;
  } catch (const std::bad_alloc&) {
    error.detail.clear();
  }
  return error;
}

} // namespace

/// A request on its way, from send() to its result.
struct client::exchange final : timer, list_hook<waiting_tag> {
  exchange(impl& of, done_handler handler) : owner{of}, done{std::move(handler)} {}
  void on_timer(instant) override;

  impl& owner;
  key self;
  done_handler done;
  std::string bytes; ///< the request, until written
  struct refusal {
    failure kind;
    std::string_view detail;
  };
  std::optional<refusal> refused; ///< to be told by its timer
};

class client::impl final : public std::enable_shared_from_this<client::impl> {
 public:
  impl(io::shard& loop, client_options options)
      : loop_{loop}, options_{std::move(options)},
        common_headers_{write_common_headers(options_.server.authority(), options_.headers)},
        fixed_addresses_{options_.addresses} {
    if (!fixed_addresses_.empty()) return;
    if (const auto literal = ip_address::parse(options_.server.host))
      fixed_addresses_ = {*literal};
    else if (iequals(options_.server.host, "localhost")) // RFC 6761 6.3
      fixed_addresses_ = {ip_address::v4(127, 0, 0, 1), *ip_address::parse("::1")};
  }

  void stop() {
    stopped_ = true;
    idle_.clear();
    connections_.clear();
    exchanges_.for_each([this](key k, exchange&) { exchanges_.erase(k); });
  }

  key send(const request& request, duration deadline, done_handler done) {
    const key k = exchanges_.emplace(*this, std::move(done));
    exchange& e = *exchanges_.find(k);
    e.self = k;
    ++statistics.requests;
    ++statistics.in_flight;
    if (statistics.waiting >= options_.most_waiting) {
      fail_later(e, failure::overloaded, "too many requests are waiting");
      return k;
    }
    try {
      if (auto bytes = write_request(request, common_headers_)) {
        e.bytes = std::move(*bytes);
      } else {
        fail_later(e, failure::bad_request, "no such method or target is sent");
        return k;
      }
    } catch (const std::bad_alloc&) {
      fail_later(e, failure::no_memory, out_of_memory);
      return k;
    }
    loop_.timers().arm(e, loop_.now() + deadline);
    waiting_.push_back(e);
    ++statistics.waiting;
    dispatch();
    return k;
  }

  void cancel(key k) {
    exchange* e = exchanges_.find(k);
    if (!e) return;
    e->done = nullptr;
    finish(*e, fail(client_error{}));
  }

  void use_tls(io::tls_context tls) { options_.tls = std::move(tls); }

  void on_due(exchange& e) {
    if (e.refused) return finish(e, fail(make_error(e.refused->kind, false, e.refused->detail)));
    const connection* c = carrier(e.self);
    const std::string_view why = !c            ? "no connection became free in time"
                                 : !c->is_up() ? "the connection did not come up in time"
                                               : "no whole response in time";
    const auto kind = c && !c->is_up() ? failure::unreachable : failure::timed_out;
    finish(e, fail(make_error(kind, c && c->has_sent(), why)));
  }

  client_statistics statistics;

 private:
  /// One connection: coming up, carrying a request, or idle.
  class connection final : io::connection_handler, timer {
   public:
    connection(impl& owner, key carried)
        : owner_{owner}, carried_{carried}, connection_{owner.loop_,
                                                        *this,
                                                        {.open = owner.options_.connect_deadline,
                                                         .output_bytes = std::size_t{64} << 20U}},
          parser_{parser::kind::responses, owner.options_.limits} {}

    void resolve() {
      if (owner_.options_.server.is_secure && !owner_.options_.tls) { // never in the clear instead
        problems_ = "https needs a TLS context";
        return owner_.loop_.post([weak = owner_.weak_from_this(), this, k = carried_] {
          const auto self = weak.lock();
          if (self && !self->stopped_ && self->carrier(k) == this) give_up();
        });
      }
      if (!owner_.fixed_addresses_.empty()) {
        addresses_ = owner_.fixed_addresses_;
        return connect_next();
      }
      // A connection that has gone meanwhile is not the carrier of this request any more.
      const auto answer = [weak = owner_.weak_from_this(), this,
                           k = carried_](const names::resolver::answer& found) {
        const auto self = weak.lock();
        if (!self || self->stopped_ || self->carrier(k) != this) return;
        if (!take_addresses(found)) return end_for_memory();
        if (addresses_.empty()) return give_up();
        connect_next();
      };
      if (owner_.options_.names)
        owner_.options_.names->resolve(owner_.options_.server.host, names::address_family::any,
                                       answer);
      else
        owner_.loop_.post([answer] { answer(fail(names::resolve_error::failed)); });
    }

    /// Takes a request; the connection is up and idle.
    void carry(key k, std::string_view bytes) {
      cancel();
      carried_ = k;
      sent_before_ = connection_.sent_bytes();
      connection_.write(bytes);
    }

    [[nodiscard]] bool is_up() const noexcept { return connection_.is_connected(); }
    [[nodiscard]] key carried() const noexcept { return carried_; }
    [[nodiscard]] bool has_sent() const noexcept { return connection_.sent_bytes() > sent_before_; }
    [[nodiscard]] bool is_usable() const noexcept {
      return owner_.loop_.now() - idle_since_ < fresh || connection_.is_quiet();
    }

   private:
    void connect_next() {
      if (next_address_ == addresses_.size()) return give_up();
      last_address_ = {addresses_[next_address_++], owner_.options_.server.port};
      const auto& tls = owner_.options_.server.is_secure ? owner_.options_.tls : io::tls_context{};
      connection_.connect(last_address_, tls, owner_.options_.server.host);
    }

    /// False when there is no memory for them.
    [[nodiscard]] bool take_addresses(const names::resolver::answer& found) noexcept {
      try {
        if (found && !found->empty())
          addresses_ = *found;
        else
          problems_ = to_string(found ? names::resolve_error::not_found : found.error());
        return true;
      } catch (const std::bad_alloc&) {
        return false;
      }
    }

    /// For the log: left out when there is no memory for it.
    void note_problem(std::string_view what) noexcept {
      try {
        std::string text = std::move(problems_);
        if (!text.empty()) text += "; ";
        text += last_address_.to_string() + ": ";
        text += what;
        problems_ = std::move(text);
      } catch (const std::bad_alloc&) {
        problems_.clear();
      }
    }

    void give_up() {
      client_error error{.kind = failure::unreachable};
      try {
        error.detail = owner_.options_.server.origin() + ": " + problems_;
      } catch (const std::bad_alloc&) {
        error.detail.clear();
      }
      owner_.end_connection(*this, fail(std::move(error)));
    }

    void end_for_memory() {
      owner_.end_connection(*this, fail(make_error(failure::no_memory, has_sent(), out_of_memory)));
    }

    void on_connected() override {
      if (exchange* e = owner_.exchanges_.find(carried_))
        connection_.write(std::exchange(e->bytes, {}));
      else
        owner_.release(*this, {}); // given up meanwhile
    }

    void on_data(std::string_view bytes) override {
      if (!carried_) { // a response nobody asked for
        owner_.end_connection(*this, fail(client_error{}));
        return;
      }
      take(parser_.feed(bytes));
    }

    void take(const result<bool, parse_errc>& state) {
      if (!state)
        return owner_.end_connection(
            *this, fail(make_error(failure::bad_response, true, to_string(state.error()))));
      if (!*state) return connection_.acknowledge();
      response response = parser_.take_response();
      const bool is_reusable = parser_.keeps_alive() && !parser_.has_more() &&
                               connection_.is_connected() && connection_.waiting_output() == 0;
      if (!is_reusable) return owner_.end_connection(*this, std::move(response));
      const auto promised = promised_idle_time(response.headers);
      const auto idle =
          std::min(promised.value_or(owner_.options_.idle_limit), owner_.options_.idle_limit);
      if (idle <= duration{0}) return owner_.end_connection(*this, std::move(response));
      idle_since_ = owner_.loop_.now();
      owner_.loop_.timers().arm(*this, idle_since_ + idle);
      owner_.release(*this, std::move(response));
    }

    /// A server that says no more reads no more, as far as a request is concerned.
    io::half_close on_peer_finished() override { return io::half_close::end_now; }

    void on_closed(io::connection_end why, std::string_view detail) override {
      if (!carried_) return owner_.end_connection(*this, fail(client_error{}));
      if (io::has_not_opened(why)) {
        note_problem(detail);
        return connect_next();
      }
      owner_.end_connection(*this, outcome_of_end(why, detail));
    }

    [[nodiscard]] client_result outcome_of_end(io::connection_end why,
                                               std::string_view detail) noexcept {
      auto kind = why == io::connection_end::no_memory ? failure::no_memory : failure::lost;
      try {
        // The end of the connection may be the end of the body.
        if (why == io::connection_end::by_peer && parser_.is_inside_message())
          if (const auto state = parser_.feed_end(); state && *state)
            return parser_.take_response();
      } catch (const std::bad_alloc&) {
        kind = failure::no_memory;
        detail = out_of_memory;
      }
      return fail(make_error(kind, has_sent(), detail));
    }

    /// Idle for long enough.
    void on_timer(instant) override { owner_.end_connection(*this, fail(client_error{})); }

    friend class impl;

    impl& owner_;
    key carried_; ///< the request, none while idle
    io::connection connection_;
    parser parser_;
    std::vector<ip_address> addresses_;
    std::size_t next_address_ = 0;
    socket_address last_address_;
    std::string problems_; ///< of all addresses
    std::uint64_t sent_before_ = 0;
    instant idle_since_{};
  };

  [[nodiscard]] connection* carrier(key k) const noexcept {
    for (const auto& c : connections_)
      if (c->carried() == k) return c.get();
    return nullptr;
  }

  /// Ends a request in the next turn, for send() calls nobody back.
  void fail_later(exchange& e, failure kind, std::string_view detail) noexcept {
    e.refused.emplace(exchange::refusal{kind, detail});
    loop_.timers().arm(e, loop_.now());
  }

  /// Gives waiting requests to idle connections, and to new ones up to the limit.
  void dispatch() {
    while (!stopped_ && !waiting_.empty()) {
      connection* c = take_idle();
      if (!c && connections_.size() >= options_.most_connections) return;
      exchange& e = *waiting_.pop_front();
      --statistics.waiting;
      try {
        if (c) {
          c->carry(e.self, e.bytes);
          e.bytes.clear();
        } else {
          open_for(e);
        }
      } catch (const std::bad_alloc&) {
        fail_later(e, failure::no_memory, out_of_memory); // whatever carries it ends then, too
      }
    }
  }

  void open_for(const exchange& e) {
    idle_.reserve(connections_.size() + 1); // so that each one finds room there
    connections_.push_back(std::make_unique<connection>(*this, e.self));
    statistics.connections = connections_.size();
    ++statistics.connects;
    connections_.back()->resolve();
  }

  /// The connection that was used last and is still good.
  connection* take_idle() {
    while (!idle_.empty()) {
      connection* c = idle_.back();
      idle_.pop_back();
      if (c->is_usable()) return c;
      remove(*c);
    }
    return nullptr;
  }

  void remove(connection& c) {
    std::erase(idle_, &c);
    std::erase_if(connections_, [&](const auto& own) { return own.get() == &c; });
    statistics.connections = connections_.size();
  }

  /// The connection has done its work and can be used again.
  void release(connection& c, std::optional<response>&& response) {
    const key k = std::exchange(c.carried_, key{});
    idle_.push_back(&c);
    if (!response) {
      c.idle_since_ = loop_.now();
      loop_.timers().arm(c, c.idle_since_ + options_.idle_limit);
    }
    answer(k, response ? client_result{std::move(*response)} : fail(client_error{}));
  }

  /// The connection is over, with this result for what it carried.
  void end_connection(connection& c, client_result&& outcome) {
    const key k = c.carried();
    remove(c);
    answer(k, std::move(outcome));
  }

  void answer(key k, client_result&& outcome) {
    const auto alive = shared_from_this();
    if (exchange* e = exchanges_.find(k))
      finish(*e, std::move(outcome));
    else
      dispatch();
  }

  /// Ends an exchange wherever it is. What carries it is closed, unless it has been released.
  void finish(exchange& e, client_result&& outcome) {
    const auto alive = shared_from_this();
    if (e.list_hook<waiting_tag>::is_linked()) --statistics.waiting;
    if (connection* c = carrier(e.self)) remove(*c);
    const done_handler done = std::move(e.done);
    exchanges_.erase(e.self);
    --statistics.in_flight;
    dispatch();
    if (done) done(std::move(outcome));
  }

  io::shard& loop_;
  client_options options_;
  const std::string common_headers_;
  std::vector<ip_address> fixed_addresses_; ///< empty: the name is resolved for each connection
  slot_map<exchange> exchanges_;
  intrusive_list<exchange, waiting_tag> waiting_;
  std::vector<std::unique_ptr<connection>> connections_;
  std::vector<connection*> idle_; ///< the one used last is last
  bool stopped_ = false;
};

void client::exchange::on_timer(instant) { owner.on_due(*this); }

client::client(io::shard& loop, client_options options)
    : impl_{std::make_shared<impl>(loop, std::move(options))} {}

client::~client() { impl_->stop(); }

client::key client::send(const request& request, duration deadline, done_handler done) {
  return impl_->send(request, deadline, std::move(done));
}

void client::cancel(key request) { impl_->cancel(request); }
void client::use_tls(io::tls_context tls) { impl_->use_tls(std::move(tls)); }

const client_statistics& client::statistics() const noexcept { return impl_->statistics; }

} // namespace tandem::http
