// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/terminal_link.hpp>

#include <tandem/base/log.hpp>
#include <tandem/base/random.hpp>
#include <tandem/io/proxy_header.hpp>

#include <algorithm>
#include <new>
#include <utility>

#include <fmt/format.h>

namespace tandem::sip2 {
namespace {

constexpr duration header_limit = seconds{10};     // for the PROXY header
constexpr std::size_t trace_limit = 1000;          // lines kept for who is slow to fetch them
constexpr std::string_view tls_hello = "\x16\x03"; // RFC 8446 5.1: how TLS begins

} // namespace

terminal_link::terminal_link(terminal_server& server, handle<std::unique_ptr<terminal_link>> key,
                             std::shared_ptr<terminal_server::listener> on,
                             const socket_address& peer)
    : server_{server}, key_{key}, listener_{std::move(on)}, peer_{peer}, id_{fmt::format(
                                                                             "{}-{}", key.slot,
                                                                             key.generation)},
      connection_{server.loop_, *this}, began_{server.loop_.now()} {}

terminal_link::~terminal_link() {
  server_.leave_unnamed(*this);
  if (counted_) server_.count(*counted_, -1);
}

instant terminal_link::now() const noexcept { return server_.loop_.now(); }

void terminal_link::start(io::unique_fd fd, const io::tls_context& tls) {
  connection_.accept(std::move(fd), peer_, tls);
  if (listener_->options.has_proxy_header) {
    server_.enter_unnamed(*this);
    server_.loop_.timers().arm(*this, now() + header_limit);
  } else {
    begin(peer_);
  }
  settle();
}

void terminal_link::begin(const socket_address& peer) {
  server_.leave_unnamed(*this);
  server_.count(peer.ip, 1);
  counted_ = peer.ip;
  terminal_options options;
  options.peer = peer.to_string();
  options.session = fmt::format("{:016x}{:016x}", random_bits(), random_bits());
  options.discipline = listener_->options.discipline;
  options.profile = listener_->options.profile;
  options.privacy = server_.options_.privacy;
  options.rules = server_.rules_;
  options.counters = &server_.terminal_counters_;
  log_info("[{}] New SIP client connecting; total={}; key={}", options.peer, server_.connected_,
           options.session);
  terminal_.emplace(std::move(options), static_cast<terminal_host&>(*this), now());
}

void terminal_link::on_data(std::string_view bytes) {
  if (terminal_)
    take_bytes(bytes);
  else
    take_proxy_header(bytes);
  settle();
}

/// Bytes of the terminal itself.
void terminal_link::take_bytes(std::string_view bytes) {
  const bool is_first = !std::exchange(has_spoken_, true);
  if (is_first && !listener_->options.is_tls && bytes.starts_with(tls_hello))
    terminal_->close("it speaks TLS, which this listener does not; give the listener a "
                     "certificate-file",
                     now());
  else
    terminal_->on_bytes(bytes, now());
}

void terminal_link::take_proxy_header(std::string_view bytes) {
  header_ += bytes;
  const auto header = io::read_proxy_header(header_);
  if (header.status == io::proxy_header::verdict::need_more) return;
  if (header.status == io::proxy_header::verdict::invalid) {
    ++server_.counters_.refused_address;
    return refuse("no PROXY header where one is due");
  }
  // UNKNOWN and LOCAL: the balancer itself, which has to be admitted like anybody.
  const socket_address client = header.client ? header.client : peer_;
  if (!server_.admit(*listener_, client)) return refuse("not admitted");
  const auto rest = header_.substr(header.size);
  header_ = std::string{};
  begin(client);
  if (!rest.empty()) take_bytes(rest);
}

void terminal_link::refuse(std::string_view why) {
  log_warning("[{}] connection closed: {}", peer_.to_string(), why);
  connection_.close();
}

io::half_close terminal_link::on_peer_finished() {
  if (terminal_)
    terminal_->on_end(now());
  else
    connection_.close();
  settle();
  return io::half_close::keep;
}

void terminal_link::on_closed(io::connection_end why, std::string_view detail) {
  const socket_address peer = peer_;
  if (terminal_) terminal_->on_lost(now());
  settle();
  using enum io::connection_end;
  if (why == tls_failed || why == overflow || why == no_memory)
    log_warning("[{}] connection lost: {}", peer.to_string(), detail);
}

void terminal_link::on_reply(const backend_reply& reply) {
  if (terminal_) terminal_->on_reply(reply, now());
  settle();
}

void terminal_link::on_timer(instant at) {
  if (terminal_)
    terminal_->on_time(at);
  else
    refuse("no PROXY header in time");
  settle();
}

void terminal_link::drain() {
  if (terminal_)
    terminal_->drain(now());
  else
    connection_.close();
  settle();
}

void terminal_link::give_up(std::string_view reason) {
  if (terminal_)
    terminal_->give_up(reason, now());
  else
    refuse(reason);
  settle();
}

void terminal_link::abandon() {
  connection_.close();
  terminal_.reset();
  settle();
}

void terminal_link::kick(std::string_view reason) {
  if (terminal_)
    terminal_->close(reason, now());
  else
    refuse(reason);
  settle();
}

void terminal_link::use_rules(std::shared_ptr<const terminal_rules> rules) {
  if (terminal_) terminal_->use_rules(std::move(rules));
}

void terminal_link::write(std::string bytes) { connection_.write(bytes); }
void terminal_link::close() {
  try {
    connection_.finish();
  } catch (const std::bad_alloc&) { // at once, then
    connection_.close();
  }
}

void terminal_link::send(backend_request&& request) {
  server_.library_.send(std::move(request),
                        [server = &server_, key = key_,
                         alive = std::weak_ptr{server_.alive_}](const backend_reply& reply) {
                          if (alive.expired()) return;
                          if (auto* link = server->links_.find(key)) (*link)->on_reply(reply);
                        });
}

void terminal_link::on_line(direction way, std::string_view line) {
  trace_->lines.push_back(
      fmt::format("{} {} {}", format_date(wall_now()), way == direction::to_acs ? ">" : "<", line));
  if (trace_->lines.size() > trace_limit) {
    trace_->lines.pop_front();
    ++trace_->first;
  }
}

trace_lines terminal_link::trace(std::uint64_t from) {
  if (!trace_) trace_ = std::make_unique<trace_state>();
  trace_lines out;
  out.next = trace_->first + trace_->lines.size();
  for (auto i = std::max(from, trace_->first); i < out.next; ++i)
    out.lines.push_back(trace_->lines[i - trace_->first]);
  return out;
}

terminal_info terminal_link::info(instant at) const {
  terminal_info i;
  i.id = id_;
  i.listener = listener_->options.name;
  i.peer = terminal_ ? terminal_->peer() : peer_.to_string();
  i.connected = at - began_;
  i.idle = i.connected;
  i.is_traced = trace_ != nullptr;
  if (!terminal_) return i;
  i.account = terminal_->account_name();
  i.profile = terminal_->profile_name();
  i.session = terminal_->session().substr(0, 8);
  i.idle = at - terminal_->last_active();
  i.messages = terminal_->messages();
  i.is_waiting = terminal_->is_waiting();
  return i;
}

std::optional<terminal_link::merit> terminal_link::weigh() const noexcept {
  if (!terminal_ || terminal_->is_logged_in()) return std::nullopt;
  return merit{terminal_->is_proven(), terminal_->is_waiting(), terminal_->last_active()};
}

/// After each event: reading follows the crowd, the timer what is due, and a link that is over
/// goes.
void terminal_link::settle() {
  const bool is_session_over = !terminal_ || terminal_->is_finished();
  if (!connection_.is_open() && is_session_over) return server_.forget(key_); // destroys this link
  if (!terminal_) return;
  if (terminal_->is_crowded())
    connection_.pause_reading();
  else
    connection_.resume_reading();
  if (const auto due = terminal_->next_due())
    server_.loop_.timers().arm(*this, *due);
  else
    cancel();
}

} // namespace tandem::sip2
