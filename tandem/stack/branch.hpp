// SPDX-License-Identifier: Apache-2.0
// Branch parameters of a proxy (RFC 3261 16.6 step 8, 16.11) with the part that tells a loop from a
// spiral (RFC 5393 4.2). Pure functions, any thread.
#pragma once

#include <tandem/base/hash.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tandem::sip {
class message;
}

namespace tandem::stack {

/// z9hG4bK, 12 letters of what routes the request, a point, 12 letters that are unique, a point,
/// the number of the branch, a point and the number of the shard that responses go home to.
class branch_text {
 public:
  [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), size_}; }
  void put(std::string_view text) noexcept;
  void put_bits(std::uint64_t bits) noexcept; ///< 60 of them
  void put_number(unsigned number) noexcept;

 private:
  std::array<char, 48> text_{};
  std::size_t size_ = 0;
};

/// What decides where a request goes, hashed (RFC 3261 16.6 step 8, RFC 5393 4.2.1).
struct routing_id {
  std::uint64_t all = 0; ///< the rest, Proxy-Require and Proxy-Authorization
  /// Request-URI, Route, Call-ID, From tag and CSeq number: what a request has in common with the
  /// ACK for its failure and with its CANCEL, which the hop before us made (RFC
  /// 3261 9.1, 17.1.1.3).
  std::uint64_t hop = 0;
};

/// Neither the method nor Via nor the To tag counts: the tag that a request gets on its way tells
/// no loop from a spiral. Take it when the request comes in, before it is edited.
[[nodiscard]] routing_id routing_hash(const sip::message& request, const hash_key& secret) noexcept;

/// The request went through this element before and would be routed the same way: 482. A spiral
/// comes back with another Request-URI, a fork upstream does not carry our Via.
[[nodiscard]] bool is_loop(const sip::message& request, const routing_id& routing) noexcept;

/// The branch of client transaction number `index` of a response context.
/// \param unique random, of this transaction alone: a response that has it comes from where the
/// request was seen
/// \param home outbox::shard() of who waits for the response
[[nodiscard]] branch_text make_branch(const routing_id& routing, std::uint64_t unique,
                                      unsigned index, std::uint16_t home) noexcept;

/// The shard that a response with this branch goes home to, whatever a script has made of its
/// Call-ID; nothing when the branch is not of our form. Anybody can write a number here: it is to
/// be compared with the number of shards.
[[nodiscard]] std::optional<std::uint16_t> home_of_branch(std::string_view branch) noexcept;

/// The branch for forwarding without a transaction: a function of the request, so that copies of
/// it, and the ACK and CANCEL of its hop, get the same one (RFC 3261 16.11).
[[nodiscard]] branch_text make_stateless_branch(const sip::message& request,
                                                const routing_id& routing, const hash_key& secret,
                                                std::uint16_t home) noexcept;

/// A response came back to make_stateless_branch's branch: its top Via is ours and the Via below it
/// is that of the request. Only such a response is forwarded without a transaction (RFC 6026 8.9
/// forbids the rest).
[[nodiscard]] bool is_stateless_response(const sip::message& response,
                                         const hash_key& secret) noexcept;

} // namespace tandem::stack
