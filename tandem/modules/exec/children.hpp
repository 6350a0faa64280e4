// SPDX-License-Identifier: Apache-2.0
// Who the programs of scripts are, and what of the server's environment they inherit. Decided once,
// before anything starts.
#pragma once

#include <tandem/process/spawner.hpp>
#include <tandem/server/module.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace tandem::modules {

/// What programs inherit unless the script says otherwise: what most of them need, nothing that may
/// be a secret.
inline constexpr std::string_view usual_variables =
    "PATH,HOME,USER,LOGNAME,SHELL,LANG,LANGUAGE,LC_*,TZ,TERM,TMPDIR";

/// So far stand programs back behind the server unless the script says otherwise: what they do must
/// not be heard in a call, and they lose nothing where a processor is free.
inline constexpr int usual_niceness = 10;

/// The variables of an environment that a list of names lets through.
/// \param environment NAME=value
/// \param names separated by commas or blanks; `LC_*` is every name that begins so, `*` is all
[[nodiscard]] std::vector<std::string>
inherited_variables(const std::vector<std::string>& environment, std::string_view names);

/// Refuses the script when its parameter `user` names nobody, or somebody whom this process cannot
/// start programs as.
void check_user(const server::module_setup& setup);

/// server::module_entry::prepare_children of module exec: a program is the user that the script
/// names, else who the server becomes, but never root without having been named so.
void prepare_children(const server::module_setup& setup, process::spawner_options& children);

} // namespace tandem::modules
