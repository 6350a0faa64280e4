// SPDX-License-Identifier: Apache-2.0
#include <tandem/control/rpc_client.hpp>

#include <tandem/control/json_rpc.hpp>
#include <tandem/http/client.hpp>

#include <optional>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace tandem::control {
namespace {

namespace json = boost::json;
using kind = rpc_failure::kind;

auto failed(kind what, std::string text) { return fail(rpc_failure{what, std::move(text)}); }

} // namespace

struct rpc_client::parts {
  parts(const rpc_client_options& given, http::url at, io::tls_context with)
      : options{given}, url{std::move(at)}, tls{std::move(with)} {}

  rpc_client_options options;
  http::url url;
  io::tls_context tls;
  io::shard loop;
  std::optional<http::client> http; ///< once the address of the server is known
};

rpc_client::rpc_client(std::unique_ptr<parts> made) : parts_{std::move(made)} {}
rpc_client::rpc_client(rpc_client&&) noexcept = default;
rpc_client::~rpc_client() = default;

result<rpc_client, rpc_failure> rpc_client::make(const rpc_client_options& options) {
  const auto url = http::url::parse(options.url);
  if (!url)
    return failed(kind::wrong_usage, fmt::format("'{}' is not an http or https URL", options.url));
  io::tls_context tls;
  if (url->is_secure) {
    auto made = io::tls_context::client({.ca_file = options.ca_file});
    if (!made) return failed(kind::wrong_usage, made.error());
    tls = *made;
  }
  return rpc_client{std::make_unique<parts>(options, *url, std::move(tls))};
}

result<void, rpc_failure> rpc_client::find_server() {
  parts& p = *parts_;
  names::resolver names{p.loop, p.options.names};
  auto found = names::find_by_search(p.loop, names, p.options.search, p.url.host, seconds{10});
  if (!found)
    return failed(kind::cannot_connect,
                  fmt::format("{}: {}", p.url.origin(), names::to_string(found.error())));
  p.http.emplace(
      p.loop, http::client_options{.server = p.url, .tls = p.tls, .addresses = std::move(*found)});
  return {};
}

result<json::value, rpc_failure> rpc_client::ask(std::string_view command, json::object arguments) {
  if (!parts_->http)
    if (auto found = find_server(); !found) return fail(std::move(found.error()));
  http::request request;
  request.method = "POST";
  request.target = parts_->url.path == "/" ? "/rpc" : parts_->url.path;
  request.headers = {{"Content-Type", "application/json"}};
  if (const auto& token = parts_->options.token; !token.empty())
    request.headers.emplace_back("Authorization", "Bearer " + std::string{token.reveal()});
  request.body = make_json_rpc_request(command, json::value(std::move(arguments)));
  std::optional<http::client_result> reply;
  parts_->http->send(request, seconds{10}, [&](http::client_result r) { reply = std::move(r); });
  if (!parts_->loop.run_until([&] { return reply.has_value(); }, seconds{15}))
    return failed(kind::no_answer, "no answer in time");
  if (!*reply)
    return failed(kind::cannot_connect, parts_->url.origin() + ": " + reply->error().detail);
  const http::response& response = **reply;
  if (response.status == 401 || response.status == 403)
    return failed(kind::not_allowed, "the token is not accepted");
  auto answer = read_json_rpc_response(response.body);
  if (answer) return std::move(*answer);
  if (answer.error().code == command_error::parse_error)
    return failed(
        kind::no_answer,
        fmt::format("HTTP {} and no JSON-RPC: is this the right HTTP port?", response.status));
  return failed(kind::refused, answer.error().message);
}

result<json::value, rpc_failure> rpc_client::ask_in_words(std::string_view command,
                                                          const std::vector<std::string>& words) {
  if (words.empty()) return ask(command, {});
  const auto help = ask("help", {{"command", command}});
  if (!help) return fail(help.error());
  boost::system::error_code none;
  const auto* schema = help->find_pointer("/parameters", none);
  if (!schema || !schema->is_object())
    return failed(kind::no_answer, "help does not tell the parameters");
  const auto given = arguments::from_words(parameters_of(schema->get_object()), words);
  if (!given) return failed(kind::wrong_usage, given.error());
  return ask(command, given->as_json());
}

} // namespace tandem::control
