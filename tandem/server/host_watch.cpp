// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/host_watch.hpp>

#include <tandem/base/log.hpp>
#include <tandem/io/shard.hpp>

#include <utility>

namespace tandem::server {

namespace {

/// The resolver answers from its cache until an answer is too old, so that asking costs nothing.
constexpr duration interval = seconds{1};

using names::resolve_error;
using names::resolver;

} // namespace

host_watch::host_watch(io::shard& loop, resolver& names, change_handler on_change)
    : loop_{loop}, names_{names}, on_change_{std::move(on_change)} {}

void host_watch::look_up(std::span<const std::string> names,
                         std::function<void(host_addresses)> done) {
  struct round {
    host_addresses found;
    std::size_t pending;
    std::function<void(host_addresses)> done;
  };
  if (names.empty()) return done({});
  const auto all = std::make_shared<round>(round{{}, names.size(), std::move(done)});
  for (const std::string& name : names)
    names_.resolve(name, names::address_family::any, [all, name](const resolver::answer& found) {
      auto& addresses = all->found[name];
      if (found)
        addresses = *found;
      else
        log_warning("the script compares addresses with '{}', which has none ({}): the comparison "
                    "is false until it has one",
                    name, to_string(found.error()));
      if (--all->pending == 0) all->done(std::move(all->found));
    });
}

void host_watch::watch(host_addresses known) {
  known_ = std::move(known);
  if (known_.empty())
    cancel();
  else
    loop_.timers().arm(*this, loop_.now() + interval);
}

void host_watch::on_timer(instant now) {
  loop_.timers().arm(*this, now + interval);
  for (const auto& [name, addresses] : known_)
    names_.resolve(
        name, names::address_family::any,
        [this, alive = std::weak_ptr{alive_}, name = name](const resolver::answer& found) {
          if (!alive.expired()) learn(name, found);
        });
}

void host_watch::learn(const std::string& name, const resolver::answer& found) {
  const auto watched = known_.find(name);
  if (watched == known_.end()) return;
  if (!found && found.error() != resolve_error::not_found) return; // nobody knows better
  std::vector<ip_address> next = found ? *found : std::vector<ip_address>{};
  if (next == watched->second) return;
  if (next.empty())
    log_warning("'{}', which the script compares addresses with, has no address any more", name);
  else
    log_notice("'{}', which the script compares addresses with, has other addresses now", name);
  watched->second = std::move(next);
  on_change_(std::make_shared<const host_addresses>(known_));
}

} // namespace tandem::server
