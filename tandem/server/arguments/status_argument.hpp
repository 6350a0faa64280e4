// SPDX-License-Identifier: Apache-2.0
// A SIP status as the first argument of a script function.
#pragma once

#include <tandem/script/argument.hpp>

#include <memory>

namespace tandem::server {

/// Complains when the script is checked, unless argument 0 is a number from 100 to 699.
[[nodiscard]] std::shared_ptr<const void> check_status_argument(script::check& c);

} // namespace tandem::server
