// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/client/admin_client.hpp>

#include <tandem/control/json_rpc.hpp>
#include <tandem/http/client.hpp>

#include <chrono>
#include <optional>
#include <ostream>
#include <thread>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace tandem::sip2 {
namespace {

namespace bj = boost::json;

enum status : int {
  done = 0,
  wrong_usage = 1,
  cannot_connect = 2,
  not_allowed = 3,
  no_answer = 4,
  refused = 5,
};

/// A connection to the registry of a mediator.
class registry_client {
 public:
  registry_client(const admin_call& call, const http::url& url, io::tls_context tls,
                  std::ostream& err)
      : call_{call}, url_{url}, err_{err},
        http_{home_, {.server = url, .tls = std::move(tls), .names = &names_}} {}

  /// The result of a call; nothing when there is none, and then failure() says why.
  std::optional<bj::value> ask(std::string_view method, bj::object parameters) {
    http::request request;
    request.method = "POST";
    request.target = url_.path == "/" ? "/rpc" : url_.path;
    request.headers = {{"Content-Type", "application/json"}};
    if (!call_.token.empty())
      request.headers.emplace_back("Authorization", "Bearer " + std::string{call_.token.reveal()});
    request.body = control::make_json_rpc_request(method, bj::value(std::move(parameters)));
    std::optional<http::client_result> reply;
    http_.send(request, seconds{10}, [&](http::client_result r) { reply = std::move(r); });
    if (!home_.run_until([&] { return reply.has_value(); }, seconds{15}))
      return stop(no_answer, "no answer in time");
    if (!*reply) return stop(cannot_connect, url_.origin() + ": " + reply->error().detail);
    return read(**reply);
  }

  [[nodiscard]] int failure() const noexcept { return failure_; }

 private:
  std::optional<bj::value> read(const http::response& response) {
    if (response.status == 401 || response.status == 403)
      return stop(not_allowed, "the token is not accepted (--token, or SIP2_ADMIN_TOKEN)");
    auto reply = control::read_json_rpc_response(response.body);
    if (reply) return std::move(*reply);
    if (reply.error().code == control::command_error::parse_error)
      return stop(no_answer,
                  fmt::format("HTTP {} and no JSON-RPC: is this the mediator's HTTP port?",
                              response.status));
    return stop(refused, reply.error().message);
  }

  std::nullopt_t stop(int why, const std::string& text) {
    failure_ = why;
    err_ << text << '\n';
    return std::nullopt;
  }

  const admin_call& call_;
  http::url url_;
  std::ostream& err_;
  io::shard home_;
  names::resolver names_{home_};
  http::client http_;
  int failure_ = done;
};

std::string text_of(const bj::value& v, std::string_view key) {
  const auto* object = v.if_object();
  const auto* value = object ? object->if_contains(key) : nullptr;
  if (!value || value->is_null()) return "-";
  if (value->is_string())
    return value->get_string().empty() ? "-" : std::string{value->get_string()};
  return bj::serialize(*value);
}

void print_list(const bj::value& result, std::ostream& out) {
  constexpr const char* row = "{:<10} {:<22} {:<12} {:<16} {:<12} {:>10} {:>8} {:>9}  {}\n";
  out << fmt::format(fmt::runtime(row), "ID", "TERMINAL", "LISTENER", "ACCOUNT", "PROFILE",
                     "CONNECTED", "IDLE", "MESSAGES", "SESSION");
  const auto* object = result.if_object();
  const auto* list = object ? object->if_contains("terminals") : nullptr;
  if (!list || !list->is_array()) return;
  for (const auto& t : list->get_array())
    out << fmt::format(fmt::runtime(row), text_of(t, "id"), text_of(t, "peer"),
                       text_of(t, "listener"), text_of(t, "account"), text_of(t, "profile"),
                       text_of(t, "connected") + "s", text_of(t, "idle") + "s",
                       text_of(t, "messages"), text_of(t, "session"));
}

/// Fetches the lines of a trace until the terminal is gone or the program is stopped.
int follow(registry_client& registry, const std::string& id, std::ostream& out) {
  std::uint64_t from = 0;
  for (;;) {
    const auto result = registry.ask("terminal.trace", {{"id", id}, {"from", from}});
    if (!result) return registry.failure();
    const auto* object = result->if_object();
    const auto* lines = object ? object->if_contains("lines") : nullptr;
    const auto* next = object ? object->if_contains("next") : nullptr;
    if (!lines || !lines->is_array() || !next || !next->is_number()) return no_answer;
    for (const auto& line : lines->get_array())
      if (line.is_string()) out << std::string_view{line.get_string()} << '\n';
    out.flush();
    from = next->to_number<std::uint64_t>();
    std::this_thread::sleep_for(milliseconds{300});
  }
}

/// NAME=VALUE arguments; what has no name is the id.
bj::object parameters_of(const std::vector<std::string>& arguments) {
  bj::object parameters;
  for (const auto& a : arguments) {
    const auto equals = a.find('=');
    if (equals == std::string::npos)
      parameters["id"] = a;
    else
      parameters[a.substr(0, equals)] = a.substr(equals + 1);
  }
  return parameters;
}

} // namespace

int run_admin_call(const admin_call& call, std::ostream& out, std::ostream& err) {
  const auto url = http::url::parse(call.url);
  if (!url) return err << "'" << call.url << "' is no http or https URL\n", wrong_usage;
  io::tls_context tls;
  if (url->is_secure) {
    auto made = io::tls_context::client({.ca_file = call.ca_file});
    if (!made) return err << made.error() << '\n', wrong_usage;
    tls = *made;
  }
  registry_client registry{call, *url, std::move(tls), err};
  const bool wants_id = call.command == "kick" || call.command == "trace";
  if (wants_id && call.arguments.empty())
    return err << call.command << " needs the ID of a terminal; `list` shows them\n", wrong_usage;
  if (call.command == "trace") return follow(registry, call.arguments.front(), out);

  const bool is_short = call.command.find('.') == std::string::npos && call.command != "help";
  const bool is_terminals = wants_id || call.command == "list" || call.command == "untrace";
  const auto method =
      !is_short ? call.command : (is_terminals ? "terminal." : "mediator.") + call.command;
  const auto result = registry.ask(method, parameters_of(call.arguments));
  if (!result) return registry.failure();
  if (call.command == "list" && !call.is_json)
    print_list(*result, out);
  else
    out << bj::serialize(*result) << '\n';
  return done;
}

} // namespace tandem::sip2
