// SPDX-License-Identifier: Apache-2.0
// One path to the server under test.
#include "channel.hpp"

#include "sip_text.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdexcept>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace tandem::bench {

namespace {

constexpr std::size_t batch = 32;
constexpr std::size_t datagram_room = 4096; // no message of ours is larger
constexpr int buffer_bytes = 4 << 20;       // a stall of tens of milliseconds must lose nothing

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

void set_option(int descriptor, int level, int name, int value) {
  setsockopt(descriptor, level, name, &value, sizeof value);
}

const sockaddr* generic(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

sockaddr_in loopback(std::uint16_t port, std::uint8_t host = 1) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + host);
  return address;
}

std::uint16_t local_port(int descriptor) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

} // namespace

channel::channel(transport kind, const sockaddr_in& server, std::uint16_t source_port,
                 std::uint8_t source_host)
    : kind_(kind),
      descriptor_(socket(AF_INET, kind == transport::udp ? SOCK_DGRAM : SOCK_STREAM, 0)) {
  if (descriptor_ < 0) {
    fail("socket");
  }
  set_option(descriptor_, SOL_SOCKET, SO_RCVBUFFORCE, buffer_bytes);
  // Of TCP only, for ports whose last connection lingers: a datagram socket that may share its port
  // can be given one that another of ours has, which then hears nothing.
  if (kind == transport::tcp) {
    set_option(descriptor_, SOL_SOCKET, SO_REUSEADDR, 1);
  }
  const sockaddr_in local = loopback(source_port, source_host);
  if (bind(descriptor_, generic(local), sizeof local) != 0 ||
      connect(descriptor_, generic(server), sizeof server) != 0) {
    const int error = errno;
    close(descriptor_);
    errno = error;
    fail("connecting to the server");
  }
  if (kind == transport::tcp) {
    set_option(descriptor_, IPPROTO_TCP, TCP_NODELAY, 1);
  }
  fcntl(descriptor_, F_SETFL, O_NONBLOCK);
  port_ = local_port(descriptor_);
}

channel::channel(int accepted) : descriptor_(accepted), port_(local_port(accepted)) {
  set_option(descriptor_, IPPROTO_TCP, TCP_NODELAY, 1);
  fcntl(descriptor_, F_SETFL, O_NONBLOCK);
}

channel::~channel() { close(descriptor_); }

void channel::send(std::string_view message) {
  out_ += message;
  sizes_.push_back(message.size());
}

void channel::flush() {
  if (kind_ == transport::tcp) {
    const ssize_t sent = ::send(descriptor_, out_.data(), out_.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      out_.erase(0, static_cast<std::size_t>(sent));
    }
    sizes_.clear();
    return;
  }
  std::size_t next = 0;
  std::size_t offset = 0;
  while (next < sizes_.size()) {
    std::array<mmsghdr, batch> headers{};
    std::array<iovec, batch> pieces{};
    std::size_t count = 0;
    std::size_t at = offset;
    for (; count < batch && next + count < sizes_.size(); ++count) {
      pieces[count] = {out_.data() + at, sizes_[next + count]};
      headers[count].msg_hdr.msg_iov = &pieces[count];
      headers[count].msg_hdr.msg_iovlen = 1;
      at += sizes_[next + count];
    }
    const int sent = sendmmsg(descriptor_, headers.data(), static_cast<unsigned>(count), 0);
    const std::size_t done =
        sent > 0 ? static_cast<std::size_t>(sent) : 1; // an error consumes the datagram it met
    for (std::size_t n = 0; n < done; ++n) {
      offset += sizes_[next++];
    }
  }
  out_.clear();
  sizes_.clear();
}

bool channel::receive(const on_message& each) {
  return kind_ == transport::udp ? receive_datagrams(each) : receive_stream(each);
}

bool channel::receive_datagrams(const on_message& each) {
  static thread_local std::vector<char> room(batch * datagram_room);
  std::array<mmsghdr, batch> headers{};
  std::array<iovec, batch> pieces{};
  for (std::size_t n = 0; n < batch; ++n) {
    pieces[n] = {room.data() + n * datagram_room, datagram_room};
    headers[n].msg_hdr.msg_iov = &pieces[n];
    headers[n].msg_hdr.msg_iovlen = 1;
  }
  for (;;) {
    const int count = recvmmsg(descriptor_, headers.data(), batch, MSG_DONTWAIT, nullptr);
    for (int n = 0; n < count; ++n) {
      const auto index = static_cast<std::size_t>(n);
      each({room.data() + index * datagram_room, headers[index].msg_len});
    }
    if (count < static_cast<int>(batch)) {
      return true;
    }
  }
}

bool channel::receive_stream(const on_message& each) {
  std::array<char, 65536> room; // NOLINT: filled by recv
  for (;;) {
    const ssize_t count = recv(descriptor_, room.data(), room.size(), 0);
    if (count == 0) {
      return false;
    }
    if (count < 0) {
      return errno == EAGAIN || errno == EINTR;
    }
    in_.append(room.data(), static_cast<std::size_t>(count));
    std::string_view rest = in_;
    while (const auto size = whole_message(rest)) {
      each(rest.substr(0, *size));
      rest.remove_prefix(*size);
    }
    in_.erase(0, in_.size() - rest.size());
    if (static_cast<std::size_t>(count) < room.size()) {
      return true;
    }
  }
}

int listen_tcp(std::uint16_t port) {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
  const sockaddr_in address = loopback(port);
  if (descriptor < 0 || bind(descriptor, generic(address), sizeof address) != 0 ||
      listen(descriptor, 128) != 0) {
    fail("listening for the server's connections");
  }
  return descriptor;
}

sockaddr_in parse_address(const std::string& text) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  const std::size_t colon = text.rfind(':');
  std::uint16_t port = 0;
  if (colon != std::string::npos) {
    std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
  }
  if (port == 0 || inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1) {
    throw std::invalid_argument("'" + text + "' is no address; write one as 127.0.0.1:5060");
  }
  address.sin_port = htons(port);
  return address;
}

} // namespace tandem::bench
