// SPDX-License-Identifier: Apache-2.0
// What to answer to a message that parses but must not be processed (RFC 3261 8.2, 16.3, 10.3,
// RFC 4475). Apart from parsing, since a message that was refused by the parser cannot be answered.
// Pure functions, any thread.
#pragma once

#include <tandem/sip/message.hpp>
#include <tandem/sip/params.hpp>
#include <tandem/sip/uri.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tandem::sip {

/// In whose place a message is judged.
enum class role : std::uint8_t {
  user_agent, ///< RFC 3261 8.1.3, 8.2
  proxy,      ///< RFC 3261 16.3
  registrar,  ///< RFC 3261 10.3
};

/// What the element understands. Without option tags none is understood; the other lists, when they
/// are empty, are not asked about.
struct supported_sets {
  std::span<const std::string_view> option_tags{};       ///< of Require, for a proxy Proxy-Require
  std::span<const std::string_view> uri_schemes{};       ///< of a Request-URI
  std::span<const std::string_view> content_types{};     ///< "type/subtype" of bodies, both ways
  std::span<const std::string_view> content_encodings{}; ///< "identity" is always understood
  std::span<const std::string_view> auth_schemes{};      ///< one of them is asked of each request
};

/// The answer that is owed. Status 0 means: drop the message without one, as for a response and for
/// an ACK.
struct rejection {
  int status = 0;
  /// What is wrong, for the reason phrase (RFC 3261 21.4.1): "Bad To: missing '>'". No quotes and
  /// no byte of the message is in it.
  std::string reason;
  /// To be added to the answer with `value` (420: Unsupported, 415: Accept ...); unknown for none.
  /// For 401 and 407 the challenge is for who answers to make.
  header_id header = header_id::unknown;
  std::string value;

  [[nodiscard]] bool is_silent() const noexcept { return status == 0; }
};

/// What validate() reads on its way, so that nobody parses it again.
struct read_values {
  std::optional<uri> target; ///< the Request-URI, a view into the message as it is now
};

/// What is owed to the message in that role; nothing when it may be processed. A proxy checks what
/// it routes by and lets the rest pass (RFC 3261 16.3).
/// \param read gets what was read until a fault was found; null where nobody asks
[[nodiscard]] std::optional<rejection> validate(const message& msg, role as,
                                                const supported_sets& supported = {},
                                                read_values* read = nullptr);

/// Why a response must be dropped, whoever it is for (RFC 3261 8.1.3.3, 16.7, 18.3); nothing when
/// it may be processed. It asks for what a response is matched by alone, which is read once, and
/// that none of these lines stands twice: cheap enough for every response.
[[nodiscard]] std::optional<std::string_view> fault_of_response(const message& response) noexcept;

/// A parameter stands twice, and not every parser takes the same one (RFC 3261 7.3.1).
[[nodiscard]] bool has_repeated(const params& all) noexcept;

/// The status owed to a request with this fault: 400, 505 or 513; and the reason phrase.
[[nodiscard]] int status_owed(parse_errc code) noexcept;
[[nodiscard]] std::string_view reason_owed(parse_errc code) noexcept;

} // namespace tandem::sip
