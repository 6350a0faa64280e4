// SPDX-License-Identifier: Apache-2.0
// Tells when files change (inotify): a configuration that is edited, a certificate that is renewed.
// Used on its shard's thread.
#pragma once

#include <tandem/base/timer_wheel.hpp>
#include <tandem/io/shard.hpp>
#include <tandem/io/unique_fd.hpp>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace tandem::io {

class file_watch final : readiness, timer {
 public:
  /// \param on_change runs once for changes that come together, a moment after the last.
  file_watch(shard& loop, std::function<void()> on_change);
  ~file_watch();
  file_watch(const file_watch&) = delete;
  file_watch& operator=(const file_watch&) = delete;

  /// Watches these files, in place of those before. One that is not there yet is noticed when it
  /// comes; that editors and certificate tools replace files rather than write them is understood.
  void watch(const std::vector<std::string>& files);

 private:
  void on_ready(std::uint32_t events) override;
  void on_timer(instant now) override;

  shard& loop_;
  std::function<void()> on_change_;
  unique_fd fd_;
  std::map<int, std::set<std::string>> names_; ///< by watched folder
};

} // namespace tandem::io
