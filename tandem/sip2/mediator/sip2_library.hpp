// SPDX-License-Identifier: Apache-2.0
// A library system that speaks SIP2 itself: connections of sessions that keep one, and those that
// all others share. As library_server.
//
// A session with a connection of its own keeps it for its patron sessions, and is the only one on
// it. The others take turns on at most `connections` of them, one message at a time, each of a
// session with the same login. Whoever finds none free waits.
#pragma once

#include <tandem/base/lru_map.hpp>
#include <tandem/base/secret.hpp>
#include <tandem/base/timer_wheel.hpp>
#include <tandem/sip2/mediator/backend_pool.hpp>
#include <tandem/sip2/mediator/library_server.hpp>
#include <tandem/sip2/mediator/upstream_link.hpp>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace tandem::sip2 {

/// The login that a server has accepted from each session, as JSON: for the next connection, and
/// for other servers of the same library.
using upstream_logins = lru_map<std::string, secret>;

/// The 93 of the mediator itself.
[[nodiscard]] message make_upstream_login(const upstream_profile& p);

class sip2_library final : public library_server, timer {
 public:
  /// \param options,logins outlive it. \param tls for sip2s.
  sip2_library(io::shard& loop, const library_url& at, const backend_pool_options& options,
               const io::tls_context& tls, upstream_logins& logins);
  ~sip2_library() override;

  void send(const backend_request& request, duration left, done_handler done) override;
  void probe(duration left, probe_handler done) override;
  void forget(const std::string& session) override;
  bool renew(const io::tls_context& tls) override;
  [[nodiscard]] std::size_t in_flight() const noexcept override { return *in_flight_; }
  [[nodiscard]] std::size_t connections() const noexcept override {
    return shared_.size() + own_.size();
  }
  [[nodiscard]] bool is_watched() const noexcept override {
    return options_.upstream->login.has_value();
  }

 private:
  struct job;
  struct slot;
  struct prober;

  void on_timer(instant now) override;

  [[nodiscard]] std::optional<message> find_login(const job& j) const;
  [[nodiscard]] bool is_settled_by_login(const job& j) const;
  [[nodiscard]] upstream_link_setup make_setup(std::optional<message> login) const;
  void place_own(std::unique_ptr<job> j);
  [[nodiscard]] bool place_shared(std::unique_ptr<job>& j);
  void place(std::unique_ptr<job> j);
  void begin(slot& on, std::unique_ptr<job> j);
  void run(slot& on);
  void finish_later(std::unique_ptr<job> j, library_reply reply);
  void take_answer(slot& on, message&& answer);
  void take_end(slot& on, library_failure&& why);
  void go_on(slot& on);
  void pump();
  void drop(slot& gone);

  io::shard& loop_;
  library_url at_;
  const backend_pool_options& options_;
  io::tls_context tls_;
  upstream_logins& logins_;
  std::unordered_map<std::string, std::unique_ptr<slot>> own_; ///< by session
  std::vector<std::unique_ptr<slot>> shared_;
  std::deque<std::unique_ptr<job>> waiting_; ///< for a shared one
  std::vector<std::unique_ptr<slot>> gone_;  ///< until the end of the turn
  std::unique_ptr<prober> prober_;
  /// Shared with jobs, whose news may be under way when this object is gone.
  std::shared_ptr<std::size_t> in_flight_ = std::make_shared<std::size_t>(0);
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

} // namespace tandem::sip2
