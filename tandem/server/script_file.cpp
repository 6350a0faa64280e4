// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/script_file.hpp>

#include <tandem/base/clock.hpp>
#include <tandem/server/privileges.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace tandem::server {

namespace {

constexpr duration quiet_time = milliseconds{200};
constexpr duration patience = seconds{5};
constexpr std::size_t longest_script = 16U << 20U; // the compiler takes no more either

[[noreturn]] void refuse(const std::string& path, std::string_view why) {
  throw start_error{
      fmt::format("cannot read the script '{}': {}; name another one with -f", path, why)};
}

/// What tells one state of a file from another.
struct version {
  dev_t device;
  ino_t number;
  off_t size;
  timespec written, changed;

  friend bool operator==(const version& a, const version& b) noexcept {
    const auto same = [](const timespec& x, const timespec& y) {
      return x.tv_sec == y.tv_sec && x.tv_nsec == y.tv_nsec;
    };
    return a.device == b.device && a.number == b.number && a.size == b.size &&
           same(a.written, b.written) && same(a.changed, b.changed);
  }
};

version version_of(const struct stat& s) noexcept {
  return {s.st_dev, s.st_ino, s.st_size, s.st_mtim, s.st_ctim};
}

/// What the path names now; another file may have taken its place since it was opened.
version look(const std::string& path) {
  struct stat state {};
  if (::stat(path.c_str(), &state) != 0) refuse(path, std::strerror(errno));
  return version_of(state);
}

struct open_file {
  explicit open_file(const std::string& path) : number{::open(path.c_str(), O_RDONLY | O_CLOEXEC)} {
    if (number < 0) refuse(path, std::strerror(errno));
  }
  ~open_file() { ::close(number); }
  open_file(const open_file&) = delete;
  open_file& operator=(const open_file&) = delete;

  int number;
};

struct reading {
  std::string text;
  bool was_left_alone = false; ///< nobody wrote meanwhile
};

reading read_once(const std::string& path) {
  const open_file file{path};
  struct stat state {};
  if (::fstat(file.number, &state) != 0) refuse(path, std::strerror(errno));
  reading made;
  char part[16'384];
  for (;;) {
    const ssize_t got = ::read(file.number, part, sizeof part);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) refuse(path, std::strerror(errno)); // a directory too
    if (got == 0) break;
    made.text.append(part, static_cast<std::size_t>(got));
    if (made.text.size() > longest_script) refuse(path, "it is longer than 16 MiB");
  }
  // A pipe has no other state to compare with.
  made.was_left_alone = !S_ISREG(state.st_mode) || look(path) == version_of(state);
  return made;
}

} // namespace

std::string read_script(const std::string& path) {
  for (const instant end = now() + patience; now() < end;) {
    reading made = read_once(path);
    if (made.was_left_alone) return std::move(made.text);
  }
  refuse(path, "it changes while it is read");
}

std::string read_settled_script(const std::string& path) {
  const instant end = now() + patience;
  version seen = look(path);
  // What was changed long ago rests already. The time of the change of its entry is the system's
  // own: nobody can set it back.
  timespec wall{};
  ::clock_gettime(CLOCK_REALTIME, &wall);
  const duration age = seconds{wall.tv_sec - seen.changed.tv_sec - 1};
  for (instant since = now() - std::clamp(age, duration{0}, quiet_time); now() < end;
       std::this_thread::sleep_for(milliseconds{20})) {
    if (const version next = look(path); next != seen) {
      seen = next;
      since = now();
    }
    if (now() - since < quiet_time) continue;
    reading made = read_once(path);
    if (made.was_left_alone && look(path) == seen) return std::move(made.text);
  }
  refuse(path, "it is being written");
}

} // namespace tandem::server
