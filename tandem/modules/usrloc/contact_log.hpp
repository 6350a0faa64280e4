// SPDX-License-Identifier: Apache-2.0
// Changes of location tables in the log, a line each, at level INFO. Any thread.
#pragma once

#include <tandem/storage/change_feed.hpp>

namespace tandem::modules {

class contact_log final : public storage::change_consumer {
 public:
  [[nodiscard]] bool wants_changes() const noexcept override;
  void on_changes(std::string_view table, const storage::change_set& changes,
                  instant now) noexcept override;
  void on_lost(std::string_view table, std::uint64_t changes) noexcept override;
};

} // namespace tandem::modules
