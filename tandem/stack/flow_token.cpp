// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/flow_token.hpp>

#include <tandem/base/big_endian.hpp>
#include <tandem/base/hex.hpp>
#include <tandem/base/text.hpp>

#include <algorithm>

namespace tandem::stack {

namespace {

// transport, shard, slot, generation, port, scope; the address follows
constexpr std::size_t fixed = 1 + 2 + 4 + 4 + 2 + 4;
constexpr std::size_t with_v4 = fixed + 4;
constexpr std::size_t with_v6 = fixed + 16;

template <typename T>
std::uint8_t* put(std::uint8_t* to, T number) noexcept {
  return put_big_endian(to, number, sizeof(T));
}

template <typename T>
T take(const std::uint8_t*& from) noexcept {
  return static_cast<T>(take_big_endian(from, sizeof(T)));
}

} // namespace

flow_token::flow_token(const target& way) noexcept {
  std::array<std::uint8_t, most_bytes> bytes;
  std::uint8_t* end = put(bytes.data(), static_cast<std::uint8_t>(way.transport));
  end = put(put(put(end, way.flow.shard), way.flow.slot), way.flow.generation);
  end = put(put(end, way.address.port), way.address.scope);
  end = std::copy_n(way.address.ip.bytes().begin(), way.address.ip.is_v6() ? 16 : 4, end);
  size_ = static_cast<std::size_t>(write_hex(text_.data(), {bytes.data(), end}) - text_.data());
}

std::optional<target> flow_token::parse(std::string_view text) noexcept {
  if (text.size() != 2 * with_v4 && text.size() != 2 * with_v6) return std::nullopt;
  std::array<std::uint8_t, most_bytes> bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int digit = hex_value(text[i]);
    if (digit < 0 || to_lower(text[i]) != text[i]) return std::nullopt;
    std::uint8_t& byte = bytes[i / 2];
    byte = static_cast<std::uint8_t>(i % 2 == 0 ? digit << 4 : byte | digit);
  }
  const std::uint8_t* at = bytes.data();
  target way;
  const auto transport = take<std::uint8_t>(at);
  if (transport >= transport_rows.size()) return std::nullopt;
  way.transport = static_cast<transport_kind>(transport);
  way.flow.shard = take<std::uint16_t>(at);
  way.flow.slot = take<std::uint32_t>(at);
  way.flow.generation = take<std::uint32_t>(at);
  way.address.port = take<std::uint16_t>(at);
  way.address.scope = take<std::uint32_t>(at);
  if (text.size() == 2 * with_v4) {
    way.address.ip = ip_address::v4(at[0], at[1], at[2], at[3]);
  } else {
    std::array<std::uint8_t, 16> v6;
    std::copy_n(at, v6.size(), v6.begin());
    way.address.ip = ip_address::v6(v6);
  }
  return way;
}

} // namespace tandem::stack
