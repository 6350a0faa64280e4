// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/nonce_issuer.hpp>

#include <tandem/base/big_endian.hpp>
#include <tandem/base/hex.hpp>
#include <tandem/base/random.hpp>
#include <tandem/crypto/compare.hpp>
#include <tandem/sip/auth.hpp>

#include <algorithm>
#include <span>

namespace tandem::stack {

namespace {

// A nonce: offer (1 byte), ms of the moment (6), id (8), signature (16).
constexpr std::size_t moment_size = 6;
constexpr unsigned most_origin_bits = 46; ///< leaves room for two thousand years
constexpr std::size_t id_size = 8;
constexpr std::size_t head_size = 1 + moment_size + id_size;
constexpr std::size_t signature_size = 16;
constexpr std::size_t whole_size = head_size + signature_size;

using whole = std::array<std::uint8_t, whole_size>;
static_assert(std::tuple_size_v<nonce_issuer::text> == 2 * whole_size);

std::string_view head_of(std::span<const std::uint8_t> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), head_size};
}

} // namespace

nonce_issuer::nonce_issuer(const nonce_settings& settings)
    : origin_{static_cast<std::int64_t>(random_bits() >> (64 - most_origin_bits))},
      counts_{settings.most_counted} {
  set_lifetime(settings.lifetime);
}

void nonce_issuer::set_lifetime(duration lifetime) noexcept {
  lifetime_.store(lifetime / milliseconds{1}, std::memory_order_relaxed);
}

std::int64_t nonce_issuer::ms(instant at) const noexcept {
  return origin_ + std::chrono::duration_cast<milliseconds>(at.time_since_epoch()).count();
}

std::int64_t nonce_issuer::expired(instant now) const noexcept {
  return ms(now) - lifetime_.load(std::memory_order_relaxed);
}

std::optional<crypto::message_digest> nonce_issuer::sign(std::string_view head,
                                                         std::string_view realm,
                                                         std::string_view source) const noexcept {
  // The head has a fixed size and the realm tells its own, so no two lists run together.
  std::array<std::uint8_t, 8> size;
  put_big_endian(size.data(), realm.size(), size.size());
  return crypto::hmac_sha256(
      key_, {head, {reinterpret_cast<const char*>(size.data()), size.size()}, realm, source});
}

std::optional<nonce_issuer::text> nonce_issuer::make(const purpose& of,
                                                     instant now) const noexcept {
  whole bytes;
  std::uint8_t* const moment =
      put_big_endian(bytes.data(), static_cast<std::uint64_t>(of.offer), 1);
  std::uint8_t* const id = put_big_endian(moment, static_cast<std::uint64_t>(ms(now)), moment_size);
  std::uint8_t* const signature = put_big_endian(id, random_bits(), id_size);
  const auto made = sign(head_of(bytes), of.realm, of.source);
  if (!made) return std::nullopt;
  std::copy_n(made->bytes.begin(), signature_size, signature);
  text out;
  write_hex(out.data(), bytes);
  return out;
}

std::optional<nonce_issuer::ticket> nonce_issuer::read(std::string_view nonce,
                                                       std::string_view realm,
                                                       std::string_view source,
                                                       instant now) const noexcept {
  const auto bytes = sip::parse_hex_bytes(nonce);
  if (!bytes || bytes->size != whole_size) return std::nullopt;
  const std::span all = std::span{bytes->bytes}.first(whole_size);
  const auto made = sign(head_of(all), realm, source);
  if (!made ||
      !crypto::is_equal(made->view().first(signature_size), all.subspan(head_size, signature_size)))
    return std::nullopt;
  const std::uint8_t* at = all.data();
  ticket read;
  read.offer = static_cast<qop_offer>(take_big_endian(at, 1));
  read.issued = static_cast<std::int64_t>(take_big_endian(at, moment_size));
  read.id = take_big_endian(at, id_size);
  // One from later than now was made by a shard whose turn began after this one's.
  if (read.issued <= expired(now)) return std::nullopt;
  return read;
}

bool nonce_issuer::take(const ticket& of, std::uint32_t count, instant now) noexcept {
  return counts_.note(of.id, of.issued, expired(now), count) == nonce_counts::use::first;
}

} // namespace tandem::stack
