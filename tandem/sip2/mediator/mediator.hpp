// SPDX-License-Identifier: Apache-2.0
// The mediator as a whole: terminals, library systems and the HTTP port, from one configuration
// that can be read again while terminals stay connected. One thread, that of its shard.
#pragma once

#include <tandem/base/result.hpp>
#include <tandem/control/command_registry.hpp>
#include <tandem/http/server.hpp>
#include <tandem/io/file_watch.hpp>
#include <tandem/names/resolver.hpp>
#include <tandem/observe/metrics.hpp>
#include <tandem/sip2/mediator/config.hpp>
#include <tandem/sip2/mediator/door.hpp>

#include <functional>
#include <memory>
#include <string>

namespace tandem::sip2 {

class mediator {
 public:
  /// Reads the configuration at a reload; the text says all that is wrong.
  using load_function = std::function<result<mediator_config, std::string>()>;

  /// \param load is kept. \param config_file watched for changes; empty: none.
  /// \param on_finished runs when a drain is over.
  mediator(io::shard& loop, load_function load, std::string config_file,
           std::function<void()> on_finished);
  ~mediator();
  mediator(const mediator&) = delete;
  mediator& operator=(const mediator&) = delete;

  /// Opens everything, once. \return nothing, or why it cannot work.
  [[nodiscard]] std::string start(mediator_config config);

  /// Reads the configuration again and takes it over as a whole, or not at all when it has a fault.
  /// Listeners that cannot be opened are told; the others work.
  /// \return nothing, or what was wrong.
  std::string reload();

  /// Stops accepting, finishes what is in progress of terminals and at the door, tells the back-end
  /// of each end, then on_finished. At `limit` what is left is refused.
  void drain(duration limit);
  [[nodiscard]] duration drain_limit() const noexcept { return config_.drain_limit; }

  [[nodiscard]] terminal_server& terminals() noexcept { return *terminals_; }
  [[nodiscard]] std::optional<socket_address> http_address() const noexcept { return http_at_; }

 private:
  [[nodiscard]] std::string open_http();
  [[nodiscard]] door_state state_of_door() const;
  [[nodiscard]] std::string why_not_ready() const;
  void count();
  void add_commands();
  void watch_files();
  void one_is_drained();
  [[nodiscard]] boost::json::value status() const;

  io::shard& loop_;
  load_function load_;
  std::string config_file_;
  std::function<void()> on_finished_;
  mediator_config config_;
  observe::metrics metrics_;
  std::unique_ptr<names::resolver> resolver_;
  std::unique_ptr<backend_pool> library_;
  std::unique_ptr<terminal_server> terminals_;
  control::command_registry commands_;
  control::access_tokens tokens_; ///< of the HTTP port
  std::unique_ptr<door> door_;
  std::unique_ptr<http::server> http_;
  std::optional<socket_address> http_at_;
  std::unique_ptr<io::file_watch> files_;
  int left_to_drain_ = 0; ///< terminals, door
  std::uint64_t reloads_ = 0;
  std::uint64_t failed_reloads_ = 0;
};

} // namespace tandem::sip2
