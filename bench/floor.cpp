// SPDX-License-Identifier: Apache-2.0
// floor: receives the datagrams (or bytes) that a SIP server would and sends as many of the same
// size, reading no more of them than the first line. What it costs is the kernel's; a server's cost
// is compared with it.
//   floor reply|relay udp|tcp PORT [CALLEE_PORT]
#include "load/sip_text.hpp"

#include <arpa/inet.h>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

constexpr std::size_t room_bytes = 65536;
constexpr std::size_t provisional_bytes = 330; // of the 100 that a proxy answers an INVITE with

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

const sockaddr* generic(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

int open_socket(int kind, int port) {
  const int descriptor = socket(AF_INET, kind, 0);
  const int yes = 1;
  const int buffer = 4 << 20;
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer);
  const sockaddr_in address = loopback(port);
  if (bind(descriptor, generic(address), sizeof address) != 0) {
    std::perror("floor: bind");
    std::exit(1);
  }
  return descriptor;
}

/// A child that reads and drops: takes the 100s of the floor, at nobody's cost who is measured.
sockaddr_in start_drain() {
  const int descriptor = open_socket(SOCK_DGRAM, 0);
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size);
  if (fork() == 0) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    std::array<char, 2048> room{};
    while (recv(descriptor, room.data(), room.size(), 0) >= 0) {
    }
    std::_Exit(0);
  }
  close(descriptor);
  return address;
}

/// Makes a 200 of a request by writing over its first line, which keeps its length.
void turn_into_answer(char* message, std::size_t size) {
  constexpr std::string_view status = "SIP/2.0 200 ";
  const auto* end = static_cast<const char*>(std::memchr(message, '\r', size));
  if (end == nullptr || end - message < static_cast<std::ptrdiff_t>(status.size())) {
    return;
  }
  std::memset(message, 'O', static_cast<std::size_t>(end - message));
  std::memcpy(message, status.data(), status.size());
}

void reply_datagrams(int port) {
  const int descriptor = open_socket(SOCK_DGRAM, port);
  std::vector<char> room(room_bytes);
  for (;;) {
    sockaddr_in from{};
    socklen_t from_size = sizeof from;
    const ssize_t size = recvfrom(descriptor, room.data(), room.size(), 0,
                                  reinterpret_cast<sockaddr*>(&from), &from_size);
    if (size > 0) {
      turn_into_answer(room.data(), static_cast<std::size_t>(size));
      sendto(descriptor, room.data(), static_cast<std::size_t>(size), 0, generic(from),
             sizeof from);
    }
  }
}

void relay_datagrams(int port, int callee_port) {
  const sockaddr_in drain = start_drain();
  const int descriptor = open_socket(SOCK_DGRAM, port);
  const sockaddr_in callee = loopback(callee_port);
  sockaddr_in caller{};
  std::vector<char> room(room_bytes);
  for (;;) {
    sockaddr_in from{};
    socklen_t from_size = sizeof from;
    const ssize_t size = recvfrom(descriptor, room.data(), room.size(), 0,
                                  reinterpret_cast<sockaddr*>(&from), &from_size);
    if (size <= 0) {
      continue;
    }
    const bool from_callee = from.sin_port == callee.sin_port;
    if (!from_callee) {
      caller = from;
      if (room[0] == 'I') {
        sendto(descriptor, room.data(), provisional_bytes, 0, generic(drain), sizeof drain);
      }
    }
    const sockaddr_in& to = from_callee ? caller : callee;
    sendto(descriptor, room.data(), static_cast<std::size_t>(size), 0, generic(to), sizeof to);
  }
}

void write_all(int descriptor, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t sent = send(descriptor, data, size, MSG_NOSIGNAL);
    if (sent <= 0) {
      return;
    }
    data += sent;
    size -= static_cast<std::size_t>(sent);
  }
}

/// Bytes of one connection: each whole message goes out by a write of its own, as an answer or as
/// it is.
void pass_stream(std::string& pending, std::string_view bytes, int to, bool answers) {
  pending += bytes;
  std::size_t done = 0;
  while (const auto size = tandem::bench::whole_message(std::string_view(pending).substr(done))) {
    if (answers) {
      turn_into_answer(pending.data() + done, *size);
    }
    write_all(to, pending.data() + done, *size);
    done += *size;
  }
  pending.erase(0, done);
}

void serve_streams(bool relays, int port, int callee_port) {
  const int listener = open_socket(SOCK_STREAM, port);
  listen(listener, 1024);
  const int epoll = epoll_create1(0);
  std::vector<int> partner(65536, -1);
  std::vector<std::string> pending(65536);
  const auto watch = [epoll](int descriptor) {
    const int yes = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = descriptor;
    epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
  };
  watch(listener);
  std::vector<char> room(room_bytes);
  for (;;) {
    std::array<epoll_event, 64> events{};
    const int count = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
    for (int n = 0; n < count; ++n) {
      const int descriptor = events[static_cast<std::size_t>(n)].data.fd;
      if (descriptor == listener) {
        const int accepted = accept(listener, nullptr, nullptr);
        watch(accepted);
        if (relays) {
          const int onward = socket(AF_INET, SOCK_STREAM, 0);
          const sockaddr_in callee = loopback(callee_port);
          connect(onward, generic(callee), sizeof callee);
          watch(onward);
          partner[static_cast<std::size_t>(accepted)] = onward;
          partner[static_cast<std::size_t>(onward)] = accepted;
        }
        continue;
      }
      const auto index = static_cast<std::size_t>(descriptor);
      const ssize_t size = recv(descriptor, room.data(), room.size(), 0);
      if (size <= 0) {
        epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, nullptr);
        close(descriptor);
        if (relays && partner[index] >= 0) {
          close(partner[index]);
          partner[static_cast<std::size_t>(partner[index])] = -1;
          partner[index] = -1;
        }
        pending[index].clear();
      } else {
        pass_stream(pending[index], {room.data(), static_cast<std::size_t>(size)},
                    relays ? partner[index] : descriptor, !relays);
      }
    }
  }
}

} // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const bool relays = words.size() == 4 && words[0] == "relay";
  if (!relays && !(words.size() == 3 && words[0] == "reply")) {
    std::fputs("usage: floor reply udp|tcp PORT\n       floor relay udp|tcp PORT CALLEE_PORT\n",
               stderr);
    return 2;
  }
  const int port = std::atoi(words[2].c_str());
  const int callee_port = relays ? std::atoi(words[3].c_str()) : 0;
  std::signal(SIGPIPE, SIG_IGN);
  if (words[1] == "tcp") {
    serve_streams(relays, port, callee_port);
  } else if (relays) {
    relay_datagrams(port, callee_port);
  } else {
    reply_datagrams(port);
  }
}
