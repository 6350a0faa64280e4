// SPDX-License-Identifier: Apache-2.0
// One connection to a SIP2 server upstream: name, connection (plain or TLS), login, one question at
// a time, its limits of time. Owned by a sip2_library; one thread. What it tells its user it tells
// from the loop, never from inside a call of his.
#pragma once

#include <tandem/base/timer_wheel.hpp>
#include <tandem/io/connection.hpp>
#include <tandem/names/resolver.hpp>
#include <tandem/sip2/mediator/library_server.hpp>
#include <tandem/sip2/mediator/library_url.hpp>
#include <tandem/sip2/mediator/upstream_session.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tandem::sip2 {

class upstream_link;

/// Gets what happens on a link. None of these may destroy it; they may close it.
class upstream_link_user {
 public:
  /// It has logged in, and can be asked.
  virtual void on_ready(upstream_link& link) = 0;
  virtual void on_answer(upstream_link& link, message&& answer) = 0;
  /// It is over; the last call. The failure is that of what was asked, if anything was.
  virtual void on_over(upstream_link& link, library_failure&& why) = 0;

 protected:
  ~upstream_link_user() = default;
};

struct upstream_link_setup {
  library_url at;
  std::shared_ptr<const upstream_profile> profile; ///< never null
  io::tls_context tls;
  names::resolver* names = nullptr;       ///< for hosts that are names; outlives the link
  duration connect_deadline = seconds{5}; ///< for the connection, and once more for the login
  std::optional<message> login;           ///< a 93 to begin with
};

class upstream_link final : io::connection_handler, timer {
 public:
  upstream_link(io::shard& loop, upstream_link_setup setup, upstream_link_user& user);
  ~upstream_link();
  upstream_link(const upstream_link&) = delete;
  upstream_link& operator=(const upstream_link&) = delete;

  /// Begins to connect, once; over when it has not logged in by then.
  void open(instant until);
  /// Asks; it must be ready, and idle. Without an answer until then it is over.
  void ask(const message& question, instant until);
  /// Over at that moment unless it is asked before.
  void expect_use_by(instant until);
  /// Closes without a call.
  void close() noexcept;

  [[nodiscard]] bool is_open() const noexcept { return is_open_; }
  /// It can be asked: idle, in step with the server, and the server has neither closed nor sent.
  [[nodiscard]] bool is_usable() const noexcept;
  [[nodiscard]] bool has_connected() const noexcept { return has_connected_; }
  /// It is over since the server did not take the login.
  [[nodiscard]] bool is_refused() const noexcept { return is_refused_; }
  [[nodiscard]] const upstream_session& session() const noexcept { return session_; }
  [[nodiscard]] const std::optional<message>& login() const noexcept { return setup_.login; }

 private:
  void on_connected() override;
  void on_data(std::string_view bytes) override;
  void on_closed(io::connection_end why, std::string_view detail) override;
  void on_timer(instant now) override;

  void resolve();
  void take_addresses(const names::resolver::answer& found);
  void connect_next();
  void take(upstream_step&& step);
  void end(library_failure&& why);
  [[nodiscard]] library_failure explain(backend_failure kind, std::string detail) const;

  io::shard& loop_;
  upstream_link_setup setup_;
  upstream_link_user& user_;
  upstream_session session_;
  io::connection connection_;
  std::vector<ip_address> addresses_; ///< still to be tried
  std::optional<names::resolver::request_handle> resolving_;
  bool is_open_ = false;
  bool has_connected_ = false;
  bool is_refused_ = false;
  bool is_asked_ = false;         ///< by its user, and not answered yet
  std::uint64_t sent_before_ = 0; ///< bytes that had left when it was asked
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

} // namespace tandem::sip2
