// SPDX-License-Identifier: Apache-2.0
// The table of host names that the operator keeps by hand (hosts(5)). One thread.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/base/ip_address.hpp>

#include <ctime>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tandem::names {

class hosts_file {
 public:
  /// \param path read at the first look; a file that is not there is an empty one.
  explicit hosts_file(std::string path) : path_{std::move(path)} {}

  /// The addresses of a name in lower case, in the file's order; null when it has none. A changed
  /// file is read again, looked at once a second at most. The result lives until the next call.
  [[nodiscard]] const std::vector<ip_address>* find(const std::string& name, instant now);

  /// Reads lines of "address name ...", with comments from "#" on; other lines are skipped.
  void read(std::string_view text);

 private:
  void look(instant now);

  std::string path_;
  instant looked_ = instant::min();
  timespec changed_{};
  std::unordered_map<std::string, std::vector<ip_address>> names_;
};

} // namespace tandem::names
