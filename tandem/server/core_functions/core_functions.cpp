// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/core_functions/core_functions.hpp>

#include <tandem/base/log.hpp>
#include <tandem/base/split.hpp>
#include <tandem/base/text.hpp>
#include <tandem/script/argument.hpp>
#include <tandem/server/core.hpp>
#include <tandem/server/core_functions/forward_functions.hpp>
#include <tandem/server/variables.hpp>
#include <tandem/sip/headers.hpp>
#include <tandem/sip/uri_edit.hpp>

#include <algorithm>
#include <optional>
#include <string>

namespace tandem::server {

namespace {

using script::argument_kind;
using script::outcome;

/// Takes the Request-URI apart, lets `change` alter the parts, and puts it together again; false,
/// with an error, when it is no SIP URI or the change makes it none.
template <typename F>
outcome edit_uri(script::call& c, F&& change) {
  auto& m = c.as<message_context>();
  const std::string before{m.uri()};
  const auto uri = sip::uri::parse(before);
  if (!uri || !uri->is_sip()) {
    m.set_error(uri ? routing_error::bad_scheme : routing_error::bad_uri);
    return outcome::no();
  }
  sip::uri_parts parts{*uri};
  if (!change(parts)) {
    m.set_error(routing_error::bad_uri);
    return outcome::no();
  }
  const auto after = sip::make_uri(parts);
  if (!after) {
    m.set_error(routing_error::bad_uri);
    return outcome::no();
  }
  // How a registered phone is reached says nothing of another host.
  const bool moves = !iequals(parts.host, uri->host().text) || parts.port != uri->port();
  if (!m.rewrite_uri(*after)) return outcome::no();
  if (moves) m.reach().clear();
  return outcome::yes();
}

bool set_host_and_port(sip::uri_parts& parts, std::string_view text) {
  const auto both = sip::host_port::parse(text);
  if (!both) return false;
  parts.host = both->host.text;
  parts.port = both->port;
  return true;
}

bool set_port(sip::uri_parts& parts, std::string_view text) {
  const auto port = parse_number<std::uint16_t>(text);
  if (!port || *port == 0) return false;
  parts.port = port;
  return true;
}

void set_user(sip::uri_parts& parts, std::string_view user) {
  parts.user = user;
  if (user.empty()) parts.password.reset();
}

outcome rewrite_host(script::call& c) {
  return edit_uri(c, [&](sip::uri_parts& p) { return (p.host = c.text(0)), true; });
}

outcome rewrite_host_port(script::call& c) {
  return edit_uri(c, [&](sip::uri_parts& p) { return set_host_and_port(p, c.text(0)); });
}

outcome rewrite_port(script::call& c) {
  return edit_uri(c, [&](sip::uri_parts& p) { return set_port(p, c.text(0)); });
}

outcome rewrite_user(script::call& c) {
  return edit_uri(c, [&](sip::uri_parts& p) { return set_user(p, c.text(0)), true; });
}

outcome rewrite_user_password(script::call& c) {
  return edit_uri(c, [&](sip::uri_parts& p) {
    const std::string_view text = c.text(0);
    const auto colon = text.find(':');
    set_user(p, text.substr(0, colon));
    p.password.reset();
    if (colon != std::string_view::npos) p.password = text.substr(colon + 1);
    return true;
  });
}

outcome prefix(script::call& c) {
  std::string user;
  return edit_uri(c, [&](sip::uri_parts& p) {
    user.append(c.text(0)).append(p.user);
    p.user = user;
    return true;
  });
}

/// The number of characters in an argument, at most the size of what they are taken from.
std::size_t characters(const script::call& c, std::size_t at_most) {
  return std::min(static_cast<std::size_t>(std::max<std::int64_t>(c.number(0), 0)), at_most);
}

outcome strip(script::call& c) {
  return edit_uri(c, [&](sip::uri_parts& p) {
    set_user(p, p.user.substr(characters(c, p.user.size())));
    return true;
  });
}

outcome strip_tail(script::call& c) {
  return edit_uri(c, [&](sip::uri_parts& p) {
    set_user(p, p.user.substr(0, p.user.size() - characters(c, p.user.size())));
    return true;
  });
}

outcome rewrite_uri(script::call& c) {
  auto& m = c.as<message_context>();
  if (!m.rewrite_uri(c.text(0))) return outcome::no();
  m.reach().clear();
  return outcome::yes();
}

outcome revert_uri(script::call& c) {
  auto& m = c.as<message_context>();
  m.reach().clear();
  return outcome::of(m.rewrite_uri(m.original_uri()));
}

outcome append_branch(script::call& c) {
  auto& m = c.as<message_context>();
  const std::string_view uri = c.has(0) ? c.text(0) : m.uri();
  if (!sip::uri::parse(uri)) {
    m.set_error(routing_error::bad_uri);
    return outcome::no();
  }
  destination* const branch = m.branches().append(uri);
  if (!branch) {
    m.set_error(routing_error::too_many_branches);
    return outcome::no();
  }
  // Without an argument the branch is reached as the Request-URI is now.
  if (!c.has(0)) branch->reach = m.reach();
  branch->reach.paid = 0; // that counts once
  return outcome::yes();
}

outcome force_rport(script::call& c) { return outcome::of(c.as<message_context>().force_rport()); }

/// As the comparison `method==` does: methods are case-sensitive (RFC 3261 7.1), in classic scripts
/// they are not.
outcome is_method(script::call& c) {
  const auto& m = c.as<message_context>();
  const std::string_view method = m.method();
  const bool is_classic = m.script().is_classic();
  for (const std::string_view one : split(c.text(0), '|')) {
    const std::string_view name = trim(one);
    if (is_classic ? iequals(name, method) : name == method) return outcome::yes();
  }
  return outcome::no();
}

outcome has_totag(script::call& c) {
  return outcome::of(!c.as<message_context>().message().to_tag().empty());
}

outcome error(script::call& c) {
  const auto& m = c.as<message_context>();
  log_error("script {}: {}: {} (call {})", m.script().program()->text().place(c.where()), c.text(0),
            c.text(1), m.message().call_id());
  return outcome::yes();
}

script::function_info uri_function(std::string name, std::vector<std::string> synonyms,
                                   std::string argument, argument_kind kind, std::string help,
                                   script::function_callback run) {
  return {.name = std::move(name),
          .arguments = {{std::move(argument), kind}},
          .blocks = script::in_request | script::in_failure,
          .help = std::move(help),
          .run = std::move(run),
          .synonyms = std::move(synonyms)};
}

} // namespace

script::module_info core_functions() {
  constexpr auto text = argument_kind::text;
  constexpr auto integer = argument_kind::integer;
  constexpr script::block_mask routing = script::in_request | script::in_failure;
  script::module_info info{.name = "core", .help = "what every script can call"};
  info.functions = {
      uri_function("rewritehost", {"sethost", "seth"}, "host", text,
                   "another host for the Request-URI; its port stays", rewrite_host),
      uri_function("rewritehostport", {"sethostport", "sethp"}, "host[:port]", text,
                   "another host and port for the Request-URI; without a port it has none after",
                   rewrite_host_port),
      uri_function("rewriteport", {"setport", "setp"}, "port", text,
                   "another port for the Request-URI", rewrite_port),
      uri_function("rewriteuser", {"setuser", "setu"}, "user", text,
                   "another user for the Request-URI; its password stays", rewrite_user),
      uri_function("rewriteuserpass", {"setuserpass", "setup"}, "user[:password]", text,
                   "another user and password for the Request-URI", rewrite_user_password),
      uri_function("rewriteuri", {"seturi"}, "uri", text, "another Request-URI", rewrite_uri),
      uri_function("prefix", {}, "text", text, "puts text before the user of the Request-URI",
                   prefix),
      uri_function("strip", {}, "count", integer, "takes characters from the beginning of the user",
                   strip),
      uri_function("strip_tail", {}, "count", integer, "takes characters from the end of the user",
                   strip_tail),
      {.name = "revert_uri",
       .arguments = {},
       .blocks = routing,
       .help = "the Request-URI as it was received",
       .run = revert_uri},
      {.name = "append_branch",
       .arguments = {{"uri", text}},
       .required = 0,
       .blocks = routing,
       .help = "another destination beside the Request-URI; without argument the Request-URI as it "
               "is now",
       .run = append_branch},
      {.name = "force_rport",
       .arguments = {},
       .help = "the answer goes to the port that the request came from (RFC 3581)",
       .run = force_rport,
       .synonyms = {"add_rport"}},
      {.name = "is_method",
       .arguments = {{"names", text}},
       .blocks = script::anywhere,
       .help = "true when the method is one of these: \"INVITE|BYE\"",
       .run = is_method},
      {.name = "has_totag",
       .arguments = {},
       .blocks = script::anywhere,
       .help = "true when To has a tag: the message belongs to a dialog",
       .run = has_totag},
      {.name = "error",
       .arguments = {{"what", text}, {"why", text}},
       .blocks = script::anywhere,
       .help = "logs an error",
       .run = error},
  };
  for (script::function_info& one : forward_functions()) info.functions.push_back(std::move(one));
  info.variables = message_variables();
  return info;
}

} // namespace tandem::server
