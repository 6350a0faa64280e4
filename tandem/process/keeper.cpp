// SPDX-License-Identifier: Apache-2.0
#include <tandem/process/keeper.hpp>

#include <tandem/base/clock.hpp>
#include <tandem/process/forked_process.hpp>
#include <tandem/process/packet.hpp>
#include <tandem/process/spawner_process.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <linux/capability.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace tandem::process {

namespace {

/// How soon a spawner that could not be started is tried again.
constexpr int retry_milliseconds = 100;

/// Channels that wait for a spawner: a shard has one of each runner.
class waiting_channels {
 public:
  void add(int descriptor, std::uint64_t number) noexcept {
    if (count_ == all_.size()) {
      ::close(descriptor); // its runner sees the end of it
      return;
    }
    all_[count_++] = {descriptor, number};
  }

  [[nodiscard]] bool is_empty() const noexcept { return count_ == 0; }

  void pass_to(spawner_process& kept) noexcept {
    std::size_t passed = 0;
    while (passed < count_ && kept.pass(all_[passed].descriptor, all_[passed].number) == 0)
      ::close(all_[passed++].descriptor);
    std::copy(all_.begin() + passed, all_.begin() + count_, all_.begin());
    count_ -= passed;
  }

 private:
  struct channel {
    int descriptor;
    std::uint64_t number;
  };
  std::array<channel, 256> all_{};
  std::size_t count_ = 0;
};

/// capabilities(7): of what root may do, what it takes to become the children's user and to signal
/// the spawner.
void drop_privileges() noexcept {
  constexpr std::uint32_t needed = 1U << CAP_SETUID | 1U << CAP_SETGID | 1U << CAP_KILL;
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> own{};
  if (::syscall(SYS_capget, &header, own.data()) != 0) ::_exit(126);
  const std::uint32_t kept = own[0].permitted & needed; // a container may have taken some
  own = {};
  own[0].permitted = own[0].effective = kept;
  if (::syscall(SYS_capset, &header, own.data()) != 0) ::_exit(126);
}

} // namespace

void run_keeper(int control, spawner_options& options, const char* const* environment) noexcept {
  control = begin_forked("tandem-keeper", control);
  enter_folders(options.root, options.work_folder);
  options.root.clear();
  options.work_folder.clear();
  drop_privileges();
  spawner_process kept{options, environment};
  static_cast<void>(kept.start()); // else with the first channel
  waiting_channels waiting;
  for (;;) {
    pollfd watched{.fd = control, .events = POLLIN, .revents = 0};
    static_cast<void>(::poll(&watched, 1, waiting.is_empty() ? -1 : retry_milliseconds));
    keeper_request request{};
    const auto taken = take_packet(control, {reinterpret_cast<char*>(&request), sizeof request});
    if (taken && taken->size == sizeof request) {
      const int channel = taken->descriptors[0];
      switch (request.kind) {
      case keeper_request_kind::open:
        if (channel >= 0) waiting.add(channel, request.number);
        break;
      case keeper_request_kind::wake: kept.wake(); break;
      case keeper_request_kind::replace: kept.replace(request.number); break;
      }
    } else if (!taken && !is_passing(taken.error())) {
      break;
    }
    waiting.pass_to(kept);
  }
  kept.stop();
  ::_exit(0);
}

} // namespace tandem::process
