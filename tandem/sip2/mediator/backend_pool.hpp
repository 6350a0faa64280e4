// SPDX-License-Identifier: Apache-2.0
// Library systems, over HTTP or SIP2: one or several that share their data, kept apart when they
// are down, never asked twice for what may have been done. It belongs to one shard.
#pragma once

#include <tandem/base/config.hpp>
#include <tandem/http/message.hpp>
#include <tandem/io/shard.hpp>
#include <tandem/io/tls.hpp>
#include <tandem/names/resolver.hpp>
#include <tandem/observe/metrics.hpp>
#include <tandem/sip2/mediator/backend.hpp>
#include <tandem/sip2/mediator/library_url.hpp>
#include <tandem/sip2/mediator/upstream_profile.hpp>

#include <memory>
#include <string>
#include <vector>

namespace tandem::sip2 {

enum class backend_method : std::uint8_t { post, get };

struct backend_pool_options {
  std::vector<library_url> urls = {};           ///< equal in what they answer; at least one
  backend_method method = backend_method::post; ///< POST with a form, or GET with a query
  std::string answer_pointer = {}; ///< RFC 6901: where an answer has the message; empty: it is it
  std::string session_parameter = "session";
  std::string message_parameter = "message";
  std::string idempotency_header = "Idempotency-Key"; ///< empty: none is sent
  http::header_list headers = {};                     ///< sent with each request
  secret token = {};                                  ///< sent as bearer token, if any
  io::tls_client_options tls = {};
  names::resolver* names = nullptr;  ///< for hosts that are names; outlives the pool
  std::size_t most_connections = 32; ///< to each; with SIP2 those that sessions share
  std::size_t most_waiting = 4000;   ///< requests that wait for a connection to one of them
  duration connect_deadline = seconds{5};
  duration idle_limit = seconds{50};
  std::size_t answer_limit = std::size_t{1024} * 1024; ///< bytes of a body
  unsigned failures_to_open = 3;        ///< failures in a row after which one counts as down
  duration probe_interval = seconds{2}; ///< while it is down: how often it is asked
  std::string health_path = {}; ///< asked with GET, 2xx is well. Empty: the URL itself is asked
                                ///< while it is down, any answer but 502, 503, 504 is well
  duration health_interval = seconds{10}; ///< with a health_path: how often while it is up
  /// What is particular to those that speak SIP2; never null.
  std::shared_ptr<const upstream_profile> upstream = std::make_shared<const upstream_profile>();
};

/// Reads the table [backend]: keys as above with - for _ (url or urls, timeouts with units).
void read_backend_options(const config_table& table, backend_pool_options& options);

/// The state of one library system, for the list of an administrator.
struct backend_state {
  std::string url;
  bool is_up = true;
  std::size_t in_flight = 0;
  std::size_t connections = 0;
  std::uint64_t requests = 0;
  std::uint64_t failures = 0;
  std::string last_problem;
};

class backend_pool final : public backend {
 public:
  /// Makes a pool; nothing is sent yet.
  /// \param count where to count, outlives the pool; null: nowhere.
  /// \return the pool, or what is wrong with certificates or URLs.
  [[nodiscard]] static result<std::unique_ptr<backend_pool>, std::string>
  make(io::shard& loop, backend_pool_options options, observe::metrics* count = nullptr);

  backend_pool(const backend_pool&) = delete;
  backend_pool& operator=(const backend_pool&) = delete;
  /// Gives up everything; no handler is called any more.
  ~backend_pool() override;

  /// A session sticks to the system that is least busy when it begins, for as long as that is up; a
  /// transient one goes to the least busy each time. A request whose bytes were not sent goes to
  /// the next system; one that may have arrived only if it may_repeat().
  void send(backend_request&& request, backend_done done) override;
  [[nodiscard]] bool is_available() const noexcept override;

  /// Takes other options, certificates among them, for what is sent from now on; what is on its way
  /// ends as it began. \return what is wrong with them, then the old ones stay.
  result<void, std::string> reload(backend_pool_options options);

  [[nodiscard]] std::vector<backend_state> states() const;

 private:
  class impl;
  explicit backend_pool(std::shared_ptr<impl> made);
  std::shared_ptr<impl> impl_;
};

} // namespace tandem::sip2
