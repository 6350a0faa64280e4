// SPDX-License-Identifier: Apache-2.0
// Many clients on one loop: it gives them connections, keeps what must be kept before a request
// leaves, lets so many log in per second, and holds connections and descriptors to a bound. A
// client of the mode held has connections of its own, for a request that is held occupies one;
// sparse ones share them. Used on the loop's thread. Hashing a password takes the loop 10 ms or
// more: it is one that carries no calls.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/io/shard.hpp>
#include <tandem/io/tls.hpp>
#include <tandem/names/resolver.hpp>
#include <tandem/xmpp/client.hpp>
#include <tandem/xmpp/session_store.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tandem::xmpp {

struct pool_options {
  io::tls_context tls = {};         ///< for https: whom to trust
  names::resolver* names = nullptr; ///< outlives the pool; needed for hosts that are names
  session_store* store = nullptr;   ///< outlives the pool; none: no other process goes on
  std::size_t most_clients = 20'000;
  /// Of held clients, which may have three each, and of those that the sparse ones share. Beyond,
  /// a client is sparse, whatever it wants.
  std::size_t most_connections = 10'000;
  std::size_t shared_connections = 64; ///< of sparse clients to one server
  std::uint32_t logins_per_second = 50;
  duration idle_limit = seconds{5}; ///< of a connection that nothing is held on
};

/// What the pool tells; each may be empty. Told from the loop, never from inside a call of the
/// pool's user. `name` is valid during the call.
struct pool_events {
  std::function<void(const std::string& name, client_state state)> on_state = {};
  std::function<void(const std::string& name, const xml_element& message)> on_message = {};
  std::function<void(const std::string& name, const std::string& text)> on_alarm = {};
};

struct pool_statistics {
  std::uint64_t logins = 0;             ///< begun
  std::uint64_t resumed = 0;            ///< sessions of another process that went on
  std::uint64_t requests = 0;           ///< repeats included
  std::uint64_t published = 0;          ///< states that a server has taken
  duration slowest_publish{0};          ///< from show() to the answer
  std::array<std::uint64_t, 17> ends{}; ///< sessions, by session_end
  std::size_t clients = 0;
  std::size_t held = 0;    ///< clients with connections of their own
  std::size_t waiting = 0; ///< for their turn to log in
};

class client_pool {
 public:
  client_pool(io::shard& loop, pool_options options, pool_events events = {});
  client_pool(const client_pool&) = delete;
  client_pool& operator=(const client_pool&) = delete;
  /// Closes everything at once, as a process does that is killed: sessions stay with their servers.
  ~client_pool();

  /// Adds one, which shows nothing yet; or goes on with the session that was kept under that name,
  /// if it was of the same address and URL, and shows what that showed.
  /// \return false when there are too many, or one of that name
  [[nodiscard]] bool add(const std::string& name, account of);
  /// It says goodbye, and is gone then.
  void remove(const std::string& name);
  /// \return false when there is none of that name
  bool show(const std::string& name, const presence& what);

  /// Nothing when there is none of that name.
  [[nodiscard]] std::optional<client_state> state_of(const std::string& name) const;
  /// The resource that it has or asks for; empty when there is none of that name.
  [[nodiscard]] std::string resource_of(const std::string& name) const;
  [[nodiscard]] pool_statistics statistics() const;

  enum class ending : std::uint8_t {
    keep,  ///< another process goes on: sessions stay for as long as their servers allow
    leave, ///< every client says goodbye
  };
  /// Ends all; `done` is called later, once, at the latest after six seconds. Nothing is shown any
  /// more.
  void stop(ending how, std::function<void()> done);

 private:
  class impl;
  std::shared_ptr<impl> impl_;
};

} // namespace tandem::xmpp
