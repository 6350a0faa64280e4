// SPDX-License-Identifier: Apache-2.0
// Checks what a script sets and loads: core parameters, loadmodule, modparam.
#pragma once

#include <tandem/script/diagnostics.hpp>
#include <tandem/script/names.hpp>
#include <tandem/script/settings.hpp>
#include <tandem/script/syntax.hpp>

namespace tandem::script {

/// Fills in the core parameters; complains about unknown names and values that do not fit.
void apply_parameters(const script_syntax& script, const registry& known, settings& to,
                      diagnostics& found);

/// Loads the modules that the script names. The path says the name only (its last part without
/// ".so"); no file is touched.
void load_modules(const script_syntax& script, const registry& known, names& to,
                  diagnostics& found);

/// Applies modparam to each loaded module whose name the first argument matches as a whole.
void apply_modparams(const script_syntax& script, const names& loaded, settings& to,
                     diagnostics& found);

/// The parameter `compat`, else what the first line and the module paths say.
[[nodiscard]] compatibility detect_compatibility(const script_syntax& script, const registry& known,
                                                 const settings& set);

} // namespace tandem::script
