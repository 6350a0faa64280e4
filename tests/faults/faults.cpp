// SPDX-License-Identifier: Apache-2.0
// For tests: has system calls on sockets, pipes and files fail, while a program runs as it is
// shipped. A library for LD_PRELOAD and no seam in the sources: so it reaches each call, those of
// OpenSSL, c-ares and the C++ library too, and the code under test is the code that is installed.
//
// TANDEM_FAULTS names a file that is shared with the test (tests/harness/faults.py): a record for
// each call, with how often it was made, after how many more it shall fail, and with which errno.
// Only the program that TANDEM_FAULTS_IN names is counted, with what it forks; those that it
// executes are not.

#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace {

/// One call, as the test sees it.
struct record {
  char name[24];
  std::uint32_t calls;     ///< made so far
  std::uint32_t countdown; ///< written by the test: the call with which it becomes 0 fails
  std::int32_t error;      ///< what errno says then
  std::uint32_t fired;     ///< how many have failed
};

#define TANDEM_CALLS(X)                                                                            \
  X(recvmsg)                                                                                       \
  X(recvmmsg)                                                                                      \
  X(recv)                                                                                          \
  X(recvfrom)                                                                                      \
  X(read)                                                                                          \
  X(send)                                                                                          \
  X(sendmsg)                                                                                       \
  X(sendmmsg)                                                                                      \
  X(sendto)                                                                                        \
  X(write)                                                                                         \
  X(writev)                                                                                        \
  X(accept4)                                                                                       \
  X(socket)                                                                                        \
  X(socketpair)                                                                                    \
  X(connect)                                                                                       \
  X(bind)                                                                                          \
  X(listen)                                                                                        \
  X(epoll_ctl)                                                                                     \
  X(epoll_wait)                                                                                    \
  X(eventfd)                                                                                       \
  X(timerfd_create)                                                                                \
  X(pipe2)                                                                                         \
  X(fcntl)                                                                                         \
  X(open)                                                                                          \
  X(openat)                                                                                        \
  X(close)                                                                                         \
  X(fsync)                                                                                         \
  X(rename)                                                                                        \
  X(fork)

enum call : unsigned {
#define TANDEM_ENUMERATOR(name) of_##name,
  TANDEM_CALLS(TANDEM_ENUMERATOR)
#undef TANDEM_ENUMERATOR
      calls
};

record* table = nullptr;

/// The function that stands behind ours.
template <typename Function>
Function* real(const char* name, Function* /*like*/) noexcept {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

/// Counts the call. True when it is the one that shall fail: errno is set.
bool fails(call which) noexcept {
  if (!table) return false;
  record& r = table[which];
  __atomic_add_fetch(&r.calls, 1, __ATOMIC_RELAXED);
  std::uint32_t left = __atomic_load_n(&r.countdown, __ATOMIC_ACQUIRE);
  while (left != 0) {
    if (!__atomic_compare_exchange_n(&r.countdown, &left, left - 1, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE))
      continue;
    if (left != 1) return false;
    errno = r.error;
    __atomic_add_fetch(&r.fired, 1, __ATOMIC_RELEASE);
    return true;
  }
  return false;
}

[[gnu::constructor]] void begin() {
  const char* const path = std::getenv("TANDEM_FAULTS");
  const char* const program = std::getenv("TANDEM_FAULTS_IN");
  if (!path || !program || std::strcmp(program, program_invocation_short_name) != 0) return;
  static auto* const open_file = real("open", &::open);
  static auto* const close_file = real("close", &::close);
  const int fd = open_file(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) std::abort();
  void* const memory =
      ::mmap(nullptr, sizeof(record) * calls, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close_file(fd);
  if (memory == MAP_FAILED) std::abort();
  auto* const records = static_cast<record*>(memory);
  static const char* const names[] = {
#define TANDEM_NAME(name) #name,
      TANDEM_CALLS(TANDEM_NAME)
#undef TANDEM_NAME
  };
  for (unsigned i = 0; i < calls; ++i)
    std::strncpy(records[i].name, names[i], sizeof(record::name) - 1);
  table = records;
}

} // namespace

#define TANDEM_WRAP(name, result, parameters, arguments)                                           \
  extern "C" result name parameters {                                                              \
    static auto* const behind = real(#name, &::name);                                              \
    return fails(of_##name) ? static_cast<result>(-1) : behind arguments;                          \
  }

TANDEM_WRAP(recvmsg, ssize_t, (int fd, msghdr* m, int flags), (fd, m, flags))
TANDEM_WRAP(recvmmsg, int, (int fd, mmsghdr* m, unsigned n, int flags, timespec* t),
            (fd, m, n, flags, t))
TANDEM_WRAP(recv, ssize_t, (int fd, void* to, std::size_t n, int flags), (fd, to, n, flags))
TANDEM_WRAP(recvfrom, ssize_t,
            (int fd, void* to, std::size_t n, int flags, sockaddr* from, socklen_t* size),
            (fd, to, n, flags, from, size))
TANDEM_WRAP(read, ssize_t, (int fd, void* to, std::size_t n), (fd, to, n))
TANDEM_WRAP(send, ssize_t, (int fd, const void* from, std::size_t n, int flags),
            (fd, from, n, flags))
TANDEM_WRAP(sendmsg, ssize_t, (int fd, const msghdr* m, int flags), (fd, m, flags))
TANDEM_WRAP(sendmmsg, int, (int fd, mmsghdr* m, unsigned n, int flags), (fd, m, n, flags))
TANDEM_WRAP(sendto, ssize_t,
            (int fd, const void* from, std::size_t n, int flags, const sockaddr* to,
             socklen_t size),
            (fd, from, n, flags, to, size))
TANDEM_WRAP(write, ssize_t, (int fd, const void* from, std::size_t n), (fd, from, n))
TANDEM_WRAP(writev, ssize_t, (int fd, const iovec* from, int n), (fd, from, n))
TANDEM_WRAP(accept4, int, (int fd, sockaddr* from, socklen_t* size, int flags),
            (fd, from, size, flags))
TANDEM_WRAP(socket, int, (int domain, int type, int protocol) noexcept, (domain, type, protocol))
TANDEM_WRAP(socketpair, int, (int domain, int type, int protocol, int* fds) noexcept,
            (domain, type, protocol, fds))
TANDEM_WRAP(connect, int, (int fd, const sockaddr* to, socklen_t size), (fd, to, size))
TANDEM_WRAP(bind, int, (int fd, const sockaddr* at, socklen_t size) noexcept, (fd, at, size))
TANDEM_WRAP(listen, int, (int fd, int backlog) noexcept, (fd, backlog))
TANDEM_WRAP(epoll_wait, int, (int fd, epoll_event* events, int n, int timeout),
            (fd, events, n, timeout))
TANDEM_WRAP(eventfd, int, (unsigned initial, int flags) noexcept, (initial, flags))
TANDEM_WRAP(pipe2, int, (int* fds, int flags) noexcept, (fds, flags))
TANDEM_WRAP(fsync, int, (int fd), (fd))
TANDEM_WRAP(rename, int, (const char* from, const char* to) noexcept, (from, to))
TANDEM_WRAP(fork, pid_t, () noexcept, ())

extern "C" int timerfd_create(int clock, int flags) noexcept {
  static auto* const behind =
      reinterpret_cast<int (*)(int, int)>(::dlsym(RTLD_NEXT, "timerfd_create"));
  return fails(of_timerfd_create) ? -1 : behind(clock, flags);
}

/// Only adding wants memory and a watch (epoll_ctl(2)): the other two do not fail for descriptors
/// that are there.
extern "C" int epoll_ctl(int fd, int what, int of, epoll_event* event) noexcept {
  static auto* const behind = real("epoll_ctl", &::epoll_ctl);
  return what == EPOLL_CTL_ADD && fails(of_epoll_ctl) ? -1 : behind(fd, what, of, event);
}

/// The descriptor is gone, whatever is said of it (close(2)).
extern "C" int close(int fd) {
  static auto* const behind = real("close", &::close);
  const int result = behind(fd);
  return fails(of_close) ? -1 : result;
}

extern "C" int fcntl(int fd, int what, ...) {
  static auto* const behind = real("fcntl", &::fcntl);
  va_list more;
  va_start(more, what);
  void* const argument = va_arg(more, void*);
  va_end(more);
  return fails(of_fcntl) ? -1 : behind(fd, what, argument);
}

extern "C" int open(const char* path, int flags, ...) {
  static auto* const behind = real("open", &::open);
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return fails(of_open) ? -1 : behind(path, flags, mode);
}

extern "C" int openat(int folder, const char* path, int flags, ...) {
  static auto* const behind = real("openat", &::openat);
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return fails(of_openat) ? -1 : behind(folder, path, flags, mode);
}
