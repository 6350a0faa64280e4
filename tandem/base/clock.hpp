// SPDX-License-Identifier: Apache-2.0
// Time as the machines see it: handed in by the caller, so that tests run in virtual time.
#pragma once

#include <chrono>

namespace tandem {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

/// A moment of the monotonic clock. Machines take it as a parameter and never ask for it.
using instant = std::chrono::time_point<std::chrono::steady_clock, nanoseconds>;

/// A length of time between two instants.
using duration = nanoseconds;

/// The real clock, for the edge that drives the machines.
[[nodiscard]] inline instant now() noexcept { return std::chrono::steady_clock::now(); }

} // namespace tandem
