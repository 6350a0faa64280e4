// SPDX-License-Identifier: Apache-2.0
// HTTP requests to one server over a pool of keep-alive connections, plain or TLS. It belongs to
// one shard and is used on its thread. It never sends a request twice: it says whether any of it
// was sent, and the caller decides. A request that memory runs out for fails, and no other.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/base/result.hpp>
#include <tandem/base/slot_map.hpp>
#include <tandem/http/message.hpp>
#include <tandem/io/shard.hpp>
#include <tandem/io/tls.hpp>
#include <tandem/names/resolver.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::http {

struct client_options {
  url server = {};                        ///< its path does not matter
  io::tls_context tls = {};               ///< needed for https
  header_list headers = {};               ///< of each request, before its own
  std::vector<ip_address> addresses = {}; ///< of the server, where somebody has looked them up
  names::resolver* names = nullptr; ///< for a host that is neither an address nor localhost, and
                                    ///< whose addresses are not given; outlives this
  std::size_t most_connections = 32;
  std::size_t most_waiting = 1000; ///< requests that wait for a connection; beyond: overloaded
  duration connect_deadline = seconds{5}; ///< of one address, TLS included
  duration idle_limit = seconds{50};      ///< of a connection; a server's Keep-Alive shortens it
  message_limits limits = {};             ///< of a response
};

enum class failure : std::uint8_t {
  unreachable,  ///< no connection, or no TLS: nothing was sent
  timed_out,    ///< no whole response within the deadline
  lost,         ///< the connection broke before the whole response came
  bad_response, ///< not HTTP, or over the limits
  overloaded,   ///< too many wait already: nothing was sent
  bad_request,  ///< its method or target cannot be written: nothing was sent
  no_memory,    ///< for the request, or for its response
};

struct client_error {
  failure kind = failure::unreachable;
  bool was_sent = false; ///< some of it may have reached the server, which may have acted on it
  std::string detail = {};
};

using client_result = result<response, client_error>;

/// What a client has done and does, for metrics.
struct client_statistics {
  std::uint64_t requests = 0;
  std::uint64_t connects = 0;
  std::size_t connections = 0;
  std::size_t in_flight = 0;
  std::size_t waiting = 0;
};

class client {
 public:
  struct exchange;
  using key = handle<exchange>;
  using done_handler = std::function<void(client_result&&)>;

  client(io::shard& loop, client_options options);
  client(const client&) = delete;
  client& operator=(const client&) = delete;
  /// Closes everything; no handler is called any more.
  ~client();

  /// Sends a request. `done` is called exactly once, later, at the latest at the deadline, unless
  /// cancel() comes first. HEAD and CONNECT are not for this client. Throws std::bad_alloc when the
  /// request could not even be noted: then `done` is not called.
  key send(const request& request, duration deadline, done_handler done);

  /// Forgets a request; its connection is closed if it was in use.
  void cancel(key request);

  /// New connections use this from now on (renewed certificates).
  void use_tls(io::tls_context tls);

  [[nodiscard]] const client_statistics& statistics() const noexcept;

 private:
  class impl;
  std::shared_ptr<impl> impl_;
};

} // namespace tandem::http
