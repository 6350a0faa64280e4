// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/statistics.hpp>

#include <tandem/base/log.hpp>
#include <tandem/base/split.hpp>
#include <tandem/base/write_whole.hpp>
#include <tandem/io/unique_fd.hpp>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <fmt/format.h>
#include <memory>

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

std::string statistics_sum::to_text(services& shared) const {
  std::string text;
  for (const auto& [name, value] : values_) text += fmt::format("{}: {}\n", name, value);
  shared.for_each_location([&](const storage::location_table& table) {
    text += fmt::format("contacts in {}: {}\n", table.name(), table.bindings());
  });
  return text;
}

namespace {

/// A record is the path, a NUL, and what is appended to it.
class files final : public record_sink {
 public:
  bool write(std::string_view record) override {
    const auto end = record.find('\0');
    const std::string path{record.substr(0, end)};
    const io::unique_fd fd{::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640)};
    if (fd && write_whole(fd.get(), record.substr(end + 1))) return true;
    log_error("cannot write the statistics to '{}': {}", path, std::strerror(errno));
    return false;
  }
  void tell_lost(std::uint64_t records) override {
    log_error("{} statistics were not written: the file is too slow or cannot be written", records);
  }
};

std::string local_time() {
  char text[64];
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::localtime_r(&now, &parts);
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  return text;
}

} // namespace

statistics_output::statistics_output() : file_{std::make_unique<files>()} {}

void statistics_output::write(const std::string& path, std::string_view text) {
  if (!path.empty())
    file_.put(fmt::format("{}{}--- {}\n{}", path, '\0', local_time(), text));
  else
    for (const std::string_view line : split(text, '\n')) log_notice("statistics: {}", line);
}

} // namespace tandem::server
