// SPDX-License-Identifier: Apache-2.0
// Where a library system is: http, https, sip2 (SIP2 over TCP) or sip2s (over TLS). A value, any
// thread.
#pragma once

#include <tandem/http/message.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tandem::sip2 {

struct library_url : http::url {
  bool is_sip2 = false; ///< then there is no path

  library_url() = default;
  library_url(http::url at) : http::url{std::move(at)} {} // NOLINT(google-explicit-constructor)

  /// https://ils.example/sip2-mediator, sip2://ils.example, sip2s://[2001:db8::1]:6443; the port of
  /// SIP2 is 6001 unless it is given. Nothing for other texts, and for a path or user with sip2.
  [[nodiscard]] static std::optional<library_url> parse(std::string_view text);

  /// As it was written, with its port where it is not the scheme's.
  [[nodiscard]] std::string to_string() const;
};

} // namespace tandem::sip2
