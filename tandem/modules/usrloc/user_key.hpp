// SPDX-License-Identifier: Apache-2.0
// A user as an operator writes him, as the key of a location table: `user` or `user@domain`. Any
// thread.
#pragma once

#include <tandem/storage/locations.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace tandem::modules {

/// Without domains in the keys a given one is cut off; with them it must be there.
/// \return the key, or nothing when the domain or the user is missing
[[nodiscard]] std::optional<std::string> make_user_key(std::string_view user,
                                                       storage::key_form form);

} // namespace tandem::modules
