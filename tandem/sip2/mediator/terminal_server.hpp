// SPDX-License-Identifier: Apache-2.0
// All terminals of a shard: listeners, connections, their sessions, and what operators do to them.
// One thread, that of the shard. Must outlive neither the shard nor the back-end.
#pragma once

#include <tandem/base/intrusive_list.hpp>
#include <tandem/base/ip_address.hpp>
#include <tandem/base/result.hpp>
#include <tandem/base/slot_map.hpp>
#include <tandem/base/source_counts.hpp>
#include <tandem/io/shard.hpp>
#include <tandem/io/tcp_listener.hpp>
#include <tandem/io/tls.hpp>
#include <tandem/sip2/mediator/backend.hpp>
#include <tandem/sip2/mediator/terminal.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tandem::sip2 {

class terminal_link;

/// Where terminals connect.
struct listener_options {
  std::string name = {};
  socket_address address = {};
  line_discipline discipline = line_discipline::raw;
  std::string profile = "default";
  bool is_tls = false;
  io::tls_server_options tls = {};
  bool has_proxy_header = false;       ///< each connection begins with the PROXY protocol
  std::vector<ip_prefix> proxies = {}; ///< who may send that header; empty: anybody
  std::vector<ip_prefix> allowed = {}; ///< terminals, as the header names them; empty: all
};

struct server_options {
  std::size_t max_clients = 120;           ///< 0: unlimited
  std::size_t max_clients_per_address = 0; ///< 0: unlimited; IPv6 by /64
  log_privacy privacy = log_privacy::secrets;
};

struct server_counters {
  std::uint64_t accepted = 0;
  std::uint64_t refused_full = 0;    ///< max_clients, or that of the address
  std::uint64_t displaced = 0;       ///< closed without a login or a PROXY header, for a newcomer
                                     ///< when all was full
  std::uint64_t refused_address = 0; ///< not on the listener's list, or no PROXY header
};

/// A row of the list of terminals.
struct terminal_info {
  std::string id; ///< names the connection in kick and trace
  std::string peer;
  std::string listener;
  std::string account;
  std::string profile;
  std::string session; ///< its first eight digits: enough to find log lines
  duration connected{0};
  duration idle{0};
  std::uint64_t messages = 0;
  bool is_waiting = false;
  bool is_traced = false;
};

/// Lines of a trace and where to go on.
struct trace_lines {
  std::uint64_t next = 0;
  std::vector<std::string> lines;
};

class terminal_server {
 public:
  /// Connections of load balancers whose PROXY header has not come yet; beyond that the one that
  /// has waited for longest is closed. They are no terminals yet: they take no place of one, and
  /// displace none. Several turns of a listener's accepting: what has come with its header is read
  /// before a crowd behind it can displace it.
  static constexpr std::size_t most_unnamed = 256;

  terminal_server(io::shard& loop, backend& library, server_options options,
                  std::shared_ptr<const terminal_rules> rules);
  ~terminal_server();
  terminal_server(const terminal_server&) = delete;
  terminal_server& operator=(const terminal_server&) = delete;

  /// Makes the listeners the given ones: keeps those at an address that stays (with new settings
  /// and certificates for new connections), opens new ones, closes the rest. No terminal is
  /// touched. \return nothing, or why one could not be opened; the others are.
  [[nodiscard]] std::string set_listeners(const std::vector<listener_options>& wanted);
  void set_options(const server_options& options) { options_ = options; }
  /// For every terminal from its next message on.
  void set_rules(std::shared_ptr<const terminal_rules> rules);

  /// Stops listening, finishes what is in progress, tells the back-end of each end, then calls
  /// `done`, once; at `limit` what is left is cut off.
  void drain(duration limit, std::function<void()> done);
  [[nodiscard]] bool is_draining() const noexcept { return draining_ != nullptr; }

  [[nodiscard]] std::vector<terminal_info> list() const;
  /// Closes a terminal's connection; false when there is none of that id.
  bool kick(std::string_view id);
  /// Starts, goes on with, or ends a trace: the lines since `from`. Nothing when there is no such
  /// terminal.
  [[nodiscard]] std::optional<trace_lines> trace(std::string_view id, std::uint64_t from);
  bool stop_trace(std::string_view id);

  /// Terminals; without the connections that have not said yet whose they are.
  [[nodiscard]] std::size_t connected() const noexcept { return connected_; }
  [[nodiscard]] const terminal_counters& counters() const noexcept { return terminal_counters_; }
  /// For who relays the same messages by another way: the door.
  [[nodiscard]] terminal_counters& shared_counters() noexcept { return terminal_counters_; }
  [[nodiscard]] const server_counters& server_counts() const noexcept { return counters_; }
  [[nodiscard]] bool is_listening() const noexcept { return !listeners_.empty(); }
  /// Addresses listened at, with the ports the kernel chose.
  [[nodiscard]] std::vector<socket_address> addresses() const;

 private:
  friend class terminal_link;
  struct listener;
  struct unnamed; ///< tags the links whose PROXY header is awaited
  using link_key = handle<std::unique_ptr<terminal_link>>;

  void close_all_but(const std::vector<std::shared_ptr<listener>>& kept);
  void accept(const std::shared_ptr<listener>& on, io::unique_fd fd, const socket_address& peer);
  [[nodiscard]] bool make_place(const ip_address& newcomer);
  [[nodiscard]] bool admit(const listener& on, const socket_address& from);
  void make_room_for_unnamed();
  void enter_unnamed(terminal_link& link) noexcept;
  void leave_unnamed(terminal_link& link) noexcept;
  void count(const ip_address& from, int change);
  void finish_drain();
  void forget(link_key key);
  [[nodiscard]] terminal_link* find(std::string_view id) const;

  io::shard& loop_;
  backend& library_;
  server_options options_;
  std::shared_ptr<const terminal_rules> rules_;
  std::vector<std::shared_ptr<listener>> listeners_;
  intrusive_list<terminal_link, unnamed> unnamed_; ///< the one that has waited for longest first
  std::size_t unnamed_count_ = 0;
  mutable slot_map<std::unique_ptr<terminal_link>> links_;
  source_counts by_address_; ///< of links
  std::size_t connected_ = 0;
  terminal_counters terminal_counters_;
  server_counters counters_;

  struct drain_state;
  std::unique_ptr<drain_state> draining_;
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

} // namespace tandem::sip2
