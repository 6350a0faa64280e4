// SPDX-License-Identifier: Apache-2.0
// The way back of a response to what was forwarded without a transaction: a parameter of our Via
// that says which socket or connection the request came in on, sealed, so that the response leaves
// by it (RFC 3261 16.11, 18.2.2) and nothing is remembered here. Pure, any thread.
#pragma once

#include <tandem/base/hash.hpp>
#include <tandem/stack/flow_token.hpp>

#include <array>
#include <optional>
#include <string_view>

namespace tandem::sip {
struct via;
}

namespace tandem::stack {

/// The parameter in our Via.
inline constexpr std::string_view return_parameter = "tdback";

/// Its value: a flow token and a mark of 12 letters.
class stateless_return {
 public:
  /// No parameter: its text is empty.
  stateless_return() noexcept = default;
  /// \param branch of the Via that it will stand in, and no other
  stateless_return(const arrival& from, std::string_view branch, const hash_key& secret) noexcept;

  [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), size_}; }

  /// The flow that it names; nothing when it is not one of ours for the branch of that Via.
  [[nodiscard]] static std::optional<flow_handle> flow_of(const sip::via& ours,
                                                          const hash_key& secret) noexcept;

 private:
  std::array<char, 80> text_{}; ///< the longest token has 66
  std::size_t size_ = 0;
};

} // namespace tandem::stack
