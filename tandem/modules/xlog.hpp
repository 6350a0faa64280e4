// SPDX-License-Identifier: Apache-2.0
// Modules xlog and print: lines with variables, to the log and to standard output.
#pragma once

#include <tandem/server/module.hpp>

namespace tandem::modules {

[[nodiscard]] server::module_entry xlog();
[[nodiscard]] server::module_entry print();

} // namespace tandem::modules
