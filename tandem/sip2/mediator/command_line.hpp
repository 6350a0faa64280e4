// SPDX-License-Identifier: Apache-2.0
// What the flags of sip2-mediator mean for its configuration: those of the original SIP2Mediator
// and some more, all of which win over the file. Used at start-up and at each reload; one thread.
#pragma once

#include <tandem/sip2/mediator/config.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tandem::sip2 {

/// The flags as they were given. What was not given is for the file to say, then for the defaults.
struct command_line {
  std::string config_file = {}; ///< empty: none
  std::optional<std::string> sip_address = {};
  std::optional<std::uint16_t> sip_port = {};
  // Any of these names a back-end, in place of the file's.
  std::optional<std::string> http_host = {};
  std::optional<std::uint16_t> http_port = {};
  std::optional<std::string> http_proto =
      {}; ///< http; anything else is https, as the original has it
  std::optional<std::string> http_path = {};
  std::optional<std::size_t> max_clients = {};
  std::optional<std::string> syslog_facility = {};
  std::optional<std::string> syslog_level = {};
  bool is_ascii = false;          ///< every profile answers in ASCII
  bool logs_passwords = false;    ///< log_privacy::unsafe
  std::string admin_address = {}; ///< of the HTTP port; empty: the file's
  std::string admin_token = {};   ///< the same
};

/// Reads the file, if there is one, and puts the flags over it. When neither names a back-end the
/// result has none.
/// \return the configuration, or all that is wrong with it, a line each.
[[nodiscard]] result<mediator_config, std::string> load_config(const command_line& flags);

/// Where the original looked for a back-end unless told otherwise: http://127.0.0.1:80.
[[nodiscard]] http::url default_backend();

/// Flags that are taken as the original took them though they were hardly meant so; a sentence for
/// each.
[[nodiscard]] std::vector<std::string> doubts_of(const command_line& flags);

} // namespace tandem::sip2
