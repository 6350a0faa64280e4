// SPDX-License-Identifier: Apache-2.0
// What makes two messages one transaction (RFC 3261 17.1.3, 17.2.3), as 64-bit keyed hashes. A
// branch with the magic cookie counts with sent-by and method; a request without it is matched by
// its RFC 2543 parts. Pure functions, any thread.
#pragma once

#include <tandem/base/hash.hpp>
#include <tandem/stack/target.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tandem::sip {
class message;
}

namespace tandem::stack {

/// The keys of a request as it came, its Via completed and nothing else edited. Nothing when there
/// is no readable top Via.
[[nodiscard]] std::optional<request_keys> keys_of_request(const sip::message& request,
                                                          const hash_key& secret) noexcept;

/// Of its Call-ID: what requests of one call wait by.
[[nodiscard]] std::uint64_t call_key(const sip::message& request, const hash_key& secret) noexcept;

/// The client transaction that a response answers; nothing when Via or CSeq cannot be read.
[[nodiscard]] std::optional<std::uint64_t> key_of_response(const sip::message& response,
                                                           const hash_key& secret) noexcept;

/// The client transaction with this branch and method.
[[nodiscard]] std::uint64_t client_key(std::string_view branch, std::string_view method,
                                       const hash_key& secret) noexcept;

/// The client transaction whose request begins so, as an ICMP error quotes it: its first lines,
/// perhaps cut, as we wrote them. Nothing when the branch of the first Via is not in it.
[[nodiscard]] std::optional<std::uint64_t> key_of_quoted_request(std::string_view quoted,
                                                                 const hash_key& secret) noexcept;

/// The server transaction whose response begins so, likewise. Nothing when it is cut before what
/// names the transaction, or when its branch lacks the magic cookie.
[[nodiscard]] std::optional<std::uint64_t> key_of_quoted_response(std::string_view quoted,
                                                                  const hash_key& secret);

/// A tag of 60 bits in 12 characters.
struct local_tag {
  std::array<char, 12> text{};
  [[nodiscard]] std::string_view view() const noexcept { return {text.data(), text.size()}; }
};

/// The tag that the element under this secret gives to a request without one: a function of its
/// Call-ID, From tag and CSeq number, so that stateless answers to its copies agree (RFC 3261
/// 8.2.7), its CANCEL is answered with the same one (9.2), and the ACK for a stateless answer is
/// known by it, whatever branch the client gave that.
[[nodiscard]] local_tag local_tag_of(const sip::message& request, const hash_key& secret) noexcept;

} // namespace tandem::stack
