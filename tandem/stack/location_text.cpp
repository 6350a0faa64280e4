// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/location_text.hpp>

#include <tandem/base/text.hpp>

#include <algorithm>
#include <fmt/format.h>

namespace tandem::stack {

namespace {

/// What a name server has written as the service of a NAPTR.
std::string shown(std::string_view text) {
  std::string made{text};
  std::replace_if(
      made.begin(), made.end(), [](char c) { return c <= ' ' || c > '~'; }, '?');
  return made;
}

std::string_view name_or_root(const std::string& name) {
  return name.empty() ? std::string_view{"."} : std::string_view{name};
}

} // namespace

std::string to_text(const dns_question& asked) {
  switch (asked.type) {
  case dns_type::naptr: return fmt::format("NAPTR of {}", shown(asked.name));
  case dns_type::srv: return fmt::format("SRV of {}", shown(asked.name));
  case dns_type::address: break;
  }
  return fmt::format("addresses of {}", shown(asked.name));
}

std::string to_text(const server_location::answer& answer) {
  if (!answer) return answer.error() == dns_failure::unanswered ? "no answer" : "none";
  std::string text;
  const auto add = [&](const std::string& one) {
    text.append(text.empty() ? "" : "; ").append(one);
  };
  for (const naptr_record& r : answer->services)
    add(fmt::format("{} {} {} {}{}", r.order, r.preference, shown(r.services),
                    name_or_root(r.replacement),
                    r.has_regexp ? " (with a regular expression)" : ""));
  for (const srv_record& r : answer->servers)
    add(fmt::format("{} {} {} {}", r.priority, r.weight, r.port, name_or_root(r.target)));
  for (const ip_address& ip : answer->addresses) add(ip.to_string());
  return text;
}

std::string to_text(const target& to) {
  std::string text = fmt::format("{} {}", name_of(to.transport), to.address.to_string());
  if (to.server_name) text += fmt::format(" ({})", shown(to.server_name.text()));
  return text;
}

std::string_view to_string(hop_errc errc) noexcept {
  switch (errc) {
  case hop_errc::bad_scheme: return "this is neither a sip: nor a sips: URI";
  case hop_errc::bad_transport:
    return "this transport is not known, or has no place in a sips: URI";
  case hop_errc::bad_maddr: return "maddr is not a host";
  case hop_errc::bad_port: return "nothing can be sent to port 0";
  }
  return {};
}

} // namespace tandem::stack
