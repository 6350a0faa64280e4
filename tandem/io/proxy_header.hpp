// SPDX-License-Identifier: Apache-2.0
// The PROXY protocol, versions 1 and 2, with which a load balancer tells whose connection it hands
// on (the specification of HAProxy, "The PROXY protocol", versions 1 & 2). Pure, any thread.
#pragma once

#include <tandem/base/ip_address.hpp>

#include <cstddef>
#include <string_view>

namespace tandem::io {

struct proxy_header {
  enum class verdict { need_more, complete, invalid };
  verdict status = verdict::need_more;
  std::size_t size = 0;  ///< bytes of the header, when it is complete
  socket_address client; ///< none when the balancer speaks for itself (UNKNOWN, LOCAL)
};

/// The longest header that is accepted: version 2 may carry extensions.
inline constexpr std::size_t longest_proxy_header = 1024;

/// Reads the header at the front of a connection's first bytes.
[[nodiscard]] proxy_header read_proxy_header(std::string_view bytes) noexcept;

} // namespace tandem::io
