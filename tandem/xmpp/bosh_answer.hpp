// SPDX-License-Identifier: Apache-2.0
// An answer of a BOSH server: the <body/> and what it says (XEP-0124 6, 7, 17). Pure, any thread.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/base/result.hpp>
#include <tandem/xmpp/session_end.hpp>
#include <tandem/xmpp/xml_reader.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::xmpp {

inline constexpr std::string_view httpbind_space = "http://jabber.org/protocol/httpbind";
inline constexpr std::string_view xbosh_space = "urn:xmpp:xbosh";
inline constexpr std::string_view stream_space = "http://etherx.jabber.org/streams";
inline constexpr std::string_view client_space = "jabber:client";
inline constexpr std::string_view stanza_error_space = "urn:ietf:params:xml:ns:xmpp-stanzas";

/// What the server wants of the session, as it answers its creation (XEP-0124 7.2).
struct session_terms {
  std::string sid = {};
  seconds wait{0};            ///< it holds a request for so long at most; 0: not at all
  seconds inactivity{0};      ///< without any request it forgets the session; 0: it did not say
  seconds polling{0};         ///< between two requests of a polling session; 0: it did not say
  seconds maxpause{0};        ///< 0: no pauses
  std::uint32_t requests = 2; ///< at a time
  std::uint32_t hold = 1;     ///< of those it holds so many
  bool acks = false;          ///< it acknowledges requests (XEP-0124 9)

  friend bool operator==(const session_terms&, const session_terms&) = default;
};

struct bosh_answer {
  enum class kind : std::uint8_t { normal, repeat, terminate };
  kind what = kind::normal;                      ///< repeat: type='error' (XEP-0124 17.3)
  session_end condition = session_end::finished; ///< of terminate
  std::string uri = {};                          ///< of see_other_uri
  std::optional<std::uint64_t> report = {};      ///< a request whose answer may have been lost
  session_terms terms = {};                      ///< of the answer to a creation
  std::vector<xml_element> stanzas = {};
};

/// Nothing when it is no XML, or no <body/>.
[[nodiscard]] std::optional<bosh_answer> read_bosh_answer(std::string_view document);

} // namespace tandem::xmpp
