// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/udp_socket.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace tandem::io {

namespace {

constexpr std::size_t largest = 65'536;
constexpr unsigned batch = 16;
/// A backlog that stays so long is measured by the kernel's time stamps.
constexpr duration lasting = milliseconds{20};
constexpr std::size_t control_size = 128;
/// More in one turn waits for nothing: it is sent before the turn ends.
constexpr std::size_t queue_bound = 256;
/// More refusals in one turn are not told: to whoever sent, those datagrams are lost.
constexpr std::size_t refusals_told = 16'384;

using control_buffer = std::array<char, control_size>;

/// The kernel had no room at this moment; this says nothing of the peer or of the way to it.
bool is_out_of_room(int error) noexcept {
  return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS || error == ENOMEM;
}

/// Puts the local address and the TTL into control messages; returns their size.
std::size_t write_control(control_buffer& buffer, const ip_address& from, std::uint8_t ttl,
                          bool is_v6) noexcept {
  msghdr header{};
  header.msg_control = buffer.data();
  header.msg_controllen = buffer.size();
  buffer.fill(0);
  std::size_t used = 0;
  cmsghdr* c = CMSG_FIRSTHDR(&header);
  const auto put = [&](int level, int type, const auto& value) {
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(sizeof value);
    std::memcpy(CMSG_DATA(c), &value, sizeof value);
    used += CMSG_SPACE(sizeof value);
    c = CMSG_NXTHDR(&header, c);
  };
  if (from && from.is_v6() == is_v6) {
    if (is_v6) {
      in6_pktinfo info{};
      std::memcpy(&info.ipi6_addr, from.bytes().data(), 16);
      put(IPPROTO_IPV6, IPV6_PKTINFO, info);
    } else {
      in_pktinfo info{};
      std::memcpy(&info.ipi_spec_dst, from.bytes().data(), 4);
      put(IPPROTO_IP, IP_PKTINFO, info);
    }
  }
  if (ttl != 0) {
    const int hops = ttl;
    if (is_v6)
      put(IPPROTO_IPV6, IPV6_HOPLIMIT, hops);
    else
      put(IPPROTO_IP, IP_TTL, hops);
  }
  return used;
}

/// The destination address that IP_PKTINFO tells; none when it does not.
ip_address read_destination(msghdr& header) noexcept {
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(c), sizeof info);
      std::array<std::uint8_t, 4> bytes;
      std::memcpy(bytes.data(), &info.ipi_addr, bytes.size());
      return ip_address::v4(bytes);
    }
    if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(c), sizeof info);
      std::array<std::uint8_t, 16> bytes;
      std::memcpy(bytes.data(), &info.ipi6_addr, bytes.size());
      return ip_address::v6(bytes);
    }
  }
  return {};
}

} // namespace

/// What recvmmsg and sendmmsg are given. Two sets, since a reader may fill the queue of what leaves
/// while a batch that came in is still handed over.
struct udp_socket::kernel_io {
  struct arrays {
    std::array<sockaddr_storage, batch> addresses;
    std::array<iovec, batch> vectors;
    std::array<control_buffer, batch> controls;
    std::array<mmsghdr, batch> headers;
  };
  arrays in;
  arrays out;
  std::array<block_ref, batch> blocks; ///< to receive into
};

result<std::unique_ptr<udp_socket>, int> udp_socket::open(shard& loop, const socket_address& at,
                                                          datagram_user& user,
                                                          const udp_options& options) {
  auto fd = bind_udp(at, options);
  if (!fd) return fail(fd.error());
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (getsockname(fd->get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0) return fail(errno);
  std::unique_ptr<udp_socket> made{
      new udp_socket{loop, std::move(*fd),
                     socket_address::from_sockaddr(reinterpret_cast<sockaddr*>(&bound)), user}};
  if (!loop.watch(made->fd_.get(), *made, EPOLLIN)) return fail(errno);
  return made;
}

udp_socket::udp_socket(shard& loop, unique_fd fd, const socket_address& local, datagram_user& user)
    : loop_{loop}, fd_{std::move(fd)}, local_{local}, user_{user}, is_wildcard_{local.ip.is_any()},
      unprepared_{batch}, io_{std::make_unique<kernel_io>()} {}

udp_socket::~udp_socket() { loop_.unwatch(fd_.get(), *this); }

void udp_socket::on_ready(std::uint32_t events) {
  if ((events & EPOLLERR) != 0) read_errors();
  if ((events & EPOLLIN) == 0) return;
  // One datagram in a quiet loop costs one plain call; level-triggered epoll tells of the next.
  if (has_backlog_ || loop_.is_busy())
    read_batch();
  else
    read_one();
}

void udp_socket::read_one() {
  kernel_io::arrays& io = io_->in;
  auto& blocks = io_->blocks;
  if (!blocks[0]) blocks[0] = block_ref::make(largest);
  io.vectors[0] = {blocks[0].data(), largest};
  msghdr header{};
  header.msg_name = &io.addresses[0];
  header.msg_namelen = sizeof(sockaddr_storage);
  header.msg_iov = &io.vectors[0];
  header.msg_iovlen = 1;
  if (is_wildcard_) {
    header.msg_control = io.controls[0].data();
    header.msg_controllen = control_size;
  }
  const ssize_t size = recvmsg(fd_.get(), &header, 0);
  // An ICMP error for an earlier datagram may come out here: its own report follows by EPOLLERR.
  if (size < 0) return;
  unprepared_ = std::max(unprepared_, 1U);
  hand_over(std::move(blocks[0]), static_cast<std::size_t>(size), header.msg_flags, header);
}

void udp_socket::prepare(unsigned entry) {
  kernel_io::arrays& io = io_->in;
  block_ref& block = io_->blocks[entry];
  if (!block) block = block_ref::make(largest);
  io.vectors[entry] = {block.data(), largest};
  msghdr& header = io.headers[entry].msg_hdr;
  header = {};
  header.msg_name = &io.addresses[entry];
  header.msg_namelen = sizeof(sockaddr_storage);
  header.msg_iov = &io.vectors[entry];
  header.msg_iovlen = 1;
  if (is_wildcard_ || is_timestamped_) {
    header.msg_control = io.controls[entry].data();
    header.msg_controllen = control_size;
  }
}

void udp_socket::read_batch() {
  kernel_io::arrays& io = io_->in;
  auto& blocks = io_->blocks;
  for (unsigned i = 0; i < unprepared_; ++i) prepare(i);
  const int count = recvmmsg(fd_.get(), io.headers.data(), batch, 0, nullptr);
  unprepared_ = static_cast<unsigned>(std::max(count, 0));
  watch_backlog(count == static_cast<int>(batch));
  for (int i = 0; i < count; ++i) {
    mmsghdr& m = io.headers[static_cast<unsigned>(i)];
    if (is_timestamped_ && i == 0) note_wait(m.msg_hdr);
    hand_over(std::move(blocks[static_cast<unsigned>(i)]), m.msg_len, m.msg_hdr.msg_flags,
              m.msg_hdr);
  }
}

void udp_socket::watch_backlog(bool has_backlog) {
  if (has_backlog && !has_backlog_) backlog_since_ = loop_.now();
  has_backlog_ = has_backlog;
  // Time stamps cost a little for each datagram, so they are on only while there is a wait to
  // measure.
  const bool wanted = has_backlog && loop_.now() - backlog_since_ >= lasting;
  if (wanted == is_timestamped_) return;
  const int on = wanted ? 1 : 0;
  if (setsockopt(fd_.get(), SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0) return;
  is_timestamped_ = wanted;
  unprepared_ = batch; // the others have no room for the time, or room that is not wanted
}

void udp_socket::note_wait(msghdr& header) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS) continue;
    timespec came{};
    timespec present{};
    std::memcpy(&came, CMSG_DATA(c), sizeof came);
    clock_gettime(CLOCK_REALTIME, &present);
    const duration waited =
        seconds{present.tv_sec - came.tv_sec} + nanoseconds{present.tv_nsec - came.tv_nsec};
    // The real-time clock may have been set meanwhile.
    if (waited > duration{0} && waited < seconds{60}) loop_.note_lag(waited);
    return;
  }
}

void udp_socket::hand_over(block_ref&& block, std::size_t size, int flags, msghdr& header) {
  ++counters_.received;
  if ((flags & MSG_TRUNC) != 0) {
    ++counters_.truncated;
    return;
  }
  datagram d;
  d.block = std::move(block);
  d.size = static_cast<std::uint32_t>(size);
  d.source = socket_address::from_sockaddr(static_cast<const sockaddr*>(header.msg_name));
  d.local = local_;
  if (is_wildcard_)
    if (const ip_address at = read_destination(header)) d.local.ip = at;
  user_.on_datagram(*this, std::move(d));
}

void udp_socket::read_errors() {
  std::array<char, 2048> quoted;
  control_buffer control;
  for (int i = 0; i < 64; ++i) {
    sockaddr_storage to{};
    iovec vector{quoted.data(), quoted.size()};
    msghdr header{};
    header.msg_name = &to;
    header.msg_namelen = sizeof to;
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    const ssize_t size = recvmsg(fd_.get(), &header, MSG_ERRQUEUE);
    if (size < 0) break;
    for (cmsghdr* c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c)) {
      const bool is_error = (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
                            (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR);
      if (!is_error) continue;
      sock_extended_err error;
      std::memcpy(&error, CMSG_DATA(c), sizeof error);
      ++counters_.icmp_errors;
      user_.on_icmp_error(*this, socket_address::from_sockaddr(reinterpret_cast<sockaddr*>(&to)),
                          static_cast<int>(error.ee_errno),
                          {quoted.data(), static_cast<std::size_t>(size)});
    }
  }
  // The pending error of the socket, which would fail the next call of either direction.
  int pending = 0;
  socklen_t length = sizeof pending;
  getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &pending, &length);
}

void udp_socket::send(const socket_address& to, block_ref block, std::uint32_t size,
                      send_token token, const ip_address& from, std::uint8_t ttl) {
  if (queue_.size() >= queue_bound) write_batch();
  queue_.push_back({std::move(block), size, token, to, is_wildcard_ ? from : ip_address{}, ttl});
  loop_.at_turn_end(*this);
}

void udp_socket::on_turn_end() {
  if (queue_.size() == 1) {
    const outgoing only = std::move(queue_.front());
    queue_.clear();
    write_one(only);
  } else if (!queue_.empty()) {
    write_batch();
  }
  if (!refused_.empty()) tell_refusals();
}

void udp_socket::write_one(const outgoing& o) {
  sockaddr_storage address;
  control_buffer control;
  iovec vector{o.block.data(), o.size};
  msghdr header{};
  header.msg_name = &address;
  header.msg_namelen = o.to.to_sockaddr(address);
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  if (o.from || o.ttl != 0) {
    header.msg_controllen = write_control(control, o.from, o.ttl, o.to.ip.is_v6());
    header.msg_control = control.data();
  }
  // The first failure may be the pending error of an earlier datagram, which the call has cleared.
  for (int attempt = 0; sendmsg(fd_.get(), &header, MSG_NOSIGNAL) < 0; ++attempt)
    if (attempt > 0 || is_out_of_room(errno)) return note_failure(o, errno);
  ++counters_.sent;
}

void udp_socket::write_batch() {
  std::vector<outgoing> leaving;
  leaving.swap(queue_);
  kernel_io::arrays& io = io_->out;
  std::size_t done = 0;
  while (done < leaving.size()) {
    const auto count = static_cast<unsigned>(std::min<std::size_t>(batch, leaving.size() - done));
    for (unsigned i = 0; i < count; ++i) {
      const outgoing& o = leaving[done + i];
      io.vectors[i] = {o.block.data(), o.size};
      io.headers[i] = {};
      msghdr& header = io.headers[i].msg_hdr;
      header.msg_name = &io.addresses[i];
      header.msg_namelen = o.to.to_sockaddr(io.addresses[i]);
      header.msg_iov = &io.vectors[i];
      header.msg_iovlen = 1;
      if (o.from || o.ttl != 0) {
        header.msg_controllen = write_control(io.controls[i], o.from, o.ttl, o.to.ip.is_v6());
        header.msg_control = io.controls[i].data();
      }
    }
    const int sent = sendmmsg(fd_.get(), io.headers.data(), count, MSG_NOSIGNAL);
    if (sent > 0) {
      counters_.sent.add(static_cast<std::uint64_t>(sent));
      done += static_cast<std::size_t>(sent);
      continue;
    }
    // The first of them failed; alone it gets its second attempt and its report.
    write_one(leaving[done++]);
  }
  leaving.clear();
  if (queue_.empty()) queue_.swap(leaving); // keep the memory
}

void udp_socket::note_failure(const outgoing& o, int error) {
  if (is_out_of_room(error)) {
    ++counters_.lost;
    return;
  }
  ++counters_.send_failures;
  if (refused_.size() < refusals_told) refused_.push_back({o.to, o.token, error});
}

void udp_socket::tell_refusals() {
  std::vector<refusal> told;
  told.swap(refused_);
  for (const refusal& r : told) user_.on_send_failed(*this, r.to, r.token, r.error);
  told.clear();
  if (refused_.empty()) refused_.swap(told); // keep the memory
}

} // namespace tandem::io
