// SPDX-License-Identifier: Apache-2.0
// What a process runner and the spawner process say to each other over a SOCK_SEQPACKET pair: one
// packet a request or report, in the machine's own byte order, since both are one program.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tandem::io {

/// Largest request: header, arguments and environment. A larger one is refused before it is sent;
/// the kernel's default send buffer (208 KB) takes it whole.
inline constexpr std::size_t largest_spawn_request = std::size_t{128} * 1024;

/// Arguments and environment variables of a child, the inherited ones included.
inline constexpr std::size_t most_child_arguments = 256;
inline constexpr std::size_t most_child_variables = 1024;

/// Children that one spawner process runs at a time, over all its channels.
inline constexpr std::size_t most_children = 4096;

enum class spawn_request_kind : std::uint32_t { run = 1, signal = 2 };

/// Descriptors that come with a run request, as bits of `descriptors`, in this order; what does not
/// come is /dev/null.
inline constexpr std::uint32_t passes_stdin = 1;
inline constexpr std::uint32_t passes_stdout = 2;
inline constexpr std::uint32_t passes_stderr = 4;

struct spawn_request {
  std::uint64_t id; ///< names the child on this channel
  spawn_request_kind kind;
  std::uint32_t signal;      ///< kind signal: what the process group gets
  std::uint32_t descriptors; ///< kind run: passes_*
  std::uint32_t arguments;   ///< kind run: number of NUL-ended strings that follow
  std::uint32_t variables;   ///< kind run: number of NUL-ended NAME=value after them
  std::uint32_t inherits;    ///< kind run: 1 when the spawner's environment goes below `variables`
};

/// The end of a child, or why it could not be started.
struct spawn_report {
  std::uint64_t id;
  std::int32_t start_error;       ///< errno of clone or execve, 0 when it ran
  std::int32_t wait_status;       ///< as wait4 gives it
  std::uint64_t cpu_microseconds; ///< user and system time of the child and what it waited for
};

} // namespace tandem::io
