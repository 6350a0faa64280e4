// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/named_pipe.hpp>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

namespace tandem::io {

namespace {

bool is_same(const struct stat& one, const struct stat& other) noexcept {
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

} // namespace

result<named_pipe, std::string> open_named_pipe(const placed_file& file) {
  const auto refuse = [&](std::string_view why) {
    return fail(fmt::format("'{}': {}", file.path, why));
  };
  const std::filesystem::path path{file.path};
  const std::string name = path.filename().string();
  const std::string in = path.has_parent_path() ? path.parent_path().string() : ".";
  const unique_fd folder{::open(in.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!folder) return refuse(std::strerror(errno));
  if (name.empty()) return refuse("is not the path of a file");
  if (const std::string why = why_unsafe(folder.get(), file); !why.empty()) return refuse(why);

  // Of this user alone until it is handed over.
  const bool is_new = ::mkfifoat(folder.get(), name.c_str(), 0600) == 0;
  if (!is_new && errno != EEXIST) return refuse(std::strerror(errno));
  struct stat found {};
  if (::fstatat(folder.get(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0)
    return refuse(std::strerror(errno));
  if (!S_ISFIFO(found.st_mode)) return refuse("there is a file of that name, and it is not a pipe");
  if (found.st_uid != 0 && found.st_uid != ::geteuid() &&
      found.st_uid != file.owner.value_or(::geteuid()))
    return refuse(
        fmt::format("it belongs to user {}, who could read along; remove it", found.st_uid));
  struct stat made {};
  if (const auto why = hand_over(folder.get(), name, S_IFIFO, file, made)) {
    if (is_new) ::unlinkat(folder.get(), name.c_str(), 0);
    return refuse(*why);
  }
  named_pipe pipe{.fd = unique_fd{::openat(folder.get(), name.c_str(),
                                           O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC)},
                  .file = is_new ? removal{file, made} : removal{}};
  if (!pipe.fd || ::fstat(pipe.fd.get(), &found) != 0) return refuse(std::strerror(errno));
  if (!is_same(found, made)) return refuse("another file took its place");
  if (::flock(pipe.fd.get(), LOCK_EX | LOCK_NB) != 0)
    return refuse("another program reads it: stop it, or choose another path");
  // The program that has just ended removes its pipe while it still holds the lock.
  if (::fstatat(folder.get(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0 ||
      !is_same(found, made))
    return refuse("it was removed meanwhile; try again");
  return pipe;
}

} // namespace tandem::io
