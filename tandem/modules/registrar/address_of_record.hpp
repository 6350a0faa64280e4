// SPDX-License-Identifier: Apache-2.0
// The key of a user in a location table (RFC 3261 10.3 step 5: canonical form of the To URI). A
// value of one call, any thread.
#pragma once

#include <tandem/modules/registrar/settings.hpp>
#include <tandem/sip/uri.hpp>

#include <array>
#include <string>
#include <string_view>

namespace tandem::modules {

/// "alice", or "alice@example.com" with use_domain: escapes resolved, host and (unless
/// case_sensitive) user in lower case. Empty when the URI has no user to make it of.
class address_of_record {
 public:
  address_of_record(const sip::uri& uri, const registrar_settings& rules);
  address_of_record(const address_of_record&) = delete;
  address_of_record& operator=(const address_of_record&) = delete;

  [[nodiscard]] bool empty() const noexcept { return text_.empty(); }
  /// Lives as long as the object.
  [[nodiscard]] std::string_view view() const noexcept { return text_; }

 private:
  std::array<char, 120> near_; ///< nearly every user fits here: no allocation
  std::string far_;
  std::string_view text_;
};

} // namespace tandem::modules
