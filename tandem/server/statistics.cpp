// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/statistics.hpp>

#include <tandem/base/log.hpp>
#include <tandem/base/split.hpp>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <fmt/format.h>
#include <fstream>

namespace tandem::server {

bool statistics_sum::add(shard_server& of) {
  const std::lock_guard lock{mutex_};
  const core_counters& core = of.core().counters();
  values_["requests"] += core.requests;
  values_["requests rejected"] += core.rejected;
  values_["stateless replies"] += core.stateless_replies;
  values_["scripts suspended"] += core.suspensions;
  const auto& entrance = of.entrance().counters();
  values_["messages unreadable"] += entrance.unreadable;
  values_["requests broken"] += entrance.broken;
  values_["requests refused for load"] += entrance.overload + entrance.limited;
  const auto& transactions = of.transactions().counters();
  values_["transactions served"] += transactions.servers;
  values_["transactions sent"] += transactions.clients;
  values_["transactions now"] += of.transactions().size();
  values_["copies absorbed"] += transactions.absorbed;
  values_["retransmissions"] += transactions.retransmitted;
  values_["timeouts"] += transactions.timeouts;
  values_["transport errors"] += transactions.transport_errors;
  const auto& net = of.net().counters();
  values_["datagrams received"] += net.received_udp;
  values_["datagrams sent"] += net.sent_udp;
  values_["stream messages received"] += net.received_stream;
  values_["stream messages sent"] += net.sent_stream;
  values_["connections now"] += of.net().connection_count();
  for (const auto& [name, read] : of.core().more_counters()) values_[name] += read();
  return --missing_ == 0;
}

void statistics_sum::write(const std::string& path, services& shared) const {
  std::string text;
  for (const auto& [name, value] : values_) text += fmt::format("{}: {}\n", name, value);
  shared.for_each_location([&](const storage::location_table& table) {
    text += fmt::format("contacts in {}: {}\n", table.name(), table.bindings());
  });
  if (path.empty()) {
    for (const std::string_view line : split(text, '\n')) log_notice("statistics: {}", line);
    return;
  }
  char time[64];
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::localtime_r(&now, &parts);
  std::strftime(time, sizeof time, "%Y-%m-%d %H:%M:%S", &parts);
  std::ofstream out{path, std::ios::app};
  out << "--- " << time << '\n' << text;
  if (!out.flush())
    log_error("cannot write the statistics to '{}': {}", path, std::strerror(errno));
}

} // namespace tandem::server
