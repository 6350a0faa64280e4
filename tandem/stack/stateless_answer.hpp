// SPDX-License-Identifier: Apache-2.0
// Answers of our own (RFC 3261 8.2.6), and those that are sent without a transaction
// (8.2.7, 16.11): what every one has, how large it may be, what is never answered, and where an
// answer goes. Any thread that may use the outbox.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/base/hash.hpp>
#include <tandem/sip/response_writer.hpp>
#include <tandem/stack/outbox.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace tandem::stack {

/// What became of an answer.
enum class answer_fate : std::uint8_t {
  sent,
  not_owed,   ///< nobody waits for one: nothing was sent
  impossible, ///< it could not be written, or nobody knows where it goes: nothing was sent
};

/// Somebody waits for an answer: to an ACK (RFC 3261 17) and to a response there is none.
[[nodiscard]] bool is_answered(const sip::message& request) noexcept;

/// Begins an answer: what every one has, with the To tag that this element gives to all copies of
/// the request (RFC 3261 8.2.7), but for a 100 and where the request has a tag (8.2.6.2).
/// \param request as it arrived
/// \param reason the default one when it is empty
/// \param secret of the transaction layer
[[nodiscard]] sip::response_writer begin_answer(const sip::message& request, int status,
                                                std::string_view reason, const hash_key& secret);

/// Tells a client that is refused for now when to come again, in whole seconds (RFC 3261 21.5.4).
void add_retry_after(sip::response_writer& made, duration wait);

/// Ends an answer that begin_answer began for this request. One that is larger than answer_limit
/// lets it be loses what was added; a success that would, becomes a 500. `made` is then that one.
/// None where it cannot be written.
[[nodiscard]] wire_message finish_answer(sip::response_writer& made, const sip::message& request,
                                         const arrival& from, const hash_key& secret);

/// Sends a finished answer without a transaction: by the socket or the connection that the request
/// came in on, to where its Via and its source say (answer_target).
answer_fate send_stateless(outbox& out, const sip::message& request, const arrival& from,
                           const wire_message& answer);

/// Makes and sends an answer that has no more than every one has.
/// \param retry_after for an answer that refuses for now
answer_fate answer_stateless(outbox& out, const sip::message& request, const arrival& from,
                             int status, std::string_view reason, const hash_key& secret,
                             std::optional<duration> retry_after = std::nullopt);

} // namespace tandem::stack
