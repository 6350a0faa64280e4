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

} // namespace tandem::server
