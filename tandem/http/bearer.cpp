// SPDX-License-Identifier: Apache-2.0
#include <tandem/http/bearer.hpp>

#include <tandem/base/text.hpp>
#include <tandem/http/server.hpp>

namespace tandem::http {

std::string_view bearer_token(const request& r) noexcept {
  constexpr std::string_view scheme = "Bearer ";
  const std::string_view value = find_header(r.headers, "Authorization");
  if (value.size() <= scheme.size() || !iequals(value.substr(0, scheme.size()), scheme)) return {};
  return trim(value.substr(scheme.size()));
}

response unauthorized(std::string_view why) {
  response made = text_response(401, why);
  made.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"tandem\"");
  return made;
}

} // namespace tandem::http
