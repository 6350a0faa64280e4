// SPDX-License-Identifier: Apache-2.0
// Where requests within a dialog go, as the response that set it up tells the caller (RFC 3261
// 12.1.2, 12.2.1.1). Pure, any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace tandem::sip {
class message;
}

namespace tandem::stack {

/// Request-URI and Route of a request within a dialog.
struct dialog_route {
  std::string uri;                 ///< its Request-URI: the remote target, or a strict router
  std::string next_hop;            ///< URI that it is sent to
  std::vector<std::string> routes; ///< values of Route, in order
};

/// What a 2xx says to who asked. Nothing without a Contact that names a URI.
[[nodiscard]] std::optional<dialog_route> dialog_route_of(const sip::message& success);

} // namespace tandem::stack
