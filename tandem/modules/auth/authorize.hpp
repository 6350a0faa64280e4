// SPDX-License-Identifier: Apache-2.0
// Who is let in: credentials are read, the account is looked up, perhaps with a wait, and the
// verdict decides (RFC 3261 22). On the shard of the message.
#pragma once

#include <tandem/script/registry.hpp>
#include <tandem/server/message_context.hpp>
#include <tandem/stack/authentication.hpp>

#include <string_view>

namespace tandem::modules {

/// The realm that a function names, or, when it names none, the host of To in a REGISTER, else of
/// From, if that is ours. Empty when it is not. Lives as long as the text and the message.
[[nodiscard]] std::string_view realm_of(const server::message_context& m, std::string_view named);

/// What is protected, for this request. Views the realm and the message.
[[nodiscard]] stack::protection_space space_of(const server::message_context& m,
                                               stack::challenger by, std::string_view realm);

/// www_authorize(), proxy_authorize(): yes for ACK and CANCEL, which are never asked, and for who
/// was let in to the same realm and table before. Answers 400, 500 and 503 itself, and leaves.
script::outcome authorize(server::message_context& m, stack::challenger by, std::string_view realm,
                          std::string_view table);

/// pv_www_authenticate(), pv_proxy_authenticate(): the same with a password of the script's.
enum class given_secret : std::uint8_t { password, ha1 };
script::outcome authenticate(server::message_context& m, stack::challenger by,
                             std::string_view realm, std::string_view secret, given_secret kind);

/// www_challenge(), proxy_challenge(): answers 401 or 407, and leaves; ACK and CANCEL get nothing.
script::outcome challenge(server::message_context& m, stack::challenger by, std::string_view realm,
                          stack::qop_offer offer);

} // namespace tandem::modules
