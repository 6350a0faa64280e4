// SPDX-License-Identifier: Apache-2.0
#include <tandem/control/rpc_client.hpp>

#include <tandem/control/json_rpc.hpp>
#include <tandem/control/socket_carrier.hpp>
#include <tandem/http/client.hpp>

#include <optional>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace tandem::control {
namespace {

namespace json = boost::json;
using kind = rpc_failure::kind;

auto failed(kind what, std::string text) { return fail(rpc_failure{what, std::move(text)}); }

class http_carrier final : public rpc_carrier {
 public:
  http_carrier(const rpc_client_options& given, http::url at, io::tls_context tls)
      : options_{given}, url_{std::move(at)}, tls_{std::move(tls)} {}

  result<std::string, rpc_failure> exchange(std::string body) override {
    if (!http_)
      if (auto found = find_server(); !found) return fail(std::move(found.error()));
    http::request request;
    request.method = "POST";
    request.target = url_.path == "/" ? "/rpc" : url_.path;
    request.headers = {{"Content-Type", "application/json"}};
    if (const auto& token = options_.token; !token.empty())
      request.headers.emplace_back("Authorization", "Bearer " + std::string{token.reveal()});
    request.body = std::move(body);
    std::optional<http::client_result> reply;
    http_->send(request, patience, [&](http::client_result r) { reply = std::move(r); });
    if (!loop_.run_until([&] { return reply.has_value(); }, patience + seconds{5}))
      return failed(kind::no_answer, "no answer in time");
    if (!*reply) return failed(kind::cannot_connect, url_.origin() + ": " + reply->error().detail);
    http::response& response = **reply;
    if (response.status == 401 || response.status == 403)
      return failed(kind::not_allowed, "the token is not accepted");
    if (response.status != 200)
      return failed(
          kind::no_answer,
          fmt::format("HTTP {} and no JSON-RPC: is this the right HTTP port?", response.status));
    return std::move(response.body);
  }

 private:
  result<void, rpc_failure> find_server() {
    names::resolver names{loop_, options_.names};
    auto found = names::find_by_search(loop_, names, options_.search, url_.host, patience);
    if (!found)
      return failed(kind::cannot_connect,
                    fmt::format("{}: {}", url_.origin(), names::to_string(found.error())));
    http_.emplace(
        loop_, http::client_options{.server = url_, .tls = tls_, .addresses = std::move(*found)});
    return {};
  }

  rpc_client_options options_;
  http::url url_;
  io::tls_context tls_;
  io::shard loop_;
  std::optional<http::client> http_; ///< once the address of the server is known
};

/// What an error of the registry is to who has asked.
kind kind_of(int code) noexcept {
  switch (code) {
  case command_error::parse_error: return kind::no_answer;
  case command_error::invalid_parameters:
  case command_error::unknown_command: return kind::wrong_usage;
  case command_error::not_allowed: return kind::not_allowed;
  default: return kind::refused;
  }
}

} // namespace

int exit_status_of(kind what) noexcept {
  switch (what) {
  case kind::wrong_usage: return 1;
  case kind::cannot_connect: return 2;
  case kind::not_allowed: return 3;
  case kind::no_answer: return 4;
  case kind::refused: break;
  }
  return 5;
}

rpc_client::rpc_client(std::unique_ptr<rpc_carrier> carrier) : carrier_{std::move(carrier)} {}
rpc_client::rpc_client(rpc_client&&) noexcept = default;
rpc_client::~rpc_client() = default;

result<rpc_client, rpc_failure> rpc_client::make(const rpc_client_options& options) {
  if (!options.socket.empty()) return rpc_client{std::make_unique<socket_carrier>(options.socket)};
  const auto url = http::url::parse(options.url);
  if (!url)
    return failed(kind::wrong_usage, fmt::format("'{}' is not an http or https URL", options.url));
  io::tls_context tls;
  if (url->is_secure) {
    auto made = io::tls_context::client({.ca_file = options.ca_file});
    if (!made) return failed(kind::wrong_usage, made.error());
    tls = *made;
  }
  return rpc_client{std::make_unique<http_carrier>(options, *url, std::move(tls))};
}

result<json::value, rpc_failure> rpc_client::ask(std::string_view command, json::object arguments) {
  const auto text =
      carrier_->exchange(make_json_rpc_request(command, json::value(std::move(arguments))));
  if (!text) return fail(text.error());
  auto answer = read_json_rpc_response(*text);
  if (answer) return std::move(*answer);
  return failed(kind_of(answer.error().code), answer.error().message);
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
