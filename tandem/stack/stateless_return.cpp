// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/stateless_return.hpp>

#include <tandem/base/letters.hpp>
#include <tandem/sip/via.hpp>

#include <algorithm>

namespace tandem::stack {

namespace {

constexpr std::size_t mark_size = 12;

std::array<char, mark_size> mark_of(std::string_view token, std::string_view branch,
                                    const hash_key& secret) noexcept {
  constexpr std::uint64_t kind = 0x72657475726e; // "return": no other hash of the secret is like it
  std::array<char, mark_size> mark;
  write_letters(mark.data(), keyed_hash(secret, token, branch, kind), mark.size());
  return mark;
}

} // namespace

stateless_return::stateless_return(const arrival& from, std::string_view branch,
                                   const hash_key& secret) noexcept {
  target way;
  way.transport = from.transport;
  way.flow = from.flow;
  way.address = from.source;
  const flow_token token{way};
  const auto mark = mark_of(token.view(), branch, secret);
  char* const end = std::ranges::copy(token.view(), text_.data()).out;
  size_ = static_cast<std::size_t>(std::ranges::copy(mark, end).out - text_.data());
}

std::optional<flow_handle> stateless_return::flow_of(const sip::via& ours,
                                                     const hash_key& secret) noexcept {
  const std::string_view value = ours.params.value(return_parameter);
  if (value.size() <= mark_size) return std::nullopt;
  const std::string_view token = value.substr(0, value.size() - mark_size);
  const auto mark = mark_of(token, ours.branch(), secret);
  if (value.substr(token.size()) != std::string_view{mark.data(), mark.size()}) return std::nullopt;
  const auto way = flow_token::parse(token);
  return way ? std::optional{way->flow} : std::nullopt;
}

} // namespace tandem::stack
