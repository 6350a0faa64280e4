// SPDX-License-Identifier: Apache-2.0
// The HTTP request that carries one message to a library system, and what is read out of its answer
// (docs/sip2-backend.md, "The request", "The answer"). Pure, any thread.
#pragma once

#include <tandem/http/message.hpp>
#include <tandem/sip2/mediator/backend.hpp>
#include <tandem/sip2/mediator/backend_pool.hpp>

#include <string_view>

namespace tandem::sip2 {

/// The message as a form by POST, or in the query of a GET.
/// \param path of the back-end's URL; may have a query of its own.
[[nodiscard]] http::request make_form_request(const backend_pool_options& options,
                                              std::string_view path, const backend_request& r);

/// The message in the body of a 200 answer; its fault is unusable.
[[nodiscard]] backend_reply read_json_answer(std::string_view body, const json_rules& rules);

} // namespace tandem::sip2
