// SPDX-License-Identifier: Apache-2.0
// A datagram socket of a shard: reads one datagram, or a batch when there is a backlog; sends what
// a turn collected with one system call; tells of ICMP errors. Used on the thread of its shard.
#pragma once

#include <tandem/base/block.hpp>
#include <tandem/base/counter.hpp>
#include <tandem/base/ip_address.hpp>
#include <tandem/base/result.hpp>
#include <tandem/io/send_token.hpp>
#include <tandem/io/shard.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct msghdr;

namespace tandem::io {

class udp_socket;

/// A datagram as it was received.
struct datagram {
  block_ref block; ///< of 64 KB: who keeps a datagram beyond the turn copies it to a smaller one
  std::uint32_t size = 0;
  socket_address source;
  socket_address local; ///< where it was sent to; of a wildcard socket too
};

/// Who reads a socket. Called by the loop, at the end of a turn or when the socket is ready, never
/// from inside send(). May send from all of these, and destroy the socket from none.
class datagram_user {
 public:
  virtual void on_datagram(udp_socket& on, datagram&& received) = 0;
  /// The kernel refused a datagram that send() took, with this errno: nothing can be sent there.
  /// Called at the end of the turn. A datagram that the kernel had no room for is no failure of the
  /// way: it is lost, as on the network, and counted.
  virtual void on_send_failed(udp_socket& on, const socket_address& to, send_token token,
                              int error) = 0;
  /// An ICMP error came back (ECONNREFUSED, EHOSTUNREACH, ENETUNREACH ...).
  /// \param quoted the beginning of the datagram that caused it, as far as the error quotes it.
  virtual void on_icmp_error(udp_socket& on, const socket_address& to, int error,
                             std::string_view quoted) = 0;

 protected:
  ~datagram_user() = default;
};

struct udp_options {
  int buffer_bytes = 4 << 20;     ///< of the kernel, each way; a stall must not lose datagrams
  std::vector<ip_address> groups; ///< multicast groups to join
  bool shares_port = true;        ///< SO_REUSEPORT: one socket of that address for each shard
};

/// Counters; they only grow.
struct udp_counters {
  counter received;
  counter sent;
  counter send_failures; ///< told to the user, or more in a turn than are told
  counter lost;          ///< the kernel's buffers were full (EAGAIN, ENOBUFS, ENOMEM)
  counter icmp_errors;
  counter truncated; ///< longer than 65,535 bytes, dropped
};

class udp_socket final : readiness, turn_task {
 public:
  /// Binds to `at` (port 0: any free one) and reads from then on. Fails with errno.
  /// \param user outlives the socket.
  [[nodiscard]] static result<std::unique_ptr<udp_socket>, int>
  open(shard& loop, const socket_address& at, datagram_user& user, const udp_options& options = {});
  ~udp_socket();

  /// The address it is bound to, with the real port.
  [[nodiscard]] const socket_address& local() const noexcept { return local_; }

  /// Sends `size` bytes of the block by the end of this turn; many datagrams leave in batches
  /// before that. It never waits and never calls back: what the kernel does not take at once is
  /// lost, what it refuses is told at the end of the turn.
  /// \param from address of ours to send from, where the socket is bound to the wildcard; none: the
  ///             kernel chooses. \param ttl of multicast, 0: the system's.
  void send(const socket_address& to, block_ref block, std::uint32_t size, send_token token = {},
            const ip_address& from = {}, std::uint8_t ttl = 0);

  [[nodiscard]] const udp_counters& counters() const noexcept { return counters_; }

 private:
  struct kernel_io;
  struct outgoing {
    block_ref block;
    std::uint32_t size = 0;
    send_token token;
    socket_address to;
    ip_address from;
    std::uint8_t ttl = 0;
  };

  /// A datagram that the kernel refused.
  struct refusal {
    socket_address to;
    send_token token;
    int error = 0;
  };

  udp_socket(shard& loop, unique_fd fd, const socket_address& local, datagram_user& user);
  void on_ready(std::uint32_t events) override;
  void on_turn_end() override;
  void read_one();
  void read_batch();
  void prepare(unsigned entry);
  void hand_over(block_ref&& block, std::size_t size, int flags, msghdr& header);
  void read_errors();
  void note_wait(msghdr& header);
  void watch_backlog(bool has_backlog);
  void write_one(const outgoing& o);
  void write_batch();
  void note_failure(const outgoing& o, int error);
  void tell_refusals();

  shard& loop_;
  unique_fd fd_;
  socket_address local_;
  datagram_user& user_;
  bool is_wildcard_;
  bool has_backlog_ = false;
  bool is_timestamped_ = false;
  unsigned unprepared_ = 0; ///< leading entries of the arrays that the last reads have used up
  instant backlog_since_;
  std::vector<outgoing> queue_;   ///< at most queue_bound of them
  std::vector<refusal> refused_;  ///< in this turn, at most refusals_told of them
  std::unique_ptr<kernel_io> io_; ///< the arrays that the batch calls take
  udp_counters counters_;
};

/// A bound, non-blocking socket for udp_socket or for a probe; errno as the error.
[[nodiscard]] result<unique_fd, int> bind_udp(const socket_address& at, const udp_options& options);

} // namespace tandem::io
