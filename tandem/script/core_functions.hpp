// SPDX-License-Identifier: Apache-2.0
// The functions of the core that need no more of a message than the abstract context.
#pragma once

#include <tandem/script/registry.hpp>

namespace tandem::script {

/// setflag, resetflag, isflagset, len_gt, log; $rc.
[[nodiscard]] module_info language_core();

} // namespace tandem::script
