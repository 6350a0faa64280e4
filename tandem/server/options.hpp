// SPDX-License-Identifier: Apache-2.0
// What the command line of tandemd says; plain data. Where script and command line differ, the
// command line wins, so that a script can be tried on another address unchanged.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tandem::server {

struct options {
  std::string script = "/etc/tandem/tandem.cfg"; ///< -f
  std::vector<std::string> listen;               ///< -l: "udp:192.0.2.1:5060", "192.0.2.1", "eth0"
  std::optional<std::uint16_t> port;             ///< -p: of listeners that name none
  std::optional<unsigned> shards;                ///< --shards, -n: threads that carry calls
  std::optional<std::string> user, group;        ///< -u, -g: to become after binding
  std::optional<std::string> root, work_folder;  ///< -t, -w
  std::optional<std::string> pid_file;           ///< -P
  std::optional<std::string> trace_file;         ///< --trace: one JSON line a message
  std::optional<bool> daemonize;                 ///< --daemonize, -D
  std::optional<bool> log_to_stderr;             ///< -E
  unsigned verbose = 0;                          ///< -d: each raises the log level by one
  bool no_tcp = false;                           ///< -T
};

} // namespace tandem::server
