// SPDX-License-Identifier: Apache-2.0
// What the DNS says of services, as values: whoever asks and whoever decides speak about it.
// Any thread.
#pragma once

#include <tandem/base/ip_address.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace tandem {

/// RFC 2782: where a service is.
struct srv_record {
  std::uint16_t priority = 0; ///< the smallest goes first
  std::uint16_t weight = 0;   ///< share among those of equal priority
  std::uint16_t port = 0;
  std::string target; ///< a host name in lower case; empty for ".": there is no such service
};

/// RFC 3403 4: which services a domain has.
struct naptr_record {
  std::uint16_t order = 0;      ///< the smallest goes first, and decides
  std::uint16_t preference = 0; ///< among those of equal order, the smallest goes first
  std::string flags;            ///< as written
  std::string services;         ///< as written
  bool has_regexp = false;      ///< there is a rule that rewrites, which is not kept
  std::string replacement;      ///< a name in lower case; empty for "."
};

/// The answer to one question. Only what was asked for is in it.
struct dns_records {
  std::vector<ip_address> addresses;  ///< as the name server has them
  std::vector<srv_record> servers;    ///< the smallest priority first
  std::vector<naptr_record> services; ///< the smallest order and preference first

  [[nodiscard]] bool empty() const noexcept {
    return addresses.empty() && servers.empty() && services.empty();
  }
};

} // namespace tandem
