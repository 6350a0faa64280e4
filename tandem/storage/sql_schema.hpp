// SPDX-License-Identifier: Apache-2.0
// The tables that Tandem keeps, with the names and columns that SER gave them, so that a database
// of one is a database of the other. What SER had no column for is added behind: SER and tools that
// name their columns go on with it. docs/data.md has them all.
#pragma once

#include <tandem/storage/sql_connection.hpp>

namespace tandem::storage {

/// The version that this program makes and wants; table tandem_schema holds that of a database.
inline constexpr int newest_sql_schema = 1;

/// Makes the tables that are missing and adds the columns that tables of older programs lack.
/// Throws sql_error; also for a database that a newer program has made.
void update_sql_schema(sql_connection& in);

/// A table of contacts of another name, in the same way.
void make_contact_table(sql_connection& in, std::string_view name);

} // namespace tandem::storage
