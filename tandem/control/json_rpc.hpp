// SPDX-License-Identifier: Apache-2.0
// JSON-RPC 2.0 (jsonrpc.org/specification) to a command registry: as text to text for any carrier,
// and over HTTP. The thread of the registry.
#pragma once

#include <tandem/control/command_registry.hpp>
#include <tandem/http/server.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tandem::control {

/// Most requests in one batch.
inline constexpr std::size_t most_in_batch = 100;

/// What a carrier does with an answer; one of the two is called, once.
struct json_rpc_taker {
  /// The whole answer, or nothing when the text held only notifications.
  std::function<void(std::optional<std::string>)> whole;
  /// The answer to one request whose reply is a long list. Null: see reply_taker.
  std::function<void(std::shared_ptr<http::body_source>)> in_pieces = {};
};

/// Answers one JSON-RPC text: a request, a notification or a batch.
/// \param registry must outlive the answers of its commands.
/// \param by who asks, with the role that the carrier has found out
/// \param done gets the answer, perhaps before this returns. Of a batch the lists are collected.
void answer_json_rpc(command_registry& registry, std::string_view text, const caller& by,
                     json_rpc_taker done);

/// Serves JSON-RPC by POST at `path` to whoever shows one of the tokens as bearer token; what he
/// may do is in its role. Without any token nobody may. \param tokens outlive the server, and may
/// change on its thread
void serve_json_rpc(http::server& server, command_registry& registry, const access_tokens& tokens,
                    const std::string& path = "/rpc");

/// A value as JSON of printable ASCII alone, whatever bytes peers have brought into it.
[[nodiscard]] std::string to_json_text(const boost::json::value& v);

/// The text of a request with arguments by name or position, for clients.
[[nodiscard]] std::string make_json_rpc_request(std::string_view command,
                                                const boost::json::value& arguments,
                                                std::int64_t id = 1);

/// The result in a response to one request, or its error; parse_error when it is none.
[[nodiscard]] command_reply read_json_rpc_response(std::string_view text);

} // namespace tandem::control
