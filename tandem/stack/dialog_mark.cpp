// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/dialog_mark.hpp>

#include <tandem/base/text.hpp>
#include <tandem/sip/name_addr.hpp>
#include <tandem/sip/uri.hpp>

#include <cstring>

namespace tandem::stack {

namespace {

/// A hash over numbers that are hashes themselves, and a text.
std::uint64_t hash_of(const hash_key& secret, std::uint64_t a, std::uint64_t b,
                      std::string_view text) noexcept {
  std::array<char, 2 * sizeof(std::uint64_t)> numbers;
  std::memcpy(numbers.data(), &a, sizeof a);
  std::memcpy(numbers.data() + sizeof a, &b, sizeof b);
  return keyed_hash(secret, {numbers.data(), numbers.size()}, text);
}

/// The same for all spellings of a host name.
std::uint64_t hash_of_host(const hash_key& secret, std::string_view host,
                           std::uint64_t more) noexcept {
  std::array<char, 256> lower;
  if (host.size() > lower.size()) return keyed_hash(secret, host, {}, more);
  for (std::size_t i = 0; i < host.size(); ++i) lower[i] = to_lower(host[i]);
  return keyed_hash(secret, {lower.data(), host.size()}, {}, more);
}

// The parts of a mark are hashes of different kinds.
constexpr std::string_view dialog_kind = "did";
constexpr std::uint64_t target_kind = 1;
constexpr std::uint64_t hop_kind = 2;

} // namespace

std::uint64_t place_of(const sip::uri& uri, const hash_key& secret) noexcept {
  if (!uri.is_sip()) return keyed_hash(secret, uri.text()) | 1;
  const auto maddr = uri.maddr();
  std::uint64_t place =
      hash_of_host(secret, uri.transport(), static_cast<std::uint64_t>(uri.scheme()));
  place = hash_of_host(secret, maddr ? maddr->text : std::string_view{}, place);
  place = hash_of_host(secret, uri.host().text, place);
  return hash_of(secret, place, uri.port().value_or(0), uri.user()) | 1;
}

std::uint64_t place_of(std::string_view address, const hash_key& secret) noexcept {
  const auto parsed = sip::name_addr::parse(address);
  return parsed ? place_of(parsed->address, secret) : no_place;
}

dialog_mark::dialog_mark(const marked_dialog& of, const hash_key& secret) noexcept
    : secret_{secret}, dialog_{keyed_hash(secret, of.call_id, of.calling_tag,
                                          keyed_hash(secret, of.calling_flow, of.called_flow,
                                                     keyed_hash(secret, dialog_kind)))} {
  write(0, dialog_);
}

void dialog_mark::lead_to(std::string_view called_tag, std::uint64_t target,
                          std::uint64_t hop) noexcept {
  write(part, hash_of(secret_, dialog_ ^ target_kind, target, called_tag));
  write(2 * part, hash_of(secret_, dialog_ ^ hop_kind, hop, called_tag));
}

void dialog_mark::write(std::size_t at, std::uint64_t bits) noexcept {
  bits >>= 24;
  for (std::size_t i = part; i-- > 0; bits >>= 4) text_[at + i] = "0123456789abcdef"[bits & 15];
}

} // namespace tandem::stack
