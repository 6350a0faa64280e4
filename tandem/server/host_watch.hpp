// SPDX-License-Identifier: Apache-2.0
// The addresses of the host names that conditions compare with (`src_ip == gw.example.com`). No
// comparison waits for DNS: they are looked up before a script runs, and again whenever the time to
// live of the last answer is over. One thread, that of its shard.
#pragma once

#include <tandem/base/ip_address.hpp>
#include <tandem/base/timer_wheel.hpp>
#include <tandem/names/resolver.hpp>

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace tandem::server {

using host_addresses = std::map<std::string, std::vector<ip_address>, std::less<>>;

class host_watch final : timer {
 public:
  using change_handler = std::function<void(std::shared_ptr<const host_addresses>)>;

  /// \param names keeps answers as long as they live; outlives this, as `loop` does
  /// \param on_change gets all watched names when one of them has other addresses
  host_watch(io::shard& loop, names::resolver& names, change_handler on_change);

  /// Looks names up. `done` is called once: a name without address has none in the result, which
  /// the log says.
  void look_up(std::span<const std::string> names, std::function<void(host_addresses)> done);

  /// From now on these names are watched, in place of others. A name that has gone has no address
  /// any more; while no server answers, the last ones stay.
  void watch(host_addresses known);

 private:
  void on_timer(instant now) override;
  void learn(const std::string& name, const names::resolver::answer& found);

  io::shard& loop_;
  names::resolver& names_;
  change_handler on_change_;
  host_addresses known_;
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

} // namespace tandem::server
