// SPDX-License-Identifier: Apache-2.0
// Why a socket cannot be bound or listen, for the operator. Any thread.
#pragma once

#include <tandem/base/ip_address.hpp>

#include <string>
#include <string_view>

namespace tandem::io {

/// "cannot bind to 127.0.0.1:5060: Address already in use", and what to do about it where that is
/// known.
/// \param what "bind to", "listen at"
/// \param error an errno
[[nodiscard]] std::string bind_failure(std::string_view what, const socket_address& at, int error);

} // namespace tandem::io
