// SPDX-License-Identifier: Apache-2.0
// IP addresses and socket addresses as values: parsed, printed, compared, hashed, matched against
// prefixes. No names, no DNS. Any thread.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

struct sockaddr;
struct sockaddr_storage;

namespace tandem {

/// An IPv4 or IPv6 address, or none (the default).
class ip_address {
 public:
  enum class family : std::uint8_t { none = 0, v4 = 4, v6 = 6 };

  constexpr ip_address() noexcept = default;

  /// The address a.b.c.d.
  [[nodiscard]] static ip_address v4(std::uint8_t a, std::uint8_t b, std::uint8_t c,
                                     std::uint8_t d) noexcept;
  /// From bytes in network order.
  [[nodiscard]] static ip_address v4(const std::array<std::uint8_t, 4>& bytes) noexcept;
  [[nodiscard]] static ip_address v6(const std::array<std::uint8_t, 16>& bytes) noexcept;

  /// 0.0.0.0 or ::, what a socket is bound to that takes every local address.
  [[nodiscard]] static ip_address any_v4() noexcept { return v4({}); }
  [[nodiscard]] static ip_address any_v6() noexcept { return v6({}); }

  /// "192.0.2.1", "2001:db8::1" or "[2001:db8::1]" (the form of a SIP URI); nothing for any other
  /// text. Octets are decimal without leading zeros (RFC 3986 3.2.2), no zone. The one parser of
  /// addresses.
  [[nodiscard]] static std::optional<ip_address> parse(std::string_view text) noexcept;

  [[nodiscard]] bool is_v4() const noexcept { return family_ == family::v4; }
  [[nodiscard]] bool is_v6() const noexcept { return family_ == family::v6; }
  [[nodiscard]] explicit operator bool() const noexcept { return family_ != family::none; }
  [[nodiscard]] family which() const noexcept { return family_; }

  [[nodiscard]] bool is_any() const noexcept;        ///< 0.0.0.0 or ::
  [[nodiscard]] bool is_loopback() const noexcept;   ///< 127/8 or ::1
  [[nodiscard]] bool is_multicast() const noexcept;  ///< 224/4 or ff00::/8
  [[nodiscard]] bool is_link_local() const noexcept; ///< 169.254/16 or fe80::/10

  /// Same family and the first `bits` bits are those of `prefix`.
  [[nodiscard]] bool is_in(const ip_address& prefix, unsigned bits) const noexcept;

  /// Network order; 4 bytes of it count for IPv4.
  [[nodiscard]] const std::array<std::uint8_t, 16>& bytes() const noexcept { return bytes_; }

  /// "192.0.2.1" or "2001:db8::1" (RFC 5952), empty for none.
  [[nodiscard]] std::string to_string() const;
  /// The same, an IPv6 address in brackets, as a URI or Via writes it.
  [[nodiscard]] std::string to_uri_host() const;
  /// Reads the dotted address in front of a text. \return its length, 0 when there is none: then
  /// `out` stays as it is
  static std::size_t read_v4(std::string_view text, ip_address& out) noexcept;

  /// Writes to_string() to at least 46 bytes; returns the end.
  char* write(char* out) const noexcept;

  // NOLINTNEXTLINE(modernize-use-nullptr): the checker takes the 0 of an ordering for a pointer
  friend auto operator<=>(const ip_address&, const ip_address&) noexcept = default;

 private:
  family family_ = family::none;
  std::array<std::uint8_t, 16> bytes_{};
};

/// An address range: "192.0.2.0/24", "2001:db8::/32", "192.0.2.0/255.255.255.0", or one address.
struct ip_prefix {
  ip_address address;
  unsigned bits = 0;

  [[nodiscard]] static std::optional<ip_prefix> parse(std::string_view text) noexcept;
  [[nodiscard]] bool contains(const ip_address& ip) const noexcept {
    return ip.is_in(address, bits);
  }
};

/// Where a socket is or where it sends to: address and port.
struct socket_address {
  ip_address ip;
  std::uint16_t port = 0;
  std::uint32_t scope = 0; ///< interface index of a link-local IPv6 address, else 0

  /// "192.0.2.1:5060" or "[2001:db8::1]:5060"; the port is `default_port` when the text has none.
  [[nodiscard]] static std::optional<socket_address> parse(std::string_view text,
                                                           std::uint16_t default_port = 0) noexcept;

  /// From the kernel's form; none for a family that is not IP.
  [[nodiscard]] static socket_address from_sockaddr(const sockaddr* address) noexcept;

  /// Fills the kernel's form and returns its size; AF_UNSPEC for none.
  unsigned to_sockaddr(sockaddr_storage& out) const noexcept;

  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(ip); }

  /// "192.0.2.1:5060", "[2001:db8::1]:5060".
  [[nodiscard]] std::string to_string() const;
  /// Writes to_string() to at least 54 bytes; returns the end.
  char* write(char* out) const noexcept;

  // NOLINTNEXTLINE(modernize-use-nullptr): the checker takes the 0 of an ordering for a pointer
  friend auto operator<=>(const socket_address&, const socket_address&) noexcept = default;
};

/// A hash for tables; keyed with a secret of the process, since peers choose addresses.
[[nodiscard]] std::size_t hash_of(const ip_address& ip) noexcept;
[[nodiscard]] std::size_t hash_of(const socket_address& address) noexcept;

} // namespace tandem

template <>
struct std::hash<tandem::ip_address> {
  std::size_t operator()(const tandem::ip_address& ip) const noexcept {
    return tandem::hash_of(ip);
  }
};
template <>
struct std::hash<tandem::socket_address> {
  std::size_t operator()(const tandem::socket_address& a) const noexcept {
    return tandem::hash_of(a);
  }
};
