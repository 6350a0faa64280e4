// SPDX-License-Identifier: Apache-2.0
// The direct door: the same messages as JSON over HTTPS, for programs that need no SIP2, with the
// same rules, accounts and back-end as terminals. Bearer token. One thread.
#pragma once

#include <tandem/http/server.hpp>
#include <tandem/io/shard.hpp>
#include <tandem/sip2/mediator/backend.hpp>
#include <tandem/sip2/mediator/door_sessions.hpp>
#include <tandem/sip2/mediator/profile.hpp>
#include <tandem/sip2/mediator/terminal_counters.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_set>

namespace tandem::sip2 {

/// Whether messages may come in: a closed door answers as if it were not there.
enum class door_state : std::uint8_t { closed, open };

class door {
 public:
  /// \param loop,library,counters outlive the door.
  /// \param profile of sessions whose account names no other.
  door(io::shard& loop, backend& library, terminal_counters& counters,
       std::shared_ptr<const terminal_rules> rules, std::string profile, door_state state);
  ~door();
  door(const door&) = delete;
  door& operator=(const door&) = delete;

  /// Takes POST at `path`: application/json is one message, text/plain one line of SIP2,
  /// application/x-www-form-urlencoded the form that back-ends get. The session is `session` of the
  /// form or query, or the header X-Session; without one each request is a session of its own.
  void serve(http::server& server, const std::string& path);

  /// A new version of the configuration.
  void use(std::shared_ptr<const terminal_rules> rules, std::string profile, door_state state);

  /// Refuses new requests, finishes what is in progress, then calls `done`, once, never from inside
  /// this call; at `limit` what is left is refused. Refusals have the status 503.
  void drain(duration limit, std::function<void()> done);

 private:
  struct visit;
  struct drain_state;

  void take(const http::request& request, http::responder responder);
  void relay(const std::shared_ptr<visit>& v);
  void take_reply(visit& v, const backend_reply& reply);
  void accept_login(const visit& v);
  void refuse_for_drain(visit& v);
  void finish_drain();

  io::shard& loop_;
  backend& library_;
  terminal_counters& counters_;
  std::shared_ptr<const terminal_rules> rules_;
  std::string profile_;
  door_state state_;
  door_sessions sessions_;
  std::unordered_set<std::shared_ptr<visit>> asked_; ///< of the back-end, and not answered yet
  std::unique_ptr<drain_state> draining_;
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

} // namespace tandem::sip2
