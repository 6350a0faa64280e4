// SPDX-License-Identifier: Apache-2.0
// The table [backend] of the configuration file.
#include <tandem/sip2/mediator/backend_pool.hpp>

#include <array>
#include <fmt/format.h>

namespace tandem::sip2 {

void read_backend_options(const config_table& table, backend_pool_options& options) {
  std::vector<std::string> urls;
  table.read("url", urls);
  if (!urls.empty()) options.urls.clear();
  for (const std::string& text : urls) {
    if (auto url = library_url::parse(text))
      options.urls.push_back(std::move(*url));
    else
      table.complain("url", fmt::format("'{}' is not a URL like https://ils.example/sip2-mediator, "
                                        "sip2://ils.example:6001 or sip2s://ils.example:6443",
                                        text));
  }
  constexpr std::array<std::string_view, 2> methods{"post", "get"};
  table.read_choice("method", methods, options.method);
  table.read("session-parameter", options.session_parameter);
  table.read("message-parameter", options.message_parameter);
  table.read("idempotency-header", options.idempotency_header);
  if (table.has("headers")) options.headers = table.table("headers").text_entries();
  table.read("token", options.token);
  table.read_path("ca-file", options.tls.ca_file);
  table.read_path("certificate-file", options.tls.certificate_file);
  table.read_path("key-file", options.tls.key_file);
  table.read("connections", options.most_connections, 1, 10000);
  table.read("waiting", options.most_waiting, 0, 1000000);
  table.read_duration("connect-timeout", options.connect_deadline);
  table.read_duration("idle-timeout", options.idle_limit);
  table.read_size("answer-limit", options.answer_limit);
  table.read("failures-to-open", options.failures_to_open, 1, 1000);
  table.read_duration("probe-interval", options.probe_interval);
  table.read("health-path", options.health_path);
  if (!options.health_path.empty() && options.health_path.front() != '/')
    table.complain("health-path", "'health-path' must begin with /");
  table.read_duration("health-interval", options.health_interval);
  constexpr duration shortest = milliseconds{100};
  if (options.probe_interval < shortest || options.health_interval < shortest)
    table.complain("probe-interval", "a back-end must not be asked more often than every 100 ms");
}

} // namespace tandem::sip2
