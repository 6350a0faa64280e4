// SPDX-License-Identifier: Apache-2.0
// The table of listeners: which socket a message leaves by, and what it says of itself in a Via.
// Made before the loops run and only read from then on, by all shards.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/transport/listen_point.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tandem::transport {

/// A bound socket; there is one of it for each shard.
struct listener {
  transport_kind transport = transport_kind::udp;
  socket_address address; ///< with its real port
  std::string sent_by;    ///< empty for a wildcard, whose address depends on the destination, and
                          ///< for a multicast group, which sends nothing
};

/// The text of a sent-by: the host, IPv6 in brackets, and the port unless it is the default.
[[nodiscard]] std::string sent_by_text(const ip_address& ip, std::uint16_t port,
                                       transport_kind transport);

class listener_table {
 public:
  static constexpr std::uint32_t none = 0xffffffff;

  /// \param points with their real ports.
  explicit listener_table(const std::vector<listen_point>& points);

  [[nodiscard]] std::uint32_t size() const noexcept {
    return static_cast<std::uint32_t>(all_.size());
  }
  [[nodiscard]] const listener& operator[](std::uint32_t index) const noexcept {
    return all_[index];
  }

  /// The listener by which to reach an address: of that transport and family; a loopback socket for
  /// loopback addresses, and for others of this host where no other socket is. `none` when nothing
  /// fits.
  [[nodiscard]] std::uint32_t choose(transport_kind transport,
                                     const ip_address& destination) const noexcept;

  /// The listener at this address of ours, `none` when there is none.
  [[nodiscard]] std::uint32_t find(transport_kind transport,
                                   const ip_address& local) const noexcept;

  /// A message sent to that address of ours comes to one of the listeners.
  [[nodiscard]] bool is_own(transport_kind transport, const socket_address& address) const noexcept;

 private:
  std::vector<listener> all_;
  std::vector<ip_address> of_this_host_; ///< when the server started
};

/// The addresses of this host that wildcard sockets were spoken to at, so that answers leave from
/// the same one. Grows only, to a bound; any thread.
class own_addresses {
 public:
  /// A number of the address, 0 for none and beyond the bound.
  [[nodiscard]] std::uint16_t number_of(const ip_address& ip);
  [[nodiscard]] ip_address at(std::uint16_t number) const noexcept;

 private:
  static constexpr std::uint16_t bound = 256;
  std::array<ip_address, bound> known_; ///< from 1 on; below size_ nothing changes any more
  std::atomic<std::uint16_t> size_ = 1;
  std::mutex growing_;
};

/// Which address of this host the kernel sends from to reach another one, remembered for a minute.
/// One for each shard.
class source_addresses {
 public:
  /// None when there is no route.
  [[nodiscard]] ip_address towards(const ip_address& destination, instant now);

 private:
  struct entry {
    ip_address source;
    instant until;
  };
  static constexpr std::size_t bound = 4'096;
  std::unordered_map<ip_address, entry> known_;
};

} // namespace tandem::transport
