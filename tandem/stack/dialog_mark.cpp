// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/dialog_mark.hpp>

#include <tandem/base/hex.hpp>
#include <tandem/base/text.hpp>
#include <tandem/sip/name_addr.hpp>
#include <tandem/sip/uri.hpp>

namespace tandem::stack {

namespace {

/// Adds a text that means the same in any letter case.
void add_folded(keyed_hasher& hash, std::string_view text) noexcept {
  std::array<char, 256> lower;
  if (text.size() <= lower.size()) {
    for (std::size_t i = 0; i < text.size(); ++i) lower[i] = to_lower(text[i]);
    text = {lower.data(), text.size()};
  }
  hash.add(text);
}

// The parts of a mark are hashes of different kinds.
constexpr std::uint64_t dialog_kind = 0x646964; // "did": no other hash of the secret is like it
constexpr std::uint64_t target_kind = 1;
constexpr std::uint64_t hop_kind = 2;

} // namespace

std::uint64_t place_of(const sip::uri& uri, const hash_key& secret) noexcept {
  keyed_hasher hash{secret};
  const auto scheme = static_cast<std::uint64_t>(uri.scheme());
  if (!uri.is_sip()) return hash.add(scheme).add(uri.text()).finish() | 1;
  const std::string_view transport = uri.transport();
  const std::string_view maddr = uri.maddr_text();
  const auto is_there = [](std::string_view text) { return std::uint64_t{!text.empty()}; };
  // One word says what follows, so that what is mostly missing costs nothing.
  hash.add(scheme | is_there(transport) << 8 | is_there(maddr) << 9 |
           std::uint64_t{uri.port().value_or(0)} << 16);
  hash.add(uri.user());
  const sip::host_view host = uri.host();
  if (host.kind == sip::host_kind::ipv4) // which has no letters
    hash.add(host.text);
  else
    add_folded(hash, host.text);
  if (!transport.empty()) add_folded(hash, transport);
  if (!maddr.empty()) add_folded(hash, maddr);
  return hash.finish() | 1;
}

std::uint64_t place_of(std::string_view text, const hash_key& secret) noexcept {
  sip::name_addr first;
  return first.assign_first(text) ? no_place : place_of(first.address, secret);
}

dialog_mark::dialog_mark(const marked_dialog& of, const hash_key& secret) noexcept
    : secret_{secret}, dialog_{keyed_hasher{secret}
                                   .add(dialog_kind)
                                   .add(of.calling_flow)
                                   .add(of.called_flow)
                                   .add(of.call_id)
                                   .add(of.calling_tag)
                                   .finish()} {
  write(0, dialog_);
}

void dialog_mark::lead_to(std::string_view called_tag, std::uint64_t target,
                          std::uint64_t hop) noexcept {
  const keyed_hasher common = keyed_hasher{secret_}.add(dialog_).add(called_tag);
  const auto hash_of = [&common](std::uint64_t kind, std::uint64_t place) {
    return keyed_hasher{common}.add(kind).add(place).finish();
  };
  write(part, hash_of(target_kind, target));
  write(2 * part, hash_of(hop_kind, hop));
}

void dialog_mark::write(std::size_t at, std::uint64_t bits) noexcept {
  static_assert(part % 2 == 0);
  bits >>= 64 - 4 * part;
  for (std::size_t i = part; i > 0; bits >>= 8) {
    i -= 2;
    write_hex(&text_[at + i], static_cast<std::uint8_t>(bits));
  }
}

} // namespace tandem::stack
