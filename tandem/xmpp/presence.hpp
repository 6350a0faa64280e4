// SPDX-License-Identifier: Apache-2.0
// Presence as a resource shows it (RFC 6121 4.7). Values, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tandem::xmpp {

enum class presence_show : std::uint8_t { none, away, chat, dnd, xa };

/// As in <show/>; empty for none.
[[nodiscard]] std::string_view to_string(presence_show show) noexcept;
/// Nothing for a word that RFC 6121 4.7.2.1 does not know; "" is none.
[[nodiscard]] std::optional<presence_show> presence_show_of(std::string_view word) noexcept;

struct presence {
  bool is_available = false;
  presence_show show = presence_show::none;
  std::string status = {}; ///< for people; at most 1,000 bytes of it are sent
  /// RFC 6121 4.7.2.3. Negative: no message to the user's bare address ends here, where nobody
  /// reads it.
  std::int8_t priority = -1;

  friend bool operator==(const presence&, const presence&) = default;
};

/// The stanza. \param id counted by who sends it; left out of unavailable presence, as always here
[[nodiscard]] std::string write_presence(const presence& shown, std::uint64_t id);

} // namespace tandem::xmpp
