// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/listen_settings.hpp>

#include <tandem/base/text.hpp>
#include <tandem/server/core_settings.hpp>
#include <tandem/server/module.hpp>
#include <tandem/server/privileges.hpp>

#include <algorithm>
#include <fmt/format.h>

namespace tandem::server {

using transport::listen_point;

std::vector<listen_point> listen_points(const options& wanted, const script::program& program,
                                        const transport::find_addresses& look_up) {
  const core_settings set = core_settings::of(program);
  const std::uint16_t port = wanted.port.value_or(set.port);
  const bool no_tcp = wanted.no_tcp || set.disable_tcp;
  const auto interfaces = transport::local_interfaces();
  std::vector<listen_point> all;
  const auto add = [&](std::string_view text, const std::string& where) {
    const auto points =
        transport::parse_listen_point(text, interfaces, look_up, port, set.tls.port);
    if (!points) throw start_error{fmt::format("{}: {}", where, points.error())};
    for (const listen_point& p : *points) {
      if (no_tcp && is_reliable(p.transport)) continue; // what stands on TCP goes with it
      if (set.tls.is_disabled && is_secure(p.transport)) continue;
      if (std::find(all.begin(), all.end(), p) == all.end()) all.push_back(p);
    }
  };
  if (!wanted.listen.empty()) {
    for (const std::string& text : wanted.listen) add(text, fmt::format("--listen {}", text));
  } else if (!set.listen.empty()) {
    for (const script::list_item& item : set.listen)
      add(item.text, program.text().place(item.where));
  } else {
    add("127.0.0.1", "the default of listen"); // nobody is reachable who has not said so
  }
  if (all.empty())
    throw start_error{no_tcp ? "nothing to listen on: TCP is disabled, and no UDP address was named"
                             : "nothing to listen on: TLS is disabled, and no other address was "
                               "named"};
  return all;
}

std::optional<socket_address> http_address(const script::program& program) {
  const std::string text = core_settings::of(program).http_listen;
  if (text.empty()) return std::nullopt;
  if (const auto port = parse_number<std::uint16_t>(text))
    return socket_address{.ip = ip_address::v4(127, 0, 0, 1), .port = *port};
  if (const auto at = socket_address::parse(text)) return at;
  parameter_values{program, program.core()}.refuse(
      "http_listen", fmt::format("'{}' is neither an address with a port nor a port", text));
}

void collect_own_names(own_names& names, const transport::listener_table& listeners,
                       std::span<const transport::listen_point> points,
                       const script::program& program) {
  for (std::uint32_t i = 0; i < listeners.size(); ++i) {
    const transport::listener& listener = listeners[i];
    if (!points[i].name.empty() &&
        !names.add_alias(fmt::format("{}:{}", points[i].name, listener.address.port)))
      throw start_error{fmt::format("'{}' is not a host name", points[i].name)};
    if (!listener.address.ip.is_any()) {
      names.add_listener(listener.address);
      continue;
    }
    for (const auto& interface : transport::local_interfaces())
      if (interface.ip.which() == listener.address.ip.which())
        names.add_listener({.ip = interface.ip, .port = listener.address.port});
  }
  for (const script::list_item& item : core_settings::of(program).alias)
    if (!names.add_alias(item.text))
      throw start_error{fmt::format("{}: alias: '{}' is neither a host name nor an address, with a "
                                    "port or without",
                                    program.text().place(item.where), item.text)};
}

} // namespace tandem::server
