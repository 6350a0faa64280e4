// SPDX-License-Identifier: Apache-2.0
// What an application is told of a request: a JSON document of version 1, which
// docs/http-route-question.schema.json describes. One thread.
#pragma once

#include <tandem/server/message_context.hpp>

#include <cstdint>
#include <string>

namespace tandem::modules {

/// Whether the body of the request is told.
enum class told_body : std::uint8_t { none, whole };

/// The document. The request is told as the script has edited it, so that what earlier functions
/// have done counts; passwords' answers (Authorization, Proxy-Authorization) are left out. Any
/// bytes make valid JSON: what is no UTF-8 in a header becomes U+FFFD, such a body is in base64.
[[nodiscard]] std::string write_routing_question(const server::message_context& of, told_body body);

} // namespace tandem::modules
