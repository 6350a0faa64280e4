// SPDX-License-Identifier: Apache-2.0
// The keeper of the spawner, for a server that starts as root and has its programs run as somebody
// else. Children may kill or stop the spawner, which is of their user; by then the server is a user
// of its own and could neither continue or kill a spawner nor make another one that becomes the
// children's user. The keeper can: it stays uid 0 with the capabilities to change user and group
// and to signal, and with no others, and does nothing but what keeper_request says.
#pragma once

#include <tandem/process/spawner.hpp>

#include <cstdint>

namespace tandem::process {

enum class keeper_request_kind : std::uint32_t {
  open = 1, ///< a channel for the spawner comes with it; kept until there is one
  wake,     ///< spawner_process::wake
  replace,  ///< spawner_process::replace
};

/// What the server asks of it, one packet each, in this program's own byte order. Nothing is
/// answered: a channel that cannot be had ends.
struct keeper_request {
  keeper_request_kind kind;
  std::uint64_t number; ///< of the channel
};

/// Turns a process that was just forked into the keeper, which starts a spawner; never returns.
/// It ends, and the spawner with it, when the other end of `control` does.
[[noreturn]] void run_keeper(int control, spawner_options& options,
                             const char* const* environment) noexcept;

} // namespace tandem::process
