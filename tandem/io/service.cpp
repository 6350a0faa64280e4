// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/service.hpp>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tandem::io {

namespace {

[[noreturn]] void fail_start(const std::string& what) {
  throw service_error{fmt::format("{}: {}", what, std::strerror(errno))};
}

/// What a pid file says, as far as it is a number.
std::string number_in(int file) {
  char text[16];
  const ssize_t got = ::pread(file, text, sizeof text, 0);
  std::string_view said{text, static_cast<std::size_t>(got < 0 ? 0 : got)};
  said = said.substr(0, said.find_first_not_of("0123456789"));
  return said.empty() ? "another" : std::string{said};
}

} // namespace

background::background() {
  null_ = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null_ < 0) fail_start("cannot open /dev/null");
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail_start("cannot make a pipe");
  const pid_t child = ::fork();
  if (child < 0) fail_start("cannot fork into the background");
  if (child > 0) {
    ::close(ends[1]);
    char byte = 0;
    ssize_t got;
    do got = ::read(ends[0], &byte, 1);
    while (got < 0 && errno == EINTR);
    if (got == 1) std::_Exit(0);
    int status = 0;
    ::waitpid(child, &status, 0);
    std::_Exit(WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : 1);
  }
  ::close(ends[0]);
  to_parent_ = ends[1];
  if (::setsid() < 0) fail_start("cannot start a session");
}

background::~background() {
  if (to_parent_ >= 0) ::close(to_parent_);
  if (null_ > 2) ::close(null_);
}

void background::ready() {
  for (int standard = 0; standard < 3; ++standard) ::dup2(null_, standard);
  if (null_ > 2) ::close(null_);
  null_ = -1;
  const char byte = 1;
  if (::write(to_parent_, &byte, 1) != 1) fail_start("cannot tell the parent process");
  ::close(to_parent_);
  to_parent_ = -1;
}

pid_file::pid_file(const std::string& path)
    : path_{std::filesystem::absolute(path).string()}, owner_{::getpid()} {
  // Another server that ends may remove the file between our open and our lock: then again.
  do {
    if (file_ >= 0) ::close(file_);
    // A pipe without a reader would block the open, a device is none of our business.
    file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                   0644);
    if (file_ < 0) fail(errno == ELOOP ? "it is a symbolic link" : std::strerror(errno));
    struct stat state {};
    if (::fstat(file_, &state) != 0) fail(std::strerror(errno));
    if (!S_ISREG(state.st_mode)) fail("it is not a regular file");
    if (state.st_nlink > 1) fail("it has another name too");
    if (::flock(file_, LOCK_EX | LOCK_NB) != 0)
      fail(errno == EWOULDBLOCK
               ? fmt::format("process {} holds it and is running; stop it, or choose another file "
                             "with --pid-file",
                             number_in(file_))
               : std::strerror(errno));
  } while (!is_still_at_path());
  const std::string text = fmt::format("{}\n", owner_);
  if (::ftruncate(file_, 0) != 0) fail(std::strerror(errno));
  const ssize_t written = ::pwrite(file_, text.data(), text.size(), 0);
  if (written != static_cast<ssize_t>(text.size()))
    fail(written < 0 ? std::strerror(errno) : "the disk is full");
}

pid_file::~pid_file() {
  if (file_ < 0) return;
  // Another root or another file may be behind the path by now.
  if (::getpid() == owner_ && (!is_still_at_path() || ::unlink(path_.c_str()) != 0))
    (void)!::ftruncate(file_, 0);
  ::close(file_);
}

bool pid_file::is_still_at_path() const noexcept {
  struct stat here {};
  struct stat there {};
  return ::fstat(file_, &here) == 0 && ::lstat(path_.c_str(), &there) == 0 &&
         here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

void pid_file::fail(const std::string& why) {
  if (file_ >= 0) ::close(file_);
  throw service_error{fmt::format("cannot use the pid file '{}': {}", path_, why)};
}

} // namespace tandem::io
