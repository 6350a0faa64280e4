// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/library_url.hpp>

#include <fmt/format.h>

namespace tandem::sip2 {
namespace {

constexpr std::uint16_t sip2_port = 6001; // not assigned, and what everybody uses
constexpr std::string_view plain_scheme = "sip2://";
constexpr std::string_view tls_scheme = "sip2s://";

} // namespace

std::optional<library_url> library_url::parse(std::string_view text) {
  const bool is_plain = text.starts_with(plain_scheme);
  const bool is_tls = text.starts_with(tls_scheme);
  if (!is_plain && !is_tls) {
    auto web = http::url::parse(text);
    if (!web) return std::nullopt;
    return library_url{std::move(*web)};
  }
  auto where = text.substr(is_tls ? tls_scheme.size() : plain_scheme.size());
  if (where.ends_with('/')) where.remove_suffix(1);
  if (where.empty() || where.find_first_of("/?#@ ") != std::string_view::npos) return std::nullopt;
  // The port is there when a colon stands behind the host, which may be an IPv6 address in
  // brackets.
  const auto host_end = where.starts_with('[') ? where.find(']') : 0;
  if (host_end == std::string_view::npos) return std::nullopt;
  const bool has_port = where.find(':', host_end) != std::string_view::npos;
  auto at = http::url::parse(has_port ? fmt::format("http://{}", where)
                                      : fmt::format("http://{}:{}", where, sip2_port));
  if (!at) return std::nullopt;
  library_url made{std::move(*at)};
  made.is_secure = is_tls;
  made.is_sip2 = true;
  made.path.clear();
  return made;
}

std::string library_url::to_string() const {
  if (!is_sip2) return origin() + path;
  const bool is_v6 = host.find(':') != std::string::npos;
  const auto port_text = port == sip2_port ? std::string{} : fmt::format(":{}", port);
  return fmt::format("{}{}{}{}{}", is_secure ? tls_scheme : plain_scheme, is_v6 ? "[" : "", host,
                     is_v6 ? "]" : "", port_text);
}

} // namespace tandem::sip2
