// SPDX-License-Identifier: Apache-2.0
// The states of a phone, by the names that they have had since perl-bosh, and the presence that
// shows them. An edge that its graph does not have is repaired, never refused: who tells of it may
// have lost what came before. Values, one thread for each object.
#pragma once

#include <tandem/xmpp/presence.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tandem::xmpp {

enum class phone_state : std::uint8_t {
  offline,            ///< it has gone
  online,             ///< it has come
  still_online,       ///< it was refreshed, or its call has ended
  on_the_phone,       ///< it is in a call
  still_on_the_phone, ///< the call was refreshed
};

/// "offline", "online", "still-online", "onthephone", "still-onthephone".
[[nodiscard]] std::string_view to_string(phone_state state) noexcept;
/// Nothing for any other word.
[[nodiscard]] std::optional<phone_state> phone_state_of(std::string_view word) noexcept;

/// What is shown.
struct phone_style {
  presence online{.is_available = true};
  presence on_the_phone{
      .is_available = true, .show = presence_show::away, .status = "On the phone."};

  /// With the priorities of perl-bosh, 0 and 90. During a call all messages to the user's bare
  /// address go to the phone, which nobody reads; without another client online they always do.
  [[nodiscard]] static phone_style with_seed_priorities();
};

class phone_presence {
 public:
  explicit phone_presence(phone_style style = {}) : style_{std::move(style)} {}

  struct step {
    phone_state now = phone_state::offline; ///< the state that it means, after what was before
    bool is_repaired = false;               ///< the graph has no edge to what was told
    bool is_news = false;                   ///< shown() has changed
  };
  /// The phone is said to be in that state.
  step take(phone_state told) noexcept;

  [[nodiscard]] phone_state state() const noexcept { return state_; }
  /// What shows the state.
  [[nodiscard]] const presence& shown() const noexcept;

 private:
  phone_style style_;
  phone_state state_ = phone_state::offline;
};

/// What tells the phones of one user apart.
struct phone_identity {
  std::string label = {};      ///< that an operator gave it
  std::string user_agent = {}; ///< as it registers
  std::string instance = {};   ///< +sip.instance (RFC 5626 4.1), else user and host of its contact
};

inline constexpr std::string_view only_phone = "SIP-phone"; ///< of a user with one phone

/// The resource of a phone. {label}, {ua} (the first word of it) and {hash6} (six digits made of
/// the instance) of the template are filled in; a label that is empty is the hash. \return nothing
/// when the template has another word in braces, or makes no resource
[[nodiscard]] std::optional<std::string> make_resource(std::string_view from,
                                                       const phone_identity& of);

} // namespace tandem::xmpp
