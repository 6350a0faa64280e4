// SPDX-License-Identifier: Apache-2.0
#include <tandem/transport/listeners.hpp>

#include <fmt/format.h>

#include <tandem/io/unique_fd.hpp>

#include <algorithm>
#include <span>
#include <sys/socket.h>

namespace tandem::transport {

namespace {

/// How well a listener fits a destination; 0: not at all.
int fitness(const listener& l, const ip_address& destination,
            std::span<const ip_address> of_this_host) noexcept {
  if (l.address.ip.is_v4() != destination.is_v4()) return 0;
  if (l.address.ip.is_multicast()) return 0; // only listens
  if (l.address.ip == destination) return 4;
  if (l.address.ip.is_any()) return 2;
  if (l.address.ip.is_loopback() == destination.is_loopback()) return 3;
  // What is bound to the loopback cannot leave the host; it reaches the host's other addresses,
  // which phones on the same machine register. The other way round it may only work.
  return destination.is_loopback() ||
                 std::ranges::find(of_this_host, destination) != of_this_host.end()
             ? 1
             : 0;
}

/// A listener that is named by a host name says that name of itself where its peers verify who it
/// is: an address would have to stand in its certificate (RFC 5922 4). Empty for any other.
std::string verified_name(const listen_point& p) {
  if (!is_secure(p.transport) || p.name.empty()) return {};
  if (p.address.port == default_port(p.transport)) return p.name;
  return fmt::format("{}:{}", p.name, p.address.port);
}

} // namespace

std::string sent_by_text(const ip_address& ip, std::uint16_t port, transport_kind transport) {
  std::string text = ip.to_uri_host();
  if (port != default_port(transport)) {
    text += ':';
    text += std::to_string(port);
  }
  return text;
}

listener_table::listener_table(const std::vector<listen_point>& points) {
  for (const listen_point& p : points) {
    listener l{p.transport, p.address, p.advertised};
    if (l.sent_by.empty()) l.sent_by = verified_name(p);
    if (l.sent_by.empty() && !p.address.ip.is_any() && !p.address.ip.is_multicast())
      l.sent_by = sent_by_text(p.address.ip, p.address.port, p.transport);
    all_.push_back(std::move(l));
  }
  for (const interface_address& one : local_interfaces()) of_this_host_.push_back(one.ip);
}

std::uint32_t listener_table::choose(transport_kind transport,
                                     const ip_address& destination) const noexcept {
  std::uint32_t best = none;
  int best_fitness = 0;
  for (std::uint32_t i = 0; i < size(); ++i) {
    if (all_[i].transport != transport) continue;
    const int f = fitness(all_[i], destination, of_this_host_);
    if (f > best_fitness) {
      best = i;
      best_fitness = f;
    }
  }
  return best;
}

std::uint32_t listener_table::find(transport_kind transport,
                                   const ip_address& local) const noexcept {
  for (std::uint32_t i = 0; i < size(); ++i)
    if (all_[i].transport == transport && all_[i].address.ip == local) return i;
  return none;
}

bool listener_table::is_own(transport_kind transport,
                            const socket_address& address) const noexcept {
  return std::any_of(all_.begin(), all_.end(), [&](const listener& l) {
    return l.transport == transport && l.address.port == address.port &&
           (l.address.ip == address.ip ||
            (l.address.ip.is_any() && l.address.ip.is_v4() == address.ip.is_v4() &&
             address.ip.is_loopback()));
  });
}

std::uint16_t own_addresses::number_of(const ip_address& ip) {
  const auto find = [&]() -> std::uint16_t {
    const std::uint16_t size = size_.load(std::memory_order_acquire);
    for (std::uint16_t i = 1; i < size; ++i)
      if (known_[i] == ip) return i;
    return 0;
  };
  if (const std::uint16_t number = find()) return number;
  const std::lock_guard lock{growing_};
  if (const std::uint16_t number = find()) return number;
  const std::uint16_t number = size_.load(std::memory_order_relaxed);
  if (number == bound) return 0;
  known_[number] = ip;
  size_.store(static_cast<std::uint16_t>(number + 1), std::memory_order_release);
  return number;
}

ip_address own_addresses::at(std::uint16_t number) const noexcept {
  return number < size_.load(std::memory_order_acquire) ? known_[number] : ip_address{};
}

ip_address source_addresses::towards(const ip_address& destination, instant now) {
  const auto found = known_.find(destination);
  if (found != known_.end() && found->second.until > now) return found->second.source;
  // Connecting a datagram socket sends nothing; it asks the kernel for the route.
  ip_address source;
  const io::unique_fd probe{
      socket(destination.is_v6() ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  sockaddr_storage address{};
  socklen_t size = socket_address{destination, 9}.to_sockaddr(address);
  if (probe && connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0) {
    size = sizeof address;
    if (getsockname(probe.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0)
      source = socket_address::from_sockaddr(reinterpret_cast<const sockaddr*>(&address)).ip;
  }
  if (known_.size() >= bound) known_.clear();
  known_[destination] = {source, now + seconds{60}};
  return source;
}

} // namespace tandem::transport
