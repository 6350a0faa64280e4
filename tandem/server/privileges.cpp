// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/privileges.hpp>

#include <tandem/base/text.hpp>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <grp.h>
#include <pwd.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tandem::server {

namespace {

[[noreturn]] void fail_start(const std::string& what) {
  throw start_error{fmt::format("{}: {}", what, std::strerror(errno))};
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

pid_file::pid_file(std::string path) : path_{std::move(path)}, owner_{::getpid()} {
  if (std::ifstream old{path_}; old) {
    std::string text;
    old >> text;
    const auto pid = parse_number<unsigned>(text);
    if (pid && *pid > 1 && ::kill(static_cast<pid_t>(*pid), 0) == 0)
      throw start_error{fmt::format("pid file '{}' names process {}, which is running; stop it, or "
                                    "choose another file with -P",
                                    path_, *pid)};
  }
  std::ofstream out{path_, std::ios::trunc};
  out << owner_ << '\n';
  if (!out.flush()) fail_start(fmt::format("cannot write the pid file '{}'", path_));
}

pid_file::~pid_file() {
  if (::getpid() == owner_) ::unlink(path_.c_str());
}

account find_account(const identity& who) {
  account found;
  if (who.group) {
    if (const auto number = parse_number<gid_t>(*who.group))
      found.gid = number;
    else if (const group* g = ::getgrnam(who.group->c_str()))
      found.gid = g->gr_gid;
    else
      throw start_error{fmt::format("there is no group '{}'", *who.group)};
  }
  if (who.user) {
    const auto number = parse_number<uid_t>(*who.user);
    const passwd* p = number ? ::getpwuid(*number) : ::getpwnam(who.user->c_str());
    if (!p && !number) throw start_error{fmt::format("there is no user '{}'", *who.user)};
    found.uid = p ? p->pw_uid : *number;
    if (!found.gid && p) found.gid = p->pw_gid;
  }
  return found;
}

void assume(const identity& who) {
  // Names are looked up before chroot hides the files that know them.
  const auto [uid, gid] = find_account(who);
  if (who.root) {
    if (::chroot(who.root->c_str()) != 0 || ::chdir("/") != 0)
      fail_start(fmt::format("cannot change the root to '{}' (it needs to be started as root)",
                             *who.root));
  }
  if (who.work_folder && ::chdir(who.work_folder->c_str()) != 0)
    fail_start(fmt::format("cannot change to folder '{}'", *who.work_folder));
  if (gid) {
    if (::setgroups(0, nullptr) != 0 || ::setresgid(*gid, *gid, *gid) != 0)
      fail_start(fmt::format("cannot become group {} (it needs to be started as root)", *gid));
  }
  if (uid) {
    if (::setresuid(*uid, *uid, *uid) != 0)
      fail_start(fmt::format("cannot become user {} (it needs to be started as root)", *uid));
    if (*uid != 0 && ::setresuid(0, 0, 0) == 0)
      throw start_error{"the user was changed, but the way back to root is open; not starting"};
  }
}

} // namespace tandem::server
