// SPDX-License-Identifier: Apache-2.0
#include <tandem/control/socket_door.hpp>

#include <tandem/control/json_rpc.hpp>
#include <tandem/io/connection.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <new>
#include <sys/socket.h>
#include <utility>

namespace tandem::control {

namespace {

/// Of answers that wait for a slow client. A list comes in pieces and needs little of it.
constexpr std::size_t output_limit = std::size_t{64} << 20U;

std::string error_line(int code, std::string_view why) {
  return fmt::format(
      "{{\"jsonrpc\":\"2.0\",\"error\":{{\"code\":{},\"message\":\"{}\"}},\"id\":null}}\n", code,
      why);
}

} // namespace

role socket_access::role_of(const io::unix_peer& peer) const noexcept {
  if (peer.uid == 0 || peer.uid == own) return role::admin;
  if (group && std::ranges::find(peer.groups, *group) != peer.groups.end()) return group_gives;
  return role::user;
}

class socket_door::client final : io::connection_handler,
                                  public std::enable_shared_from_this<client> {
 public:
  client(socket_door& owner, const io::unix_peer& peer)
      : owner_{owner}, user_{peer.uid}, by_{.name = fmt::format("socket user {} (process {})",
                                                                peer.uid, peer.pid),
                                            .may = owner.access_.role_of(peer)},
        connection_{owner.loop_, *this, {.output = patience, .output_bytes = output_limit}} {}

  void begin(io::unique_fd fd) { connection_.accept(std::move(fd), {}); }

  [[nodiscard]] uid_t user() const noexcept { return user_; }
  /// It waits for nothing of us: its place may be given to another one.
  [[nodiscard]] bool is_idle() const noexcept {
    return !is_answering_ && connection_.waiting_output() == 0;
  }

 private:
  void on_data(std::string_view bytes) override {
    input_ += bytes;
    const auto alive = shared_from_this();
    pump();
  }

  void on_drained() override {
    if (body_) return ask_later();
    const auto alive = shared_from_this();
    pump();
  }

  /// What was asked before the client shut down its half is still answered.
  io::half_close on_peer_finished() override {
    ends_after_answer_ = true;
    return is_idle() && input_.find('\n') == input_.npos ? io::half_close::finish
                                                         : io::half_close::keep;
  }

  void on_closed(io::connection_end, std::string_view) override { owner_.remove(*this); }

  /// The deadline of a request runs from its first byte, not from the last one that came.
  void await_rest() {
    if (!std::exchange(awaits_rest_, true)) connection_.await_by(owner_.loop_.now() + patience);
  }
  void await_nothing() {
    awaits_rest_ = false;
    connection_.await_by(io::connection::never);
  }

  /// Asks the next whole line, one in a turn, once the answer to the last one was taken.
  void pump() {
    if (is_answering_ || is_finishing_ || connection_.waiting_output() > 0) return;
    input_.erase(0, input_.find_first_not_of("\r\n")); // empty lines ask nothing
    if (const auto end = input_.find('\n'); end != input_.npos) {
      std::string line = input_.substr(0, end);
      input_.erase(0, end + 1);
      return ask(line);
    }
    connection_.resume_reading();
    if (input_.empty())
      await_nothing();
    else
      await_rest();
    if (input_.size() > longest_request)
      return finish_with(
          error_line(command_error::invalid_request,
                     fmt::format("a request is a line of at most {} bytes", longest_request)));
    if (ends_after_answer_) finish();
  }

  void ask(const std::string& line) {
    is_answering_ = true;
    connection_.pause_reading();
    await_nothing(); // from here on it is the command's time
    const std::weak_ptr<client> self = weak_from_this();
    answer_json_rpc(owner_.commands_, line, by_,
                    {.whole =
                         [self](std::optional<std::string> text) {
                           if (const auto alive = self.lock()) alive->end_answer(std::move(text));
                         },
                     .in_pieces =
                         [self](std::shared_ptr<http::body_source> body) {
                           const auto alive = self.lock();
                           if (!alive) return;
                           alive->body_ = std::move(body);
                           alive->ask_for_piece();
                         }});
  }

  void end_answer(std::optional<std::string> text) {
    is_answering_ = false;
    if (text) return send(*text += '\n'); // on_drained goes on
    owner_.loop_.post([self = weak_from_this()] {
      if (const auto alive = self.lock()) alive->pump();
    });
  }

  /// In a turn of its own, so that others come between.
  void ask_later() {
    if (waits_for_piece_) return;
    waits_for_piece_ = true;
    owner_.loop_.post([self = weak_from_this()] {
      if (const auto alive = self.lock()) alive->ask_for_piece();
    });
  }

  void ask_for_piece() {
    waits_for_piece_ = true;
    const auto from = body_;
    if (from)
      from->next([self = weak_from_this()](std::optional<http::body_piece> piece) {
        const auto alive = self.lock();
        if (alive && alive->body_) alive->take(std::move(piece));
      });
  }

  void take(std::optional<http::body_piece> piece) {
    waits_for_piece_ = false;
    // Half an answer has left and cannot be taken back: its end tells that it is not whole.
    if (!piece) return owner_.remove(*this);
    const bool is_last = piece->at == http::body_piece::place::last;
    if (is_last) {
      body_.reset();
      is_answering_ = false;
      piece->bytes += '\n';
    }
    send(piece->bytes);
    if (!is_last && connection_.waiting_output() == 0) ask_later(); // it was empty
  }

  /// Without memory for an answer the client goes: a part of it may have left already.
  void send(std::string_view text) {
    try {
      connection_.write(text);
    } catch (const std::bad_alloc&) {
      owner_.remove(*this);
    }
  }

  void finish_with(std::string_view text) {
    connection_.write(text);
    finish();
  }

  void finish() {
    is_finishing_ = true;
    connection_.finish();
  }

  socket_door& owner_;
  uid_t user_;
  caller by_;
  std::string input_;
  bool is_answering_ = false;
  bool is_finishing_ = false;
  bool ends_after_answer_ = false;
  bool waits_for_piece_ = false;
  bool awaits_rest_ = false;                ///< of a request that has begun
  std::shared_ptr<http::body_source> body_; ///< of the answer, while it goes out in pieces
  io::connection connection_;
};

socket_door::socket_door(io::shard& loop, command_registry& commands, const socket_access& access)
    : loop_{loop}, commands_{commands}, access_{access} {}

socket_door::~socket_door() = default;

result<std::unique_ptr<socket_door>, std::string> socket_door::open(io::shard& loop,
                                                                    command_registry& commands,
                                                                    io::placed_file file,
                                                                    const socket_access& access) {
  std::unique_ptr<socket_door> made{new socket_door{loop, commands, access}};
  auto listener = io::unix_listener::listen(
      loop, std::move(file),
      [door = made.get()](io::unique_fd connection, const io::unix_peer& peer) {
        door->accept(std::move(connection), peer);
      });
  if (!listener) return fail(std::move(listener.error()));
  made->listener_ = std::move(*listener);
  return made;
}

void socket_door::accept(io::unique_fd connection, const io::unix_peer& peer) {
  if (!make_room(peer.uid)) {
    const std::string text = error_line(command_error::failed, "too many clients; try again later");
    (void)!::send(connection.get(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return;
  }
  clients_.push_back(std::make_shared<client>(*this, peer));
  clients_.back()->begin(std::move(connection));
}

/// Whether one more of this user may come; the idle one that came first gives its place up for it,
/// so that idle clients keep nobody out, and one user no other.
bool socket_door::make_room(uid_t user) {
  const auto of_user =
      std::ranges::count_if(clients_, [user](const auto& one) { return one->user() == user; });
  const bool is_user_full = static_cast<std::size_t>(of_user) >= most_clients_of_user;
  if (!is_user_full && clients_.size() < most_clients) return true;
  const auto idle = std::ranges::find_if(clients_, [&](const auto& one) {
    return one->is_idle() && (!is_user_full || one->user() == user);
  });
  if (idle == clients_.end()) return false;
  clients_.erase(idle);
  return true;
}

void socket_door::remove(const client& gone) {
  clients_.remove_if([&gone](const auto& one) { return one.get() == &gone; });
}

} // namespace tandem::control
