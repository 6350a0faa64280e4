// SPDX-License-Identifier: Apache-2.0
// What a process runner and the spawner process say to each other over a SOCK_SEQPACKET pair: one
// packet a request or report, in the machine's own byte order, since both are one program.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tandem::process {

/// Standard input up to this comes in the request; a longer one as the descriptor of a file.
inline constexpr std::size_t longest_input_within = std::size_t{8} * 1024;

/// Arguments and environment, with the header. More is refused before it is sent.
inline constexpr std::size_t most_request_text = std::size_t{128} * 1024;

/// Largest request. The kernel's default send buffer (208 KB) takes it whole.
inline constexpr std::size_t largest_spawn_request = most_request_text + longest_input_within;

/// Arguments and environment variables of a child, the inherited ones included.
inline constexpr std::size_t most_child_arguments = 256;
inline constexpr std::size_t most_child_variables = 1024;

/// Children that one spawner process runs at a time, over all its channels.
inline constexpr std::size_t most_children = 4096;

/// The outputs of a child that go into pipes, as bits; what does not is /dev/null. The spawner
/// makes the pipes, so that they are the children's own, and keeps them until somebody wants to
/// read.
inline constexpr std::uint32_t output_pipe = 1;
inline constexpr std::uint32_t errors_pipe = 2;

enum class spawn_request_kind : std::uint32_t {
  run = 1,
  signal, ///< to the process group; answered `ended` when there is no such child
  pipes,  ///< asks for the pipes while the child runs; it may have ended meanwhile
  ping,   ///< asks whether the spawner still works; `id` is of no child
};

struct spawn_request {
  std::uint64_t id; ///< names the child on this channel
  spawn_request_kind kind;
  std::uint32_t signal;    ///< kind signal: which
  std::uint32_t pipes;     ///< kind run: output_pipe, errors_pipe
  std::uint32_t direct;    ///< kind run: number of NUL-ended strings that follow: the arguments
                           ///< that are tried before the others, 0: none
  std::uint32_t arguments; ///< kind run: number of those after them; the rest are NAME=value
  std::uint32_t inherits;  ///< kind run: 1 when the spawner's environment goes below those
  std::uint32_t input;     ///< kind run: bytes of standard input that end the packet
  std::uint32_t has_file;  ///< kind run: 1 when standard input is the descriptor that comes with it
};

enum class spawn_report_kind : std::uint32_t {
  ended = 1, ///< or could not be started
  pipes,     ///< answers the request
  pong,      ///< answers a ping
};

struct spawn_report {
  std::uint64_t id;
  spawn_report_kind kind;
  std::uint32_t pipes;      ///< those whose reading ends come with it, in the order of the bits; at
                            ///< the end not that of standard error when it is empty
  std::int32_t start_error; ///< kind ended: errno of what failed before it ran, else 0
  std::int32_t wait_status; ///< kind ended: as wait4 gives it
  std::uint64_t cpu_microseconds; ///< kind ended: of the child and what it waited for
};

} // namespace tandem::process
