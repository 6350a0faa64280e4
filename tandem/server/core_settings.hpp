// SPDX-License-Identifier: Apache-2.0
// What a script says of the server itself (`debug=3`), as values: each row of the table binds a
// name to a field here. Immutable once read, any thread.
#pragma once

#include <tandem/names/resolver.hpp>
#include <tandem/script/program.hpp>
#include <tandem/server/tls_settings.hpp>
#include <tandem/stack/failed_servers.hpp>
#include <tandem/transport/options.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace tandem::server {

struct core_settings {
  // What is written where
  std::int64_t debug = 2;
  bool log_stderror = false;
  std::string log_facility = "daemon";
  std::string statistics;

  // Process
  bool fork = false;
  unsigned children = 8;
  std::string user, group, chroot, workdir;

  // Network
  std::vector<script::list_item> listen;
  std::uint16_t port = 5060;
  std::vector<script::list_item> alias;
  bool disable_tcp = false;
  transport::transport_options net;
  transport::overload_options overload; ///< bounds beyond which new requests get 503
  tls_settings tls;
  std::string http_listen, http_tokens;

  // Location of servers
  std::string dns_servers;
  names::resolver_options dns;
  bool asks_naptr = true;
  bool asks_srv = true;
  duration failed_server_time = stack::failed_servers::usual_lifetime;

  // Control socket
  std::string control_socket = "/run/tandem/tandemd.sock";
  std::string control_group;
  std::string control_group_role = "read";

  // FIFO
  std::string fifo;
  unsigned fifo_mode = 0660;
  std::string fifo_role = "change";
  std::string fifo_reply_dir = "/tmp";

  // Behaviour
  bool sip_warning = false;
  bool server_signature = true;

  [[nodiscard]] static core_settings of(const script::program& program);
};

/// The parameters, for script::registry::add_core().
[[nodiscard]] script::module_info core_parameters();

} // namespace tandem::server
