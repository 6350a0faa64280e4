// SPDX-License-Identifier: Apache-2.0
// The entries that this element puts into Record-Route (RFC 3261 16.6 step 4, RFC 5658), what it
// makes of them in the response (16.7 step 8), and what it reads in them when they come back as
// Route. Functions over a message, any thread.
#pragma once

#include <tandem/base/hash.hpp>
#include <tandem/stack/flow_token.hpp>
#include <tandem/stack/refreshed_targets.hpp>
#include <tandem/stack/target.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace tandem::sip {
class message;
class uri;
} // namespace tandem::sip

namespace tandem::stack {

/// How entries are written.
struct record_route_rules {
  bool append_fromtag = true;  ///< ;ftag=
  bool enable_full_lr = false; ///< ;lr=on instead of ;lr
  bool enable_double_rr =
      true;                  ///< two entries where the request leaves by another way than it came
  bool add_username = false; ///< the user of the Request-URI, as SER put it there
};

/// What an entry says.
struct route_entry {
  std::string_view user;    ///< empty for none
  std::string_view sent_by; ///< host and port of the listener
  transport_kind transport = transport_kind::udp;
};

/// Puts an entry on top of those there are; it has its mark when seal_record_route() was called.
/// \param calling the way back to the calling party, where its Contact does not lead there (a
///                phone behind a NAT)
/// \return false when the message takes no more
[[nodiscard]] bool push_record_route(sip::message& request, const record_route_rules& rules,
                                     const route_entry& entry, const flow_token& calling = {});

/// Completes the entry of push_record_route() in the copy for one target.
/// \param second another entry for where the copy leaves: it names another transport or address
///               than the first (RFC 5658); null for none
/// \param called the way to the called party, where its Contact does not lead there
/// \return false when the message takes no more
[[nodiscard]] bool record_way(sip::message& copy, const record_route_rules& rules,
                              const route_entry* second, const flow_token& called);

/// Writes the marks of the entries on top, which are ours: for the called party, they lead to the
/// calling one and to nobody else. Call it when the message is as it will leave; again when it
/// was changed. \return false when the message takes no more
bool seal_record_route(sip::message& request, const hash_key& secret);

/// RFC 3261 16.7 step 8: makes of each entry of ours one for the calling party. In a response that
/// sets up a dialog it leads to the called party, in any other to nobody. Entries that are not
/// ours, forged ones among them, stay as they are.
void turn_record_route(sip::message& response, const hash_key& secret);

/// What the entry shows that take_own_route() took from a request.
struct followed_route {
  /// It was made here for this dialog, and the request goes to the other party of it.
  bool is_ours = false;
  std::optional<target> flow; ///< the way to that party, where it is not by the Request-URI
};

/// \param request     as take_own_route() has left it
/// \param request_uri of it, parsed
/// \param own_params  of the entry, as take_own_route() gave them
/// \param moved       those that may be elsewhere than the mark says
[[nodiscard]] followed_route follow_own_route(const sip::message& request,
                                              const sip::uri& request_uri,
                                              std::string_view own_params, const hash_key& secret,
                                              const refreshed_targets& moved) noexcept;

/// Notes where the sender of a message of a dialog is from now on, by its Contact (RFC 3261 12.2):
/// of a request its From, of a response its To.
void note_refresh(const sip::message& message, const hash_key& secret, refreshed_targets& moved);

} // namespace tandem::stack
