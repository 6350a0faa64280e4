// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/dialog_mark.hpp>

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
  hash.add(static_cast<std::uint64_t>(uri.scheme()));
  if (!uri.is_sip()) return hash.add(uri.text()).finish() | 1;
  std::string_view transport;
  std::string_view maddr;
  for (const sip::uri_param& each : uri.params()) {
    if (transport.empty() && each.is("transport")) transport = each.value;
    if (maddr.empty() && each.is("maddr")) maddr = each.value;
  }
  hash.add(uri.port().value_or(0)).add(uri.user());
  add_folded(hash, uri.host().text);
  add_folded(hash, transport);
  add_folded(hash, maddr);
  return hash.finish() | 1;
}

std::uint64_t place_of(std::string_view address, const hash_key& secret) noexcept {
  const auto parsed = sip::name_addr::parse(address);
  return parsed ? place_of(parsed->address, secret) : no_place;
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
  const auto hash_of = [&](std::uint64_t kind, std::uint64_t place) {
    return keyed_hasher{secret_}.add(kind).add(dialog_).add(place).add(called_tag).finish();
  };
  write(part, hash_of(target_kind, target));
  write(2 * part, hash_of(hop_kind, hop));
}

void dialog_mark::write(std::size_t at, std::uint64_t bits) noexcept {
  bits >>= 24;
  for (std::size_t i = part; i-- > 0; bits >>= 4) text_[at + i] = "0123456789abcdef"[bits & 15];
}

} // namespace tandem::stack
