// SPDX-License-Identifier: Apache-2.0
// The pseudo-variables of a message: $ru, $fU, $hdr(Name) and their kin, for string arguments.
#pragma once

#include <tandem/script/registry.hpp>

#include <vector>

namespace tandem::server {

[[nodiscard]] std::vector<script::variable_info> message_variables();

} // namespace tandem::server
