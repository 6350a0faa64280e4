// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/dialog_route.hpp>

#include <tandem/sip/headers.hpp>
#include <tandem/sip/name_addr.hpp>
#include <tandem/sip/single_values.hpp>

#include <algorithm>
#include <utility>

namespace tandem::stack {

std::optional<dialog_route> dialog_route_of(const sip::message& success) {
  const auto contact = success.get<sip::hdr::contact>();
  if (!contact || contact->is_star) return std::nullopt;
  dialog_route made{.uri = std::string{contact->address.text()}, .next_hop = {}, .routes = {}};
  // 12.1.2: the Record-Route in reverse order.
  for_each_value(success, sip::header_id::record_route,
                 [&](std::string_view value) { made.routes.emplace_back(value); });
  std::ranges::reverse(made.routes);
  made.next_hop = made.uri;
  if (made.routes.empty()) return made;
  const auto first = sip::name_addr::parse(made.routes.front());
  if (!first) return std::nullopt;
  made.next_hop = std::string{first->address.text()};
  if (first->address.params().has("lr")) return made;
  // 12.2.1.1: a strict router takes the place of the remote target, which goes to the end.
  made.routes.erase(made.routes.begin());
  made.routes.push_back("<" + std::exchange(made.uri, made.next_hop) + ">");
  return made;
}

} // namespace tandem::stack
