// SPDX-License-Identifier: Apache-2.0
// Addresses of XMPP (RFC 7622): local@domain/resource. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tandem::xmpp {

/// Deviates from RFC 7622 3.2 to 3.4: letters of ASCII are compared in lower case, all others as
/// they are written. PRECIS is left to the server, whose word on our own address counts
/// (RFC 6120 7.6).
class jid {
 public:
  jid() = default; ///< no address: both parts are empty

  /// Nothing when a part is missing, is longer than 1023 bytes, is not UTF-8 or holds what
  /// RFC 7622 forbids there.
  [[nodiscard]] static std::optional<jid> parse(std::string_view text);

  [[nodiscard]] const std::string& local() const noexcept { return local_; } ///< may be empty
  [[nodiscard]] const std::string& domain() const noexcept { return domain_; }
  [[nodiscard]] const std::string& resource() const noexcept { return resource_; } ///< the same

  [[nodiscard]] std::string bare() const; ///< local@domain
  [[nodiscard]] std::string full() const; ///< with the resource, where there is one

  friend bool operator==(const jid&, const jid&) = default;

 private:
  std::string local_;
  std::string domain_;
  std::string resource_;
};

/// Whether a text can be a resource (RFC 7622 3.4): 1 to 1023 bytes of UTF-8 without control
/// characters.
[[nodiscard]] bool is_resource(std::string_view text) noexcept;

} // namespace tandem::xmpp
