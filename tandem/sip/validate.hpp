// SPDX-License-Identifier: Apache-2.0
// What to answer to a message that parses but must not be processed (RFC 3261 8.2, 16.3, 10.3,
// RFC 4475). Apart from parsing, since a message that was refused by the parser cannot be answered.
// Pure functions, any thread; views point into what was given.
#pragma once

#include <tandem/sip/message.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace tandem::sip {

/// In whose place a request is judged.
enum class role : std::uint8_t {
  user_agent, ///< RFC 3261 8.2
  proxy,      ///< RFC 3261 16.3
  registrar,  ///< RFC 3261 10.3
};

/// What the element understands. An empty list of schemes, types or encodings means: whatever.
struct supported_sets {
  std::span<const std::string_view> option_tags{};       ///< for Require or Proxy-Require
  std::span<const std::string_view> uri_schemes{};       ///< of a Request-URI
  std::span<const std::string_view> content_types{};     ///< "type/subtype" of bodies
  std::span<const std::string_view> content_encodings{}; ///< "identity" is always understood
};

/// The answer that is owed: status and reason, and the header that goes with it (420: Unsupported,
/// 415: Accept ...). A response that must not be processed has status 0: drop it.
struct rejection {
  int status = 0;
  std::string_view reason;
  header_id header = header_id::unknown; ///< to be added to the answer; unknown for none
  std::string_view value;                ///< its value

  /// Drop it without an answer: a response, or an ACK.
  [[nodiscard]] bool is_silent() const noexcept { return status == 0; }
};

/// What is owed to the message in that role; nothing when it may be processed.
[[nodiscard]] std::optional<rejection> validate(const message& msg, role as,
                                                const supported_sets& supported = {});

/// The status owed to a request with this fault: 400, 505 or 513.
[[nodiscard]] int status_owed(parse_errc code) noexcept;

} // namespace tandem::sip
