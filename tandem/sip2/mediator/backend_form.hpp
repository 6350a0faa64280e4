// SPDX-License-Identifier: Apache-2.0
// The HTTP request that carries one message to a library system (docs/sip2-backend.md, "The
// request"). Pure, any thread.
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

} // namespace tandem::sip2
