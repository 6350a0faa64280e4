// SPDX-License-Identifier: Apache-2.0
// Where changes of location tables go once the table's mutex is free: to the log, a line each, at
// level INFO. Any thread; the changes of one address of record are ordered by their sequence.
#pragma once

#include <tandem/storage/change_set.hpp>

namespace tandem::server {

/// Somebody wants to hear: a table fills in a change set only then.
[[nodiscard]] bool are_contact_changes_told() noexcept;

/// Tells what is in the set and empties it. \param now for the time that is left of each
void tell_contact_changes(storage::change_set& changes, instant now);

} // namespace tandem::server
