// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/services.hpp>

#include <tandem/base/log.hpp>
#include <tandem/base/write_whole.hpp>

#include <unistd.h>

namespace tandem::server {

namespace {

class printed final : public record_sink {
 public:
  bool write(std::string_view text) override { return write_whole(STDOUT_FILENO, text); }
  void tell_lost(std::uint64_t texts) override {
    log_error("{} texts of print() lost: they came faster than standard output was read", texts);
  }
};

} // namespace

services::services() : standard_output{std::make_unique<printed>()} {}

storage::location_table& services::location(std::string_view table) {
  const std::lock_guard lock{mutex_};
  auto it = locations_.find(table);
  if (it == locations_.end()) {
    it = locations_
             .emplace(table, std::make_unique<storage::location_table>(table, location_limits_,
                                                                       tandem::now()))
             .first;
    metrics.add_gauge("tandem_registrations", "Contacts that are registered, by location table.",
                      {{"table", std::string{table}}},
                      [&made = *it->second] { return static_cast<double>(made.bindings()); });
  }
  return *it->second;
}

bool services::limit_locations(const storage::location_limits& bounds) {
  const std::lock_guard lock{mutex_};
  if (!locations_.empty()) return bounds == location_limits_;
  location_limits_ = bounds;
  return true;
}

} // namespace tandem::server
