// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/http_route/http_route.hpp>

#include <tandem/base/text.hpp>
#include <tandem/io/secret_file.hpp>
#include <tandem/modules/http_route/applications.hpp>
#include <tandem/modules/http_route/routing_answer.hpp>
#include <tandem/modules/http_route/routing_question.hpp>
#include <tandem/modules/http_route/settings.hpp>
#include <tandem/script/argument.hpp>
#include <tandem/server/forwarding/redirection.hpp>
#include <tandem/server/parameters.hpp>
#include <tandem/sip/message_editor.hpp>

#include <algorithm>
#include <fmt/format.h>

namespace tandem::modules {

void http_route_settings::apply_to(server::core& owner) const {
  owner.state<applications>().configure(*this);
}

namespace {

using script::argument_kind;
using script::outcome;
using server::message_context;
using server::routing_error;

applications& applications_of(message_context& m) { return m.core().state<applications>(); }

outcome fail_with(message_context& m, const http::url& where, routing_error error,
                  std::string_view why) {
  auto& all = applications_of(m);
  ++all.failed;
  all.complain(m, where, why);
  m.set_error(error);
  return outcome::no();
}

// ---- the answer, obeyed

void set_reach(server::reachability& reach, const std::string& next_hop) {
  reach.clear();
  reach.uri = next_hop;
}

/// The Request-URI and the branches; in a failure_route, where the Request-URI is tried no more,
/// branches alone. \return whether there was room for all
bool take_choices(message_context& m, const std::vector<routing_choice>& to) {
  const bool is_failure = m.block() == script::block_kind::failure;
  const std::size_t branches = to.size() - (is_failure ? 0 : 1);
  if (m.branches().size() + branches > server::destination_set::limit) return false;
  auto next = to.begin();
  if (!is_failure) {
    if (!m.rewrite_uri(next->uri)) return false;
    set_reach(m.reach(), next->next_hop);
    ++next;
  }
  for (; next != to.end(); ++next) {
    server::destination* const added = m.branches().append(next->uri);
    if (!added) return false;
    set_reach(added->reach, next->next_hop);
    added->q = next->q;
  }
  return true;
}

bool change_headers(sip::message& m, const std::vector<header_change>& changes) {
  for (const header_change& change : changes) {
    if (change.values.empty()) {
      m.edit().erase(change.name);
      continue;
    }
    if (!m.edit().put(change.name, change.values.front())) return false;
    for (std::size_t i = 1; i < change.values.size(); ++i)
      if (!m.edit().put_back(change.name, change.values[i])) return false;
  }
  return true;
}

outcome reply(message_context& m, const http::url& where, const routing_answer& answer) {
  if (!answer.to.empty() && !take_choices(m, answer.to))
    return fail_with(m, where, routing_error::too_many_branches,
                     "more destinations than there may be");
  auto made = m.core().begin_reply(m, answer.status, answer.reason);
  server::add_redirection(m, made);
  for (const header_change& line : answer.headers)
    for (const std::string& value : line.values) made.add(sip::header_name{line.name}, value);
  ++applications_of(m).replied;
  m.core().answer(m, std::move(made));
  return outcome::leave();
}

outcome obey(message_context& m, const http::url& where, const routing_answer& answer) {
  if (answer.what == routing_answer::action::reply) return reply(m, where, answer);
  if (!answer.to.empty() && !take_choices(m, answer.to))
    return fail_with(m, where, routing_error::too_many_branches,
                     "more destinations than there may be");
  if (!change_headers(m.message(), answer.headers))
    return fail_with(m, where, routing_error::exec,
                     "the message would be too large with its headers");
  ++(answer.what == routing_answer::action::relay ? applications_of(m).relayed
                                                  : applications_of(m).went_on);
  return outcome::yes();
}

std::string_view to_words(http::failure kind) {
  switch (kind) {
  case http::failure::unreachable: return "it is not reached";
  case http::failure::timed_out: return "no answer in time";
  case http::failure::lost: return "the connection broke before its answer was there";
  case http::failure::bad_response: return "its answer is not HTTP, or larger than max_answer";
  case http::failure::overloaded: return "max_waiting requests wait for it already";
  case http::failure::bad_request: return "it cannot be asked";
  case http::failure::no_memory: return "no memory to ask it";
  }
  return "it is not reached";
}

outcome decide(message_context& m, const http::url& where, http::client_result&& got) {
  if (!got) {
    const auto& error = got.error();
    return fail_with(m, where,
                     error.kind == http::failure::overloaded ? routing_error::exec_overloaded
                                                             : routing_error::exec,
                     error.detail.empty()
                         ? std::string{to_words(error.kind)}
                         : fmt::format("{} ({})", to_words(error.kind), error.detail));
  }
  constexpr unsigned ok = 200;
  constexpr unsigned no_content = 204;
  if (got->status == no_content) return obey(m, where, {});
  if (got->status != ok)
    return fail_with(
        m, where, routing_error::exec,
        fmt::format("it answered {} {}", got->status, http::reason_phrase(got->status)));
  const auto answer = read_routing_answer(got->body, m.message().method() == sip::method::invite);
  if (!answer) return fail_with(m, where, routing_error::exec, answer.error());
  return obey(m, where, *answer);
}

// ---- the function

outcome ask(script::call& c) {
  auto& m = c.as<message_context>();
  const auto where = *c.prepared<std::shared_ptr<const http::url>>();
  const told_body body =
      m.settings_of<http_route_settings>().sends_body ? told_body::whole : told_body::none;
  return applications_of(m).ask(m, *where, write_routing_question(m, body),
                                [where](message_context& then, http::client_result&& got) {
                                  return decide(then, *where, std::move(got));
                                });
}

std::shared_ptr<const void> check_url(script::check& c) {
  constexpr const char* usage = R"(usage: http_route("http://127.0.0.1:8080/route"))";
  auto url = http::url::parse(c.text(0));
  if (!url) {
    c.error(0, "this is not an http or https URL", usage);
    return nullptr;
  }
  if (!url->is_secure && url->host != "localhost") {
    const auto address = ip_address::parse(url->host);
    if (!address || !address->is_loopback())
      c.warning(0,
                "whoever is on the way to this host can read and change what is asked and answered",
                "use https, or an application on this machine");
  }
  return std::make_shared<const std::shared_ptr<const http::url>>(
      std::make_shared<const http::url>(std::move(*url)));
}

// ---- declarations

const server::parameter_table<http_route_settings>& table() {
  static const auto made =
      server::parameter_table<http_route_settings>{}
          .add("deadline", &http_route_settings::deadline, {.min = 1, .max = 60'000, .unit = "ms"},
               "that a request waits for the application; then the function is false")
          .add("max_connections", &http_route_settings::max_connections, {.min = 1, .max = 1'000},
               "of each shard to one application")
          .add("max_waiting", &http_route_settings::max_waiting, {.min = 1, .max = 100'000},
               "requests of each shard that wait for a connection to one application; for more the "
               "function is false at once")
          .add("max_answer", &http_route_settings::max_answer,
               {.min = 256, .max = 1'048'576, .unit = "bytes"}, "that an answer may have")
          .add("send_body", &http_route_settings::sends_body,
               "the application is told the body of the request, too")
          .add("ca_file", &http_route_settings::ca_file,
               "authorities (PEM) that sign the certificates of https applications; without it "
               "those of the system")
          .add("token_file", &http_route_settings::token_file,
               "a file with one line: the bearer token that applications are shown");
  return made;
}

script::module_info declare() {
  script::module_info info{.name = "http_route",
                           .help = "an application behind an HTTP URL says where requests go"};
  info.functions = {
      {.name = "http_route",
       .arguments = {{"url", argument_kind::string}},
       .blocks = script::in_request | script::in_failure,
       .may_suspend = true,
       .help = "asks the application what to do with the request and does it: new destinations and "
               "headers, then true; a reply, then the block is left; false when there is no answer "
               "that can be obeyed",
       .run = ask,
       .prepare = check_url},
  };
  info.parameters = table().declared();
  return info;
}

constexpr std::size_t longest_token = 4096;

/// RFC 6750 2.1: b64token.
bool is_token_letter(char c) {
  return is_alnum(c) || std::string_view{"-._~+/="}.find(c) != std::string_view::npos;
}

std::unique_ptr<const server::module> load(const server::module_setup& setup) {
  auto s = std::make_unique<http_route_settings>();
  table().read(setup, *s);
  if (!setup.program.has_module(setup.info.name)) return s;
  auto trust = io::tls_context::client({.ca_file = s->ca_file});
  if (!trust) setup.refuse("ca_file", trust.error());
  s->trust = std::move(*trust);
  if (!s->token_file.empty()) {
    const auto text = io::read_secret_file(s->token_file, longest_token);
    if (!text) setup.refuse("token_file", text.error().why);
    const std::string_view token = trim(text->reveal());
    if (token.empty() || !std::ranges::all_of(token, is_token_letter))
      setup.refuse("token_file", "it has not one bearer token in one line (RFC 6750 2.1)");
    s->token = secret{token};
  }
  return s;
}

} // namespace

server::module_entry http_route() { return {.declare = declare, .load = load}; }

} // namespace tandem::modules
