// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/arguments/status_argument.hpp>

namespace tandem::server {

std::shared_ptr<const void> check_status_argument(script::check& c) {
  const std::int64_t status = c.at(0).number;
  if (status < 100 || status > 699) c.error(0, "a SIP status is a number from 100 to 699");
  return nullptr;
}

} // namespace tandem::server
