// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/connection.hpp>

#include <tandem/io/bound_address.hpp>
#include <tandem/io/read_buffer.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <new>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace tandem::io {

namespace {

/// How often a connection reads or writes before others have their turn.
constexpr int reads_per_turn = 4;
constexpr int writes_per_turn = 64;
constexpr std::size_t pieces_per_write = 64;
/// What a peer gets to read our last words in, and to say that it is done too. Closing at once
/// while it still sends would reset the connection, and take back what it has not read yet.
constexpr duration longest_linger = seconds{2};

void set_option(int fd, int level, int option, int value) noexcept {
  ::setsockopt(fd, level, option, &value, sizeof value);
}

/// Why a connection did not open, from an error of connect().
connection_end end_of(int error) noexcept {
  switch (error) {
  case ECONNREFUSED:
  case ECONNRESET: return connection_end::refused;
  case ETIMEDOUT: return connection_end::open_limit;
  default: return connection_end::unreachable;
  }
}

/// A copy for the log; nothing when there is no memory for it.
std::string copy_for_log(std::string_view text) noexcept {
  try {
    return std::string{text};
  } catch (const std::bad_alloc&) {
    return {};
  }
}

constexpr std::string_view is_not_read = "the peer does not read what it is sent";

/// For the log.
std::string_view explain(connection_end overdue) noexcept {
  switch (overdue) {
  case connection_end::open_limit: return "no connection in time";
  case connection_end::output_limit: return is_not_read;
  case connection_end::read_limit: return "what was awaited did not come";
  default: return "nothing was said for too long";
  }
}

} // namespace

/// Notices, over calls out of the connection, that it was closed or destroyed meanwhile; it may
/// have been opened again.
class connection::life {
 public:
  explicit life(connection& of) noexcept : of_{of}, outer_{of.lives_} { of.lives_ = this; }
  life(const life&) = delete;
  life& operator=(const life&) = delete;
  ~life() {
    if (!is_over_) of_.lives_ = outer_;
  }
  [[nodiscard]] bool is_over() const noexcept { return is_over_; }

  static void end_all(life*& innermost) noexcept {
    for (life* l = innermost; l; l = l->outer_) l->is_over_ = true;
    innermost = nullptr;
  }

 private:
  connection& of_;
  life* outer_;
  bool is_over_ = false;
};

connection::connection(shard& loop, connection_handler& handler, const connection_limits& limits)
    : loop_{loop}, handler_{handler}, output_limit_{limits.output_bytes}, deadlines_{limits} {}

connection::~connection() { close(); }

// --- its begin

void connection::begin(state first, const socket_address& peer) {
  state_ = first;
  peer_ = peer;
  local_ = {};
  sent_bytes_ = 0;
  deadlines_.begin(loop_.now());
  if (channel_) set_option(channel_.fd(), IPPROTO_TCP, TCP_NODELAY, 1);
}

void connection::connect(const socket_address& to, const tls_context& tls, const std::string& host,
                         const ip_address& from) {
  close();
  sockaddr_storage address{};
  socklen_t size = to.to_sockaddr(address);
  channel_ = channel{
      unique_fd{::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)}};
  begin(state::connecting, to);
  const auto fail = [this](int error) { fail_at_turn_end(end_of(error), std::strerror(error)); };
  if (!channel_) return fail(errno);
  if (from) {
    // The port is chosen with the peer in view, so that ports do not run out early.
    set_option(channel_.fd(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    sockaddr_storage own{};
    const socklen_t own_size = socket_address{from, 0}.to_sockaddr(own);
    if (::bind(channel_.fd(), reinterpret_cast<const sockaddr*>(&own), own_size) != 0)
      return fail(errno);
  }
  if (tls && !channel_.use_tls(tls, tls_role::client, host))
    return fail_at_turn_end(connection_end::tls_failed,
                            "no memory, or a name that no certificate can hold");
  if (::connect(channel_.fd(), reinterpret_cast<const sockaddr*>(&address), size) != 0 &&
      errno != EINPROGRESS)
    return fail(errno);
  local_ = bound_address(channel_.fd()); // the kernel has chosen it to send the SYN from
  want_events();
  arm();
}

void connection::accept(unique_fd socket, const socket_address& peer, const tls_context& tls) {
  close();
  channel_ = channel{std::move(socket)};
  begin(tls ? state::handshake : state::open, peer);
  local_ = bound_address(channel_.fd());
  if (tls && !channel_.use_tls(tls, tls_role::server, {}))
    return fail_at_turn_end(connection_end::tls_failed, "no memory");
  want_events();
  arm();
}

void connection::finish_connect() {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(channel_.fd(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) return end(end_of(error), std::strerror(error));
  if (!channel_.is_tls()) return come_up();
  state_ = state::handshake;
  shake_hands();
}

void connection::shake_hands() {
  const auto progress = channel_.shake_hands();
  read_wants_room_ = progress == channel_state::wants_room;
  if (progress == channel_state::done) return come_up();
  if (progress == channel_state::failed) end(connection_end::tls_failed, channel_.problem());
}

void connection::come_up() {
  const life present{*this};
  state_ = state::open;
  deadlines_.begin(loop_.now());
  handler_.on_connected();
  if (present.is_over() || state_ != state::open) return;
  if (!output_.is_empty()) loop_.at_turn_end(*this);
  if (channel_.has_unread()) read_later();
  arm();
}

// --- its turn

/// What memory runs out for is lost in part, and what follows it would be nonsense.
template <typename Event>
void connection::guard(Event&& event) {
  const life present{*this};
  try {
    event();
  } catch (const std::bad_alloc&) {
    if (!present.is_over()) {
      fail_at_turn_end(connection_end::no_memory, {}); // what is missing must not look whole
      end(connection_end::no_memory, "out of memory");
    }
    throw; // the loop counts it
  }
}

void connection::on_ready(std::uint32_t events) {
  guard([this, events] { take_events(events); });
}

void connection::on_turn_end() {
  guard([this] { end_turn(); });
}

void connection::take_events(std::uint32_t events) {
  const life present{*this};
  const bool is_broken = (events & (EPOLLERR | EPOLLHUP)) != 0;
  const bool has_room = (events & EPOLLOUT) != 0;
  switch (state_) {
  case state::closed: return;
  case state::connecting:
    if (has_room || is_broken) finish_connect();
    break;
  case state::handshake: shake_hands(); break;
  case state::lingering: discard_input(); break;
  case state::open:
  case state::finishing:
    // After its FIN a peer can only reset the connection, which reading would not show: recv() goes
    // on to return 0. Nor may anything be read for a user who does not want it.
    if (is_broken && !failure_ && (peer_finished_ || !is_reading()))
      return end(connection_end::lost, "reset by the peer");
    if (has_room && is_blocked_) {
      is_blocked_ = false; // until the end of the turn, when it is tried
      loop_.at_turn_end(*this);
    }
    if ((events & EPOLLIN) != 0 || is_broken || (read_wants_room_ && has_room)) read();
    break;
  }
  if (!present.is_over()) want_events();
}

void connection::end_turn() {
  const life present{*this};
  if (std::exchange(reads_at_turn_end_, false)) read();
  if (present.is_over()) return;
  if (failure_) return end(failure_->why, failure_->detail);
  flush();
  if (!present.is_over()) want_events();
}

// --- what comes in

bool connection::is_reading() const noexcept {
  if (peer_finished_ || failure_) return false;
  if (state_ == state::finishing) return true; // to throw it away
  // Nothing more is read from who does not read, else its answers would pile up here.
  return state_ == state::open && !is_paused_ && output_.cost() <= output_limit_ / 2;
}

void connection::read() {
  const life present{*this};
  auto& buffer = read_buffer();
  for (int round = 0; round < reads_per_turn && is_reading(); ++round) {
    const auto [progress, size] = channel_.read(buffer);
    read_wants_room_ = progress == channel_state::wants_room;
    switch (progress) {
    case channel_state::done: break;
    case channel_state::wants_input:
    case channel_state::wants_room: return;
    case channel_state::ended: return take_end_of_input();
    case channel_state::cut_off:
      if (state_ == state::finishing) return take_end_of_input(); // what it sent is not wanted
      return end(connection_end::cut_off, "closed without the end of TLS");
    case channel_state::failed: return end(connection_end::lost, channel_.problem());
    }
    deadlines_.note_input(loop_.now());
    if (write_wants_input_) loop_.at_turn_end(*this);
    if (state_ == state::open) handler_.on_data({buffer.data(), size});
    if (present.is_over()) return;
    // Level-triggered: what is left is told again. A record of TLS is smaller than the buffer.
    if (!channel_.is_tls() && size < buffer.size()) return;
  }
  if (channel_.has_unread() && is_reading()) read_later();
}

void connection::read_later() {
  reads_at_turn_end_ = true;
  loop_.at_turn_end(*this);
}

void connection::take_end_of_input() {
  peer_finished_ = true;
  if (state_ == state::finishing) return;
  const life present{*this};
  const half_close then = handler_.on_peer_finished();
  if (present.is_over() || state_ != state::open || failure_ || then == half_close::keep) return;
  if (then == half_close::end_now) return end(connection_end::by_peer, "closed by the peer");
  finish_as(connection_end::by_peer);
}

void connection::pause_reading() {
  is_paused_ = true;
  want_events();
}

void connection::resume_reading() {
  if (!std::exchange(is_paused_, false)) return;
  if (state_ == state::open && channel_.has_unread()) read_later();
  want_events();
}

// --- what goes out

bool connection::send(block_ref block, std::uint32_t size, send_token token) {
  if (!is_up_or_coming()) return false;
  if (size == 0) return true;
  if (failure_) { // why is told with its end
    output_.push({}, 0, token);
    return true;
  }
  output_.push(std::move(block), size, token);
  if (output_.cost() > output_limit_)
    fail_at_turn_end(connection_end::overflow, is_not_read);
  else
    loop_.at_turn_end(*this);
  return true;
}

void connection::write(std::string_view bytes) {
  if (!takes_output()) return;
  if (output_.cost() + bytes.size() > output_limit_) // not copied in vain
    return fail_at_turn_end(connection_end::overflow, is_not_read);
  send(block_ref::copy_of(bytes), static_cast<std::uint32_t>(bytes.size()));
}

void connection::flush() {
  if ((state_ != state::open && state_ != state::finishing) || failure_ || is_blocked_) return;
  const bool was_reading = is_reading();
  const bool had_output = !output_.is_empty();
  write_wants_input_ = false;
  for (int round = 0; !output_.is_empty(); ++round) {
    if (round == writes_per_turn) return loop_.at_turn_end(*this);
    std::array<iovec, pieces_per_write> pieces;
    const auto [progress, size] = channel_.write(std::span{pieces}.first(output_.front(pieces)));
    if (progress == channel_state::done) {
      output_.pop(size);
      sent_bytes_ += size;
      deadlines_.note_output(loop_.now());
      continue;
    }
    write_wants_input_ = progress == channel_state::wants_input;
    if (!write_wants_input_ && progress != channel_state::wants_room)
      return end(connection_end::lost, channel_.problem());
    wait_for_room();
    break;
  }
  // What TLS has read already makes no socket ready.
  if (!was_reading && is_reading() && channel_.has_unread()) read_later();
  if (!output_.is_empty()) return;
  if (state_ == state::finishing) return shut_down();
  if (had_output) handler_.on_drained();
}

void connection::wait_for_room() {
  is_blocked_ = !write_wants_input_;
  deadlines_.note_blocked(loop_.now());
  arm();
}

void connection::finish() {
  if (!takes_output()) return;
  if (state_ != state::open) return fail_at_turn_end(connection_end::finished, {});
  finish_as(connection_end::finished);
}

void connection::finish_as(connection_end why) {
  state_ = state::finishing;
  end_of_finish_ = why;
  deadlines_.await_by(never);
  loop_.at_turn_end(*this);
}

void connection::shut_down() {
  if (channel_.shut_down() == channel_state::wants_room) return wait_for_room();
  if (peer_finished_) return end(end_of_finish_, {});
  state_ = state::lingering;
  deadlines_.await_by(loop_.now() + longest_linger);
  arm();
}

void connection::discard_input() {
  for (int round = 0; round < reads_per_turn; ++round) {
    switch (channel_.discard()) {
    case channel_state::done: break;
    case channel_state::wants_input: return;
    default: return end(end_of_finish_, {});
    }
  }
}

// --- its end

void connection::fail_at_turn_end(connection_end why, std::string_view detail) noexcept {
  if (failure_) return;
  failure_.emplace(failure{why, copy_for_log(detail)});
  loop_.at_turn_end(*this);
}

void connection::end(connection_end why, std::string_view detail) {
  const std::string text = copy_for_log(detail); // it may be the channel's
  say_goodbye();
  const output_queue unsent = std::move(output_);
  const auto sent = sent_bytes_;
  reset();
  sent_bytes_ = sent; // still asked for in on_closed
  unsent.for_each_token([&](send_token token) { handler_.on_unsent(token, why); });
  handler_.on_closed(why, text);
}

void connection::give_up_place() {
  if (is_open()) end(connection_end::gave_place, {});
}

/// RFC 8446 6.1: close_notify says that there was no more. It is written where there is room; a
/// peer that has none sees a connection that was cut off.
void connection::say_goodbye() noexcept {
  const bool is_whole = state_ == state::open && !failure_ && output_.is_empty();
  if (is_whole && channel_.is_tls()) channel_.say_goodbye();
}

void connection::close() noexcept {
  say_goodbye();
  reset();
}

void connection::reset() noexcept {
  life::end_all(lives_);
  if (is_watched_) loop_.unwatch(channel_.fd(), *this);
  is_watched_ = false;
  events_ = 0;
  channel_ = channel{};
  state_ = state::closed;
  output_ = {};
  sent_bytes_ = 0;
  is_paused_ = peer_finished_ = is_blocked_ = reads_at_turn_end_ = false;
  read_wants_room_ = write_wants_input_ = false;
  deadlines_.forget();
  failure_.reset();
  turn_task::unlink();
  timer::cancel();
}

// --- what it waits for

void connection::want_events() {
  if (!channel_ || failure_) return;
  std::uint32_t events = 0;
  switch (state_) {
  case state::closed: return;
  case state::connecting: events = EPOLLOUT; break;
  case state::handshake: events = EPOLLIN; break;
  case state::open:
  case state::finishing:
    if (is_reading()) events = EPOLLIN;
    if (is_blocked_) events |= EPOLLOUT;
    break;
  case state::lingering: events = EPOLLIN; break;
  }
  if (read_wants_room_) events |= EPOLLOUT;
  if (is_watched_ && events == events_) return;
  if (is_watched_)
    loop_.rewatch(channel_.fd(), *this, events);
  else
    is_watched_ = loop_.watch(channel_.fd(), *this, events);
  events_ = events;
  if (!is_watched_)
    fail_at_turn_end(state_ == state::open ? connection_end::lost : connection_end::unreachable,
                     "no memory to watch the connection");
}

connection_deadlines::stage connection::stage() const noexcept {
  using enum connection_deadlines::stage;
  if (state_ == state::connecting || state_ == state::handshake) return opening;
  return state_ == state::lingering ? lingering : open;
}

void connection::arm() {
  // A timer that is early looks again when it fires, so that activity costs no arming.
  const instant next = deadlines_.next(stage());
  if (next != never && (!is_armed() || next < due())) loop_.timers().arm(*this, next);
}

void connection::await_by(instant deadline) {
  if (!takes_output()) return;
  deadlines_.await_by(deadline);
  arm();
}

void connection::on_timer(instant now) {
  const auto why = deadlines_.overdue(stage(), now);
  if (!why) return arm();
  if (state_ == state::lingering) return end(end_of_finish_, {});
  const bool lacks_tls = state_ == state::handshake && *why == connection_end::open_limit;
  end(*why, lacks_tls ? "no TLS connection in time" : explain(*why));
}

// --- the socket

void connection::acknowledge() noexcept {
  if (channel_) set_option(channel_.fd(), IPPROTO_TCP, TCP_QUICKACK, 1);
}

bool connection::has_proved(const std::string& name) const {
  return state_ == state::open && channel_.has_proved(name);
}

bool connection::has_verified_peer() const {
  return state_ == state::open && channel_.has_verified_peer();
}

bool connection::is_quiet() const noexcept {
  if (state_ != state::open || peer_finished_ || failure_ || channel_.has_unread()) return false;
  char byte = 0;
  return ::recv(channel_.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

} // namespace tandem::io
