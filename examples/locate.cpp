// SPDX-License-Identifier: Apache-2.0
// Prints the way from a URI to its servers, as RFC 3263 says: locate sip:alice@example.com
// Name servers are those of /etc/resolv.conf, or the one that follows: 127.0.0.1:5353
#include <tandem/names/resolver.hpp>
#include <tandem/stack/location_text.hpp>
#include <tandem/transport/locator.hpp>

#include <iostream>

using namespace tandem;

int main(int argc, char** argv) {
  if (argc < 2) return std::cerr << "usage: locate URI [NAME-SERVER:PORT]\n", 1;
  const auto uri = sip::uri::parse(argv[1]);
  if (!uri) return std::cerr << "this is not a URI\n", 1;
  stack::location_terms terms;
  terms.transports = {transport_kind::udp, transport_kind::tcp, transport_kind::tls};
  auto search = stack::server_location::of(*uri, terms);
  if (!search) return std::cerr << to_string(search.error()) << '\n', 1;

  names::resolver_options options;
  if (argc > 2)
    if (const auto at = socket_address::parse(argv[2])) options.servers = {*at};
  io::shard loop;
  names::resolver names{loop, options};
  bool is_over = false;
  int status = 2;
  transport::locator{names}.find(
      std::move(*search),
      [&](stack::server_location& found) {
        for (const auto& to : found.targets()) std::cout << "-> " << to_text(to) << '\n';
        if (found.targets().empty())
          std::cout << "-> nowhere: " << to_string(found.failure()) << '\n';
        else
          status = 0;
        is_over = true;
      },
      [](const auto& asked, const auto& answer) {
        std::cout << to_text(asked) << ": " << to_text(answer) << '\n';
      });
  loop.run_until([&] { return is_over; }, seconds{60});
  return status;
}
