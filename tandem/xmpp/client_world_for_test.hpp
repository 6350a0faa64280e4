// SPDX-License-Identifier: Apache-2.0
// A client and a server with a network between them that can fail, in virtual time. What a process
// keeps outlives it.
#pragma once

#include <tandem/xmpp/bosh_server_for_test.hpp>
#include <tandem/xmpp/client.hpp>

#include <gtest/gtest.h>

namespace tandem::xmpp::for_test {

inline const presence online{.is_available = true};
inline const presence on_the_phone{
    .is_available = true, .show = presence_show::away, .status = "On the phone."};

class client_world {
 public:
  explicit client_world(dialect d) : server{d} {
    mine.address = *jid::parse("alice@xmpp.test");
    mine.password = secret{"secret"};
    mine.url = *http::url::parse("https://xmpp.test/http-bind/");
  }

  /// The process starts, and goes on with what another one has kept.
  void start() {
    process = std::make_unique<client>(std::make_shared<const account>(mine), [this] {
      return random_ = random_ * 6364136223846793005U + 1;
    });
    if (kept) process->restore(*kept, now - kept_at, now);
    carry_out();
  }
  /// It is killed: its connections break.
  void kill() {
    process.reset();
    for (const auto& [rid, connection] : under_way_) server.drop(connection);
    under_way_.clear();
  }

  void show(const presence& what) {
    process->show(what, now);
    carry_out();
  }
  void show_online() { show({.is_available = true}); }

  /// Time passes.
  void run(duration length) {
    const instant end = now + length;
    while (now < end) {
      now += milliseconds{100};
      server.advance(now);
      bring_answers();
      if (process) {
        process->advance(now);
        carry_out();
      }
    }
  }
  /// Until it is in that state, for a minute at most.
  [[nodiscard]] bool run_until(client_state wanted, duration limit = seconds{60}) {
    const instant end = now + limit;
    while (process->state() != wanted && now < end) run(milliseconds{100});
    return process->state() == wanted;
  }

  /// Every connection breaks; the server does not notice.
  void break_connections(bool was_sent = true) {
    const auto broken = std::exchange(under_way_, {});
    for (const auto& [rid, connection] : broken) server.drop(connection);
    for (const auto& [rid, connection] : broken) process->on_failed(rid, was_sent, now);
    carry_out();
  }

  [[nodiscard]] std::size_t connections() const { return under_way_.size(); }
  [[nodiscard]] std::string last_seen() const {
    return server.seen.empty() ? "" : server.seen.back();
  }

  bosh_server server;
  account mine;
  instant now{seconds{1000}};
  std::unique_ptr<client> process;
  std::optional<client_snapshot> kept;
  instant kept_at{};
  bool is_network_down = false;
  bool lets_log_in = true;
  std::vector<std::string> alarms;
  std::vector<xml_element> messages;
  std::vector<bosh_post> posts; ///< all that were made
  std::string url;
  std::size_t most_connections = 0;
  int published = 0;

  void carry_out() {
    for (bool again = true; again && process;) {
      again = false;
      if (process->state() == client_state::queued && lets_log_in) process->begin_login(now);
      client_effects effects = process->take_effects();
      if (effects.gives_up) give_up();
      if (effects.keeps) {
        kept = process->snapshot();
        kept_at = now;
      }
      if (effects.forgets) kept.reset();
      if (!effects.url.empty()) url = effects.url;
      if (effects.published) ++published;
      for (auto& m : effects.messages) messages.push_back(m);
      for (auto& a : effects.alarms) alarms.push_back(a);
      for (const bosh_post& p : effects.posts) {
        again = true;
        posts.push_back(p);
        send(p);
      }
      bring_answers();
      again = again || process->state() == client_state::queued;
      if (!lets_log_in && process->state() == client_state::queued) again = false;
    }
  }

 private:
  void give_up() {
    for (const auto& [rid, connection] : under_way_) server.drop(connection);
    under_way_.clear();
  }
  void send(const bosh_post& p) {
    if (const auto before = under_way_.find(p.rid); before != under_way_.end()) {
      server.drop(before->second);
      under_way_.erase(before);
    }
    if (is_network_down) {
      process->on_failed(p.rid, false, now);
      return;
    }
    const int connection = ++connections_;
    under_way_[p.rid] = connection;
    deadlines_[connection] = now + p.deadline;
    most_connections = std::max(most_connections, under_way_.size());
    server.request(connection, p.body, now);
  }
  void bring_answers() {
    for (auto& r : server.take_replies()) {
      const auto at = std::ranges::find_if(
          under_way_, [&](const auto& one) { return one.second == r.connection; });
      if (at == under_way_.end() || !process) continue;
      const auto rid = at->first;
      under_way_.erase(at);
      process->on_answer(rid, r.status, r.body, now);
    }
    if (!process) return;
    std::vector<std::uint64_t> late;
    for (const auto& [rid, connection] : under_way_)
      if (deadlines_[connection] <= now) late.push_back(rid);
    for (const auto rid : late) {
      server.drop(under_way_[rid]);
      under_way_.erase(rid);
      process->on_failed(rid, true, now);
    }
  }

  std::uint64_t random_ = 42;
  int connections_ = 0;
  std::map<std::uint64_t, int> under_way_;
  std::map<int, instant> deadlines_;
};

} // namespace tandem::xmpp::for_test
