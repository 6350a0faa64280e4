// SPDX-License-Identifier: Apache-2.0
// Tables and first contents of the demonstration library. One thread.
#pragma once

#include <tandem/sip2/demo/database.hpp>
#include <tandem/sip2/protocol/date.hpp>

namespace tandem::sip2 {

/// Makes the tables where they are missing, and fills them when they are empty: patrons, items,
/// loans, holds and fees of a small library. Loans and fees are dated from `now`.
void prepare_demo_library(database& db, wall_time now);

} // namespace tandem::sip2
