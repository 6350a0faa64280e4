// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/placed_file.hpp>

#include <tandem/io/unique_fd.hpp>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <utility>

namespace tandem::io {

std::string why_unsafe(int folder, const placed_file& file) {
  struct stat state {};
  if (::fstat(folder, &state) != 0) return std::strerror(errno);
  const uid_t of = state.st_uid;
  if (of != 0 && of != ::geteuid() && of != file.owner.value_or(::geteuid()))
    return fmt::format("its folder belongs to user {}, who could replace it", of);
  if ((state.st_mode & S_ISVTX) != 0) return {};
  if ((state.st_mode & S_IWOTH) != 0)
    return "everybody may write to its folder and replace it; say chmod o-w";
  const gid_t group = state.st_gid;
  if ((state.st_mode & S_IWGRP) != 0 && group != 0 && group != ::getegid() &&
      group != file.group.value_or(::getegid()))
    return fmt::format("group {} may write to its folder and replace it; say chmod g-w", group);
  return {};
}

std::optional<std::string> hand_over(int folder, const std::string& name, mode_t type,
                                     const placed_file& file, struct stat& made) {
  const unique_fd fd{::openat(folder, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  if (!fd || ::fstat(fd.get(), &made) != 0) return std::strerror(errno);
  if ((made.st_mode & S_IFMT) != type) return "another file took its place";
  constexpr auto as_it_is = static_cast<uid_t>(-1);
  if ((file.owner || file.group) && ::fchownat(fd.get(), "", file.owner.value_or(as_it_is),
                                               file.group.value_or(as_it_is), AT_EMPTY_PATH) != 0)
    return std::strerror(errno);
  if (::chmod(fmt::format("/proc/self/fd/{}", fd.get()).c_str(), file.mode) != 0)
    return std::strerror(errno);
  return std::nullopt;
}

removal::removal(const placed_file& file, const struct stat& made)
    : path_{file.path_later.empty() ? file.path : file.path_later}, device_{made.st_dev},
      inode_{made.st_ino}, made_by_{::getpid()} {}

removal::removal(removal&& other) noexcept
    : path_{std::exchange(other.path_, {})}, device_{other.device_}, inode_{other.inode_},
      made_by_{other.made_by_} {}

removal& removal::operator=(removal&& other) noexcept {
  remove();
  path_ = std::exchange(other.path_, {});
  device_ = other.device_;
  inode_ = other.inode_;
  made_by_ = other.made_by_;
  return *this;
}

removal::~removal() { remove(); }

void removal::remove() const noexcept {
  struct stat state {};
  if (!path_.empty() && ::getpid() == made_by_ && ::lstat(path_.c_str(), &state) == 0 &&
      state.st_dev == device_ && state.st_ino == inode_)
    ::unlink(path_.c_str());
}

} // namespace tandem::io
