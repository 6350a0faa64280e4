// SPDX-License-Identifier: Apache-2.0
// The configuration of the mediator, from its file (TOML). docs/sip2.md explains each key. Read at
// start-up and at each reload, on the mediator's thread.
#pragma once

#include <tandem/base/config.hpp>
#include <tandem/base/log.hpp>
#include <tandem/sip2/mediator/backend_pool.hpp>
#include <tandem/sip2/mediator/terminal_server.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::sip2 {

/// The HTTP port: health, readiness, metrics, commands, and the direct door.
struct http_face_options {
  std::optional<socket_address> address; ///< none: no such port
  secret token;                          ///< of commands and door; empty: neither is to be had
  bool has_tls = false;
  io::tls_server_options tls;
  bool has_door = false; ///< messages may come in as JSON, without SIP2
  std::string door_path = "/sip2-mediator";
  std::string door_profile = "default";
};

struct mediator_config {
  std::vector<listener_options> listeners;
  server_options server;
  std::shared_ptr<terminal_rules> rules = std::make_shared<terminal_rules>();
  backend_pool_options backend;
  http_face_options http;
  duration drain_limit = seconds{30};
  std::string log_facility = "local0";
  log_level level = log_level::info;
};

/// Reads everything, certificates to see whether they can be used; faults are noted in the
/// document, whose finish() is still to be called.
void read_mediator_config(const config_document& file, mediator_config& config);

/// Files whose change is a reason to read the configuration again: certificates and keys.
[[nodiscard]] std::vector<std::string> files_of(const mediator_config& config);

/// Of a configuration that is read while the mediator runs: what is fixed at start-up becomes what
/// is in force. \return the names of those keys that differed. Static text.
[[nodiscard]] std::vector<std::string_view> keep_fixed(mediator_config& next,
                                                       const mediator_config& in_force);

/// Whether terminals must log in where their profile does not say.
enum class login_rule : std::uint8_t { optional, required };

/// Reads the tables [profile.NAME] and [[account]]; part of read_mediator_config.
void read_profiles(const config_table& root, terminal_rules& rules, login_rule usual);
void read_accounts(const config_table& root, terminal_rules& rules);

/// LOG_DEBUG, LOG_INFO, LOG_NOTICE, LOG_WARNING, LOG_ERR, or the same without LOG_ and in small
/// letters; nothing for other names.
[[nodiscard]] std::optional<log_level> find_log_level(std::string_view name);

/// local0 to local7, daemon, user, in any letter case.
[[nodiscard]] bool is_log_facility(std::string_view name);

} // namespace tandem::sip2
