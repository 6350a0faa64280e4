// SPDX-License-Identifier: Apache-2.0
// The applications that the scripts of one shard ask over HTTP: a pool of connections to each
// server, and what is counted. One thread.
#pragma once

#include <tandem/base/counter.hpp>
#include <tandem/base/sparse_log.hpp>
#include <tandem/http/client.hpp>
#include <tandem/observe/metrics.hpp>
#include <tandem/server/core.hpp>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::modules {

struct http_route_settings;

class applications {
 public:
  using verdict = std::function<script::outcome(server::message_context&, http::client_result&&)>;

  explicit applications(server::core& owner);

  /// Questions that come from now on are asked as these settings want it; those on their way end as
  /// they began.
  void configure(const http_route_settings& settings);

  /// Suspends the script until the application has answered, at the latest at the deadline of the
  /// settings of its script.
  /// \param question a JSON document
  script::outcome ask(server::message_context& m, const http::url& where, std::string question,
                      verdict decide);

  /// A line in the log, with the call and the application.
  void complain(const server::message_context& m, const http::url& where, std::string_view why);

  counter went_on, relayed, replied; ///< what applications have wanted
  counter failed;                    ///< no answer, or none that could be obeyed

 private:
  [[nodiscard]] http::client& client_of(const http::url& where, const http_route_settings& s);
  /// Lets go of old clients whose last question has ended.
  void forget_retired();

  server::core& core_;
  std::map<std::string, std::unique_ptr<http::client>> clients_; ///< by scheme, host and port
  std::vector<std::unique_ptr<http::client>> retired_;           ///< of settings that count no more
  gauge waiting_;
  observe::histogram& took_;
  sparse_log complaints_;
};

} // namespace tandem::modules
