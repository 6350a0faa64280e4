// SPDX-License-Identifier: Apache-2.0
// The functions of the core that need no more of a message than the abstract context.
#pragma once

#include <tandem/script/registry.hpp>

namespace tandem::script {

/// The parameter that chooses between the behaviours of the original and of the RFCs.
inline constexpr const char* compat_parameter = "compat";

/// setflag, resetflag, isflagset, len_gt, log; $rc; the parameter compat.
[[nodiscard]] module_info language_core();

} // namespace tandem::script
