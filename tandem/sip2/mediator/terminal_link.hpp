// SPDX-License-Identifier: Apache-2.0
// One connection of a terminal: the connection, an optional PROXY header, and the session behind
// it. Owned by its terminal_server; one thread.
#pragma once

#include <tandem/base/timer_wheel.hpp>
#include <tandem/io/connection.hpp>
#include <tandem/sip2/mediator/terminal_server.hpp>

#include <compare>
#include <deque>
#include <optional>

namespace tandem::sip2 {

class terminal_link final : public list_hook<terminal_server::unnamed>,
                            io::connection_handler,
                            terminal_host,
                            timer {
 public:
  terminal_link(terminal_server& server, handle<std::unique_ptr<terminal_link>> key,
                std::shared_ptr<terminal_server::listener> on, const socket_address& peer);
  ~terminal_link() override;

  void start(io::unique_fd fd, const io::tls_context& tls);
  void on_reply(const backend_reply& reply);
  void drain();
  /// Refuses what is in progress, on the wire, and closes once that has left.
  void give_up(std::string_view reason);
  /// Cuts the connection and forgets the session, whatever it waits for.
  void abandon();
  void kick(std::string_view reason);
  void use_rules(std::shared_ptr<const terminal_rules> rules);

  [[nodiscard]] terminal_info info(instant now) const;
  [[nodiscard]] trace_lines trace(std::uint64_t from);
  void stop_trace() { trace_.reset(); }
  [[nodiscard]] const std::string& id() const noexcept { return id_; }
  /// What speaks for its staying when all places are taken; the link with the least goes first.
  struct merit {
    bool is_proven;      ///< the back-end has answered a message of it
    bool is_waiting;     ///< a message is in progress
    instant last_active; ///< least of who has been silent for longest
    // NOLINTNEXTLINE(modernize-use-nullptr): the checker takes the 0 of an ordering for a pointer
    friend auto operator<=>(const merit&, const merit&) = default;
  };
  /// Nothing: it has logged in, and stays; or takes no place, since it is not named yet.
  [[nodiscard]] std::optional<merit> weigh() const noexcept;
  [[nodiscard]] instant began() const noexcept { return began_; }
  /// The address it is counted for; only of one that weighs something.
  [[nodiscard]] const ip_address& from() const noexcept { return *counted_; }

 private:
  void on_data(std::string_view bytes) override;
  io::half_close on_peer_finished() override;
  void on_closed(io::connection_end why, std::string_view detail) override;

  void write(std::string bytes) override;
  void close() override;
  void send(backend_request&& request) override;
  void on_line(direction way, std::string_view line) override;
  [[nodiscard]] bool is_traced() const noexcept override { return trace_ != nullptr; }
  [[nodiscard]] wall_time wall_now() const override { return std::chrono::system_clock::now(); }

  void on_timer(instant now) override;

  void take_bytes(std::string_view bytes);
  void take_proxy_header(std::string_view bytes);
  void begin(const socket_address& peer);
  void refuse(std::string_view why);
  void settle();
  [[nodiscard]] instant now() const noexcept;

  struct trace_state {
    std::uint64_t first = 0; ///< number of the first line that is kept
    std::deque<std::string> lines;
  };

  terminal_server& server_;
  handle<std::unique_ptr<terminal_link>> key_;
  std::shared_ptr<terminal_server::listener> listener_;
  socket_address peer_;
  std::string id_;
  io::connection connection_;
  std::string header_;      ///< of the PROXY protocol, as far as it has come
  bool has_spoken_ = false; ///< a byte of the terminal itself has come
  instant began_;
  std::optional<terminal> terminal_;  ///< none while the PROXY header is awaited
  std::optional<ip_address> counted_; ///< the address this link is counted for
  std::unique_ptr<trace_state> trace_;
};

/// A listener with what new connections get.
struct terminal_server::listener {
  listener_options options;
  io::tls_context tls;
  std::unique_ptr<io::tcp_listener> socket;
};

} // namespace tandem::sip2
