// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/locate_command.hpp>

#include <tandem/server/shard_server.hpp>
#include <tandem/stack/location_text.hpp>
#include <tandem/transport/locator.hpp>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <memory>

namespace tandem::server {

namespace {

namespace json = boost::json;

using control::command_call;
using control::command_error;
using control::value_type;
using stack::server_location;

/// A search on its way. The call owns the text that the search views.
struct locating {
  command_call call;
  std::string steps;
};

json::object row_of(const stack::target& to, shard_server& of) {
  const bool has_failed = of.core().proxy().failed().contains(to, of.core().out().now());
  const bool has_listener = !of.core().out().sent_by(to).empty();
  return {{"transport", std::string{name_of(to.transport)}},
          {"address", to.address.to_string()},
          {"name", std::string{to.server_name.text()}},
          {"state", !has_listener ? "no listener"
                    : has_failed  ? "failed"
                                  : ""}};
}

void tell(locating& l, server_location& found, shard_server& of) {
  json::array targets;
  for (const stack::target& to : found.targets()) targets.push_back(row_of(to, of));
  const std::string_view failure = targets.empty() ? to_string(found.failure()) : "";
  l.call.answer({{"steps", l.steps}, {"targets", std::move(targets)}, {"failure", failure}});
}

void locate(command_call&& call, shard_server& of) {
  const auto l = std::make_shared<locating>(locating{std::move(call), {}});
  const auto uri = sip::uri::parse(*l->call.text("uri"));
  if (!uri) return l->call.refuse(command_error::invalid_parameters, "'uri' is not a URI");
  auto search = server_location::of(*uri, of.core().location_terms());
  if (!search) return l->call.refuse(command_error::failed, std::string{to_string(search.error())});
  transport::locator{of.names()}.find(
      std::move(*search), [l, &of](server_location& found) { tell(*l, found, of); },
      [l](const stack::dns_question& asked, const server_location::answer& answer) {
        l->steps += fmt::format("{}: {}\n", to_text(asked), to_text(answer));
      });
}

} // namespace

void add_locate_command(control::command_registry& to, shard_server& of) {
  to.add({.name = "locate",
          .help = "Shows which servers a URI leads to, and what the DNS was asked on the way (RFC "
                  "3263).",
          .needs = control::role::read,
          .parameters = {{.name = "uri", .help = "as in a Request-URI: sip:alice@example.com"}},
          .reply = {{"steps", value_type::lines, "a question and its answer on each line"},
                    {"targets",
                     value_type::list,
                     "servers in the order of the DNS; those that failed lately are tried last",
                     {{"transport", value_type::text, "udp, tcp, tls, ws, wss"},
                      {"address", value_type::text, "with its port"},
                      {"name", value_type::text, "that the certificate must hold, with TLS"},
                      {"state", value_type::text,
                       "failed: not long ago, for a call of the first shard; no listener: it "
                       "cannot be sent to"}}},
                    {"failure", value_type::text, "why there are no targets"}},
          .run = [&of](command_call call) { locate(std::move(call), of); }});
}

} // namespace tandem::server
