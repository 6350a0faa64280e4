// SPDX-License-Identifier: Apache-2.0
#include <tandem/process/spawner.hpp>

#include <tandem/base/clock.hpp>
#include <tandem/base/log.hpp>
#include <tandem/io/unique_fd.hpp>
#include <tandem/process/forked_process.hpp>
#include <tandem/process/keeper.hpp>
#include <tandem/process/packet.hpp>
#include <tandem/process/spawner_process.hpp>

#include <cerrno>
#include <cstring>
#include <grp.h>
#include <mutex>
#include <pwd.h>
#include <span>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace tandem::process {

std::optional<child_user> find_user(const std::string& name) {
  std::vector<char> memory(16384);
  passwd entry{};
  passwd* found = nullptr;
  if (getpwnam_r(name.c_str(), &entry, memory.data(), memory.size(), &found) != 0 || !found)
    return std::nullopt;
  int count = 64;
  std::vector<gid_t> groups(static_cast<std::size_t>(count));
  if (getgrouplist(name.c_str(), entry.pw_gid, groups.data(), &count) < 0) {
    groups.resize(static_cast<std::size_t>(count));
    if (getgrouplist(name.c_str(), entry.pw_gid, groups.data(), &count) < 0) return std::nullopt;
  }
  groups.resize(static_cast<std::size_t>(count));
  return child_user{.uid = entry.pw_uid, .gid = entry.pw_gid, .groups = std::move(groups)};
}

std::vector<std::string> own_environment() {
  std::vector<std::string> all;
  for (char** at = environ; at && *at; ++at) all.emplace_back(*at);
  return all;
}

namespace {

std::vector<const char*> ended_by_null(const std::vector<std::string>& texts) {
  std::vector<const char*> all;
  all.reserve(texts.size() + 1);
  for (const std::string& text : texts) all.push_back(text.c_str());
  all.push_back(nullptr);
  return all;
}

} // namespace

struct spawner::state {
  explicit state(spawner_options given)
      : options{std::move(given)}, environment{ended_by_null(options.environment)} {}

  /// Forks the spawner, or its keeper; 0, or the errno.
  int start() noexcept { return needs_keeper() ? start_keeper() : direct.start(); }

  /// When another spawner is needed, this process may neither signal the one that there is nor
  /// become its user.
  [[nodiscard]] bool needs_keeper() const noexcept {
    const auto& children = options.user;
    const auto& server = options.server;
    return ::geteuid() == 0 && server && server->uid != 0 && children &&
           (server->uid != children->uid || server->gid != children->gid);
  }

  int start_keeper() noexcept {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return errno;
    const pid_t child = ::fork();
    if (child == 0) run_keeper(pair[1], options, environment.data());
    const int error = child < 0 ? errno : 0;
    ::close(pair[1]);
    if (error != 0) {
      ::close(pair[0]);
      return error;
    }
    control = io::unique_fd{pair[0]};
    keeper = child;
    return 0;
  }

  int ask_keeper(keeper_request_kind kind, std::uint64_t channel,
                 std::span<const int> descriptors = {}) const noexcept {
    keeper_request request{.kind = kind, .number = channel};
    const iovec piece{.iov_base = &request, .iov_len = sizeof request};
    return send_packet(control.get(), {&piece, 1}, descriptors);
  }

  void stop() noexcept {
    if (keeper <= 0) return direct.stop();
    control.reset();
    // It gives the spawner a second to end, and another one to be killed.
    if (!ends_within(keeper, seconds{3}))
      log_error("the process that keeps the starter of children (pid {}) does not end", keeper);
  }

  spawner_options options;
  std::vector<const char*> environment;
  std::mutex mutex; ///< guards what follows
  std::uint64_t channels = 0;
  pid_t keeper = -1;     ///< none: the spawner is a child of this process
  io::unique_fd control; ///< the keeper's
  spawner_process direct{options, environment.data()};
};

spawner::spawner(spawner_options options) : state_{std::make_unique<state>(std::move(options))} {
  if (const int error = state_->start(); error != 0)
    throw std::system_error(error, std::generic_category(), "cannot start the spawner process");
}

spawner::~spawner() { state_->stop(); }

const std::optional<child_user>& spawner::user() const noexcept { return state_->options.user; }

pid_t spawner::pid() const {
  const std::lock_guard lock{state_->mutex};
  return state_->keeper > 0 ? state_->keeper : state_->direct.pid();
}

void spawner::wake() noexcept {
  const std::lock_guard lock{state_->mutex};
  if (state_->keeper > 0)
    state_->ask_keeper(keeper_request_kind::wake, 0);
  else
    state_->direct.wake();
}

void spawner::replace(std::uint64_t silent) noexcept {
  const std::lock_guard lock{state_->mutex};
  log_error("the process that starts children does not answer; it is replaced");
  const int error = state_->keeper > 0 ? state_->ask_keeper(keeper_request_kind::replace, silent)
                                       : state_->direct.replace(silent);
  if (error != 0) log_error("it cannot be killed: {}", std::strerror(error));
}

result<spawner_channel, int> spawner::open_channel() {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
    return fail(int{errno});
  const std::lock_guard lock{state_->mutex};
  const std::uint64_t number = ++state_->channels;
  const int error = state_->keeper > 0
                        ? state_->ask_keeper(keeper_request_kind::open, number, {&pair[1], 1})
                        : state_->direct.pass(pair[1], number);
  ::close(pair[1]);
  if (error == 0) return spawner_channel{.descriptor = pair[0], .number = number};
  ::close(pair[0]);
  return fail(int{error});
}

} // namespace tandem::process
