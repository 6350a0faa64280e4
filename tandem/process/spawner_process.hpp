// SPDX-License-Identifier: Apache-2.0
// The spawner process as its parent has it: the server, or the keeper. One at a time, and another
// when it has died or stays silent. Allocates nothing, logs nothing. One thread at a time.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/process/spawner.hpp>

#include <cstdint>
#include <sys/types.h>

namespace tandem::process {

class spawner_process {
 public:
  /// Both outlive this. After the first start the root and the folder are cleared: who starts
  /// another one has gone there itself.
  spawner_process(spawner_options& options, const char* const* environment) noexcept
      : options_{options}, environment_{environment} {}

  /// Forks the first one; 0, or the errno.
  [[nodiscard]] int start() noexcept;

  /// Hands it one end of a channel; when it has died, starts another first, at most one a second.
  /// \param number of the channel; they grow.
  /// \return 0, or the errno; EAGAIN: too soon.
  [[nodiscard]] int pass(int descriptor, std::uint64_t number) noexcept;

  /// Continues it, in case that it was stopped.
  void wake() const noexcept;

  /// Kills it, unless another one has taken the place of the one that this channel was passed to.
  /// \return 0, or the errno when it cannot be killed (ETIMEDOUT: it does not end).
  int replace(std::uint64_t number) noexcept;

  /// Ends it and its children, within two seconds whatever state it is in.
  void stop() noexcept;

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }

 private:
  int kill_now() noexcept;

  spawner_options& options_;
  const char* const* environment_;
  int control_ = -1;
  pid_t pid_ = -1;
  instant started_{};       ///< or tried to
  std::uint64_t first_ = 0; ///< channel of this one
};

} // namespace tandem::process
