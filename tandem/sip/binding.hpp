// SPDX-License-Identifier: Apache-2.0
// One contact of an address of record (RFC 3261 10), as a REGISTER says it and as a location shows
// it. A value whose texts are views: who hands it out says how long they live.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/base/flow_handle.hpp>
#include <tandem/base/ip_address.hpp>
#include <tandem/base/transport_kind.hpp>

#include <boost/container/static_vector.hpp>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tandem::sip {

/// What is known of a contact besides its texts.
struct binding_facts {
  std::uint32_t likeness = 0; ///< of the URI (see likeness()); equal for equivalent URIs
  std::uint32_t cseq = 0;     ///< of the REGISTER that wrote it last
  std::uint32_t paid =
      0;               ///< its share of the bytes of that REGISTER; a location gives them out once
  std::uint16_t q = 0; ///< preference in thousandths
  std::uint16_t flags = 0;                        ///< the script's own
  transport_kind transport = transport_kind::udp; ///< of `received`
  flow_handle flow{};        ///< the connection or the socket of ours that it came in on
  instant expires{};         ///< instant::max(): permanent, which no phone asks for
  instant modified{};        ///< when it was last written
  socket_address received{}; ///< where the REGISTER came from, as the server saw it

  [[nodiscard]] bool is_live(instant now) const noexcept { return expires > now; }
};

struct binding : binding_facts {
  std::string_view contact{};    ///< the URI as it was registered, without angle brackets
  std::string_view parameters{}; ///< behind it, each with its semicolon, without q and expires
  std::string_view path{};       ///< values of the Path headers (RFC 3327), empty for none
  std::string_view call_id{};    ///< of the REGISTER, for the order of RFC 3261 10.3 step 7
  std::string_view user_agent{}; ///< for those who look at the location

  /// What it has besides texts, for who keeps those elsewhere.
  [[nodiscard]] const binding_facts& facts() const noexcept { return *this; }
};

/// What becomes of one contact: it is added, replaced in its place, or removed.
struct binding_edit {
  std::optional<std::size_t> old; ///< which of those there are; none: a new contact
  const binding* put = nullptr;   ///< what stands there from now on; null: nothing
};

/// An address of record has no more contacts than this: as many as a request is forked to.
inline constexpr std::size_t most_bindings = 32;
/// A REGISTER names no more contacts than this; RFC 3261 sets no limit, sanity does.
inline constexpr std::size_t most_contacts = 32;

using binding_edits = boost::container::static_vector<binding_edit, most_bindings + most_contacts>;

} // namespace tandem::sip
