// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/proxy_header.hpp>

#include <tandem/base/text.hpp>

#include <algorithm>
#include <array>
#include <cstdint>

namespace tandem::io {
namespace {

using verdict = proxy_header::verdict;

constexpr std::string_view signature_1 = "PROXY ";
constexpr std::string_view signature_2{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t longest_1 = 107; // with its CRLF

constexpr proxy_header invalid{verdict::invalid, 0, {}};
constexpr proxy_header need_more{verdict::need_more, 0, {}};

std::string_view take_word(std::string_view& text) noexcept {
  const auto end = text.find(' ');
  const auto word = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return word;
}

proxy_header read_1(std::string_view bytes) noexcept {
  const auto end = bytes.substr(0, longest_1).find("\r\n");
  if (end == std::string_view::npos) return bytes.size() >= longest_1 ? invalid : need_more;
  auto line = bytes.substr(0, end);
  proxy_header header{verdict::complete, end + 2, {}};
  take_word(line);
  const auto family = take_word(line);
  if (family == "UNKNOWN") return header;
  const auto source = ip_address::parse(take_word(line));
  take_word(line); // where it was connected to: ourselves or the balancer
  const auto port = parse_number<std::uint16_t>(take_word(line));
  if (!source || !port || (family != "TCP4" && family != "TCP6") ||
      source->is_v4() != (family == "TCP4"))
    return invalid;
  header.client = {*source, *port, 0};
  return header;
}

std::uint8_t byte(std::string_view bytes, std::size_t at) noexcept {
  return static_cast<std::uint8_t>(bytes[at]);
}

std::uint16_t number(std::string_view bytes, std::size_t at) noexcept {
  return static_cast<std::uint16_t>((byte(bytes, at) << 8) | byte(bytes, at + 1));
}

template <std::size_t N>
std::array<std::uint8_t, N> address(std::string_view bytes, std::size_t at) noexcept {
  std::array<std::uint8_t, N> out{};
  for (std::size_t i = 0; i < N; ++i) out[i] = byte(bytes, at + i);
  return out;
}

proxy_header read_2(std::string_view bytes) noexcept {
  constexpr std::size_t fixed = 16; // signature, version and command, family, length
  if (bytes.size() < fixed) return need_more;
  const auto version = byte(bytes, 12) >> 4;
  const auto command = byte(bytes, 12) & 15;
  const std::size_t length = number(bytes, 14);
  if (version != 2 || command > 1 || length > longest_proxy_header - fixed) return invalid;
  if (bytes.size() < fixed + length) return need_more;
  proxy_header header{verdict::complete, fixed + length, {}};
  if (command == 0) return header; // LOCAL: a health check of the balancer
  const auto family = byte(bytes, 13);
  if (family == 0x11) { // TCP over IPv4
    if (length < 12) return invalid;
    header.client = {ip_address::v4(address<4>(bytes, 16)), number(bytes, 24), 0};
  } else if (family == 0x21) { // TCP over IPv6
    if (length < 36) return invalid;
    header.client = {ip_address::v6(address<16>(bytes, 16)), number(bytes, 48), 0};
  }
  return header;
}

} // namespace

proxy_header read_proxy_header(std::string_view bytes) noexcept {
  const auto begins_like = [bytes](std::string_view signature) {
    const auto n = std::min(bytes.size(), signature.size());
    return bytes.substr(0, n) == signature.substr(0, n);
  };
  if (begins_like(signature_1))
    return bytes.size() < signature_1.size() ? need_more : read_1(bytes);
  if (begins_like(signature_2))
    return bytes.size() < signature_2.size() ? need_more : read_2(bytes);
  return invalid;
}

} // namespace tandem::io
