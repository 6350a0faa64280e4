// SPDX-License-Identifier: Apache-2.0
// A small HTTP/1.1 server: routes, a bearer token, bounds on everything, HTTPS if given a context.
// It belongs to one shard; handlers run on it and may answer later, on the same shard. A request
// that memory runs out for is refused with 503, or its connection ends; no other one notices.
//
//   server server{loop, {.token = secret{"..."}}};
//   server.route("GET", "/health", route_access::open,
//                [](request&&, responder answer) { answer.respond({.body = "ok\n"}); });
//   auto at = server.listen(*socket_address::parse("127.0.0.1:8080"));
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/base/ip_address.hpp>
#include <tandem/base/result.hpp>
#include <tandem/base/secret.hpp>
#include <tandem/base/slot_map.hpp>
#include <tandem/http/body_source.hpp>
#include <tandem/http/message.hpp>
#include <tandem/io/shard.hpp>
#include <tandem/io/tls.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace tandem::http {

struct server_options {
  io::tls_context tls = {};   ///< none: plain HTTP
  secret token = {};          ///< what "Authorization: Bearer" must hold; empty: no way in
  message_limits limits = {}; ///< of a request
  duration request_deadline = seconds{30}; ///< from the first byte of a request to its last, for
                                           ///< the first request of a connection to come, and for
                                           ///< the peer to take the answer
  duration idle_limit = seconds{75};       ///< of a connection between requests
  /// At a bound the oldest connection that never brought a request makes room, then the one that
  /// has been idle for longest; without one the new connection is closed.
  std::size_t most_connections = 1000;
  std::size_t most_connections_per_source = 250; ///< by source_network()
};

/// Who may use a route.
enum class route_access : std::uint8_t {
  open,  ///< anybody
  token, ///< who shows the bearer token; without one configured: nobody
};

/// The answer to one request. Movable; answers by itself when it is dropped unused: 503 when that
/// is because of an exception, which can only be a lack of memory, else 500. It may outlive its
/// server and its connection.
class responder {
 public:
  responder() = default;
  responder(responder&& other) noexcept = default;
  responder& operator=(responder&& other) noexcept;
  ~responder();

  /// Sends the answer; the first one counts.
  void respond(response response);
  /// Sends the head at once and the body in pieces, in chunks where the peer knows them (RFC 9112
  /// 7.1). The `body` of the head is not sent. A peer that does not take a piece within
  /// server_options::request_deadline is dropped.
  void respond(const response& head, std::shared_ptr<body_source> body);

  /// Where the request came from.
  [[nodiscard]] const socket_address& peer() const noexcept { return peer_; }
  /// The connection is still there.
  [[nodiscard]] bool is_wanted() const noexcept;

 private:
  friend class server;
  void give_up() noexcept;

  struct connection_key {
    std::uint32_t slot = 0;
    std::uint32_t generation = 0;
  };

  std::weak_ptr<void> server_;
  connection_key connection_;
  socket_address peer_;
};

class server {
 public:
  using handler = std::function<void(request&& request, responder answer)>;

  server(io::shard& loop, server_options options = {});
  server(const server&) = delete;
  server& operator=(const server&) = delete;
  /// Closes everything at once.
  ~server();

  /// Says who handles a method and path. A path that ends in / takes all below it too; the longest
  /// one wins. GET answers HEAD as well. Other methods of a known path get 405.
  void route(std::string method, std::string path, route_access access, handler handle);

  /// Opens a listener; port 0 takes a free one.
  /// \return where it listens, or why it does not.
  result<socket_address, std::string> listen(const socket_address& at);

  /// New connections use this from now on (renewed certificates).
  void use_tls(io::tls_context tls);
  /// Requests are held to this token from now on.
  void use_token(secret token);

  /// Closes the listeners and idle connections; the others after their answer, or after `grace`.
  /// \param done is called when no connection is left, from inside stop() if there is none.
  void stop(duration grace, std::function<void()> done);

  [[nodiscard]] std::size_t connections() const noexcept;

 private:
  friend class responder;
  class impl;
  std::shared_ptr<impl> impl_;
};

/// An answer of text, one line: for errors.
[[nodiscard]] response text_response(unsigned status, std::string_view text);

} // namespace tandem::http
