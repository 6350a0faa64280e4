// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/ip_address.hpp>

#include <tandem/base/keyed_text_hash.hpp>
#include <tandem/base/text.hpp>

#include <algorithm>
#include <arpa/inet.h>
#include <bit>
#include <charconv>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>

namespace tandem {

namespace {

/// The bits of a netmask that has no hole.
std::optional<unsigned> bits_of_mask(const ip_address& mask) noexcept {
  const unsigned size = mask.is_v4() ? 4 : 16;
  unsigned bits = 0;
  bool ended = false;
  for (unsigned i = 0; i < size; ++i) {
    const std::uint8_t byte = mask.bytes()[i];
    const auto ones = static_cast<unsigned>(std::countl_one(byte));
    if (ended && byte != 0) return std::nullopt;
    if (static_cast<unsigned>(std::popcount(byte)) != ones) return std::nullopt;
    bits += ones;
    ended = ended || ones < 8;
  }
  return bits;
}

} // namespace

ip_address ip_address::v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) noexcept {
  return v4({a, b, c, d});
}

ip_address ip_address::v4(const std::array<std::uint8_t, 4>& bytes) noexcept {
  ip_address ip;
  ip.family_ = family::v4;
  std::copy(bytes.begin(), bytes.end(), ip.bytes_.begin());
  return ip;
}

ip_address ip_address::v6(const std::array<std::uint8_t, 16>& bytes) noexcept {
  ip_address ip;
  ip.family_ = family::v6;
  ip.bytes_ = bytes;
  return ip;
}

std::optional<ip_address> ip_address::parse(std::string_view text) noexcept {
  ip_address ip;
  if (const std::size_t size = read_v4(text, ip); size != 0 && size == text.size()) return ip;
  if (text.find(':') == std::string_view::npos) return std::nullopt;
  if (text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size()) return std::nullopt;
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  std::copy(text.begin(), text.end(), terminated.begin());
  std::array<std::uint8_t, 16> bytes;
  if (inet_pton(AF_INET6, terminated.data(), bytes.data()) != 1) return std::nullopt;
  return v6(bytes);
}

// RFC 3986 3.2.2: dec-octet has no leading zero. One makes the number octal for some readers and
// decimal for others, so that a rule for the one address is passed by the other.
std::size_t ip_address::read_v4(std::string_view text, ip_address& out) noexcept {
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto digit = [&at, end] { // the next one, else more than nine
    return at == end ? 10U : static_cast<unsigned char>(*at - '0');
  };
  ip_address ip;
  ip.family_ = family::v4;
  for (std::size_t part = 0; part < 4; ++part) {
    if (part != 0 && (at == end || *at++ != '.')) return 0;
    unsigned value = digit();
    if (value > 9) return 0;
    ++at;
    if (unsigned next = digit(); next <= 9) {
      if (value == 0) return 0;
      value = value * 10 + next;
      ++at;
      if (next = digit(); next <= 9) {
        value = value * 10 + next;
        ++at;
        if (value > 255) return 0;
      }
    }
    ip.bytes_[part] = static_cast<std::uint8_t>(value);
  }
  out = ip;
  return static_cast<std::size_t>(at - text.data());
}

bool ip_address::is_any() const noexcept {
  return *this && std::all_of(bytes_.begin(), bytes_.end(), [](auto b) { return b == 0; });
}

bool ip_address::is_loopback() const noexcept {
  return is_v4() ? bytes_[0] == 127
                 : is_v6() && *this == v6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
}

bool ip_address::is_multicast() const noexcept {
  return is_v4() ? (bytes_[0] & 0xf0) == 0xe0 : is_v6() && bytes_[0] == 0xff;
}

bool ip_address::is_link_local() const noexcept {
  return is_v4() ? bytes_[0] == 169 && bytes_[1] == 254
                 : is_v6() && bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
}

bool ip_address::is_in(const ip_address& prefix, unsigned bits) const noexcept {
  if (family_ != prefix.family_ || family_ == family::none) return false;
  bits = std::min(bits, is_v4() ? 32U : 128U);
  const unsigned whole = bits / 8;
  if (std::memcmp(bytes_.data(), prefix.bytes_.data(), whole) != 0) return false;
  const unsigned rest = bits % 8;
  return rest == 0 || ((bytes_[whole] ^ prefix.bytes_[whole]) >> (8 - rest)) == 0;
}

char* ip_address::write(char* out) const noexcept {
  if (!*this) return out;
  if (is_v4()) {
    for (unsigned i = 0; i < 4; ++i) {
      if (i > 0) *out++ = '.';
      out = std::to_chars(out, out + 3, bytes_[i]).ptr;
    }
    return out;
  }
  if (!inet_ntop(AF_INET6, bytes_.data(), out, INET6_ADDRSTRLEN)) return out;
  return out + std::strlen(out);
}

std::string ip_address::to_string() const {
  std::array<char, 64> text;
  return {text.data(), write(text.data())};
}

std::string ip_address::to_uri_host() const {
  std::array<char, 64> text;
  char* end = text.data();
  if (is_v6()) *end++ = '[';
  end = write(end);
  if (is_v6()) *end++ = ']';
  return {text.data(), end};
}

std::optional<ip_prefix> ip_prefix::parse(std::string_view text) noexcept {
  const auto slash = text.find('/');
  const auto address = ip_address::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  const unsigned most = address->is_v4() ? 32 : 128;
  if (slash == std::string_view::npos) return ip_prefix{*address, most};
  const std::string_view length = text.substr(slash + 1);
  if (const auto bits = parse_number<unsigned>(length)) {
    if (*bits > most) return std::nullopt;
    return ip_prefix{*address, *bits};
  }
  const auto mask = ip_address::parse(length);
  if (!mask || mask->which() != address->which()) return std::nullopt;
  const auto bits = bits_of_mask(*mask);
  if (!bits) return std::nullopt;
  return ip_prefix{*address, *bits};
}

std::optional<socket_address> socket_address::parse(std::string_view text,
                                                    std::uint16_t default_port) noexcept {
  std::string_view host = text;
  std::string_view port;
  if (!text.empty() && text.front() == '[') {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    host = text.substr(0, close + 1);
    port = text.substr(close + 1);
  } else if (const auto colon = text.find(':'); colon == text.rfind(':')) {
    host = text.substr(0, colon);
    port = colon == std::string_view::npos ? std::string_view{} : text.substr(colon);
  }
  const auto ip = ip_address::parse(host);
  if (!ip) return std::nullopt;
  if (port.empty()) return socket_address{*ip, default_port};
  const auto number = parse_number<std::uint16_t>(port.substr(1));
  if (port.front() != ':' || !number) return std::nullopt;
  return socket_address{*ip, *number};
}

socket_address socket_address::from_sockaddr(const sockaddr* address) noexcept {
  if (address->sa_family == AF_INET) {
    sockaddr_in in;
    std::memcpy(&in, address, sizeof in);
    std::array<std::uint8_t, 4> bytes;
    std::memcpy(bytes.data(), &in.sin_addr, bytes.size());
    return {ip_address::v4(bytes), ntohs(in.sin_port)};
  }
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 in;
    std::memcpy(&in, address, sizeof in);
    std::array<std::uint8_t, 16> bytes;
    std::memcpy(bytes.data(), &in.sin6_addr, bytes.size());
    return {ip_address::v6(bytes), ntohs(in.sin6_port), in.sin6_scope_id};
  }
  return {};
}

unsigned socket_address::to_sockaddr(sockaddr_storage& out) const noexcept {
  if (ip.is_v4()) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    std::memcpy(&in.sin_addr, ip.bytes().data(), 4);
    std::memcpy(&out, &in, sizeof in);
    return sizeof in;
  }
  if (ip.is_v6()) {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(port);
    in.sin6_scope_id = scope;
    std::memcpy(&in.sin6_addr, ip.bytes().data(), 16);
    std::memcpy(&out, &in, sizeof in);
    return sizeof in;
  }
  out.ss_family = AF_UNSPEC;
  return sizeof(sa_family_t);
}

char* socket_address::write(char* out) const noexcept {
  if (ip.is_v6()) *out++ = '[';
  out = ip.write(out);
  if (ip.is_v6()) *out++ = ']';
  *out++ = ':';
  return std::to_chars(out, out + 5, port).ptr;
}

std::string socket_address::to_string() const {
  std::array<char, 64> text;
  return {text.data(), write(text.data())};
}

std::size_t hash_of(const ip_address& ip) noexcept { return hash_of({ip, 0}); }

std::size_t hash_of(const socket_address& address) noexcept {
  // The words of an IPv6 address, of which one of IPv4 fills half of the first.
  std::array<std::uint64_t, 2> words;
  static_assert(sizeof words == sizeof address.ip.bytes());
  std::memcpy(words.data(), address.ip.bytes().data(), sizeof words);
  keyed_hasher hash{process_hash_key()};
  hash.add(words[0]);
  if (!address.ip.is_v4()) hash.add(words[1]);
  return hash.add(address.port).finish();
}

} // namespace tandem
