// SPDX-License-Identifier: Apache-2.0
#include <tandem/control/json_rpc.hpp>

#include <tandem/base/json_text.hpp>
#include <tandem/http/bearer.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <memory>
#include <utility>

namespace tandem::control {

namespace json = boost::json;

namespace {

constexpr std::size_t deepest = 32;

json::object error_object(const json::value& id, const command_error& error) {
  return {{"jsonrpc", "2.0"},
          {"error", {{"code", error.code}, {"message", error.message}}},
          {"id", id}};
}

/// A value as text. What peers wrote may stand in it: any bytes make valid JSON.
void write(std::string& to, const json::value& v) {
  const auto text = [&to](std::string_view s) { append_json(to, s); };
  if (const json::string* s = v.if_string()) return text({s->data(), s->size()});
  if (const json::object* object = v.if_object()) {
    char before = '{';
    for (const auto& [key, value] : *object) {
      to += std::exchange(before, ',');
      text({key.data(), key.size()});
      to += ':';
      write(to, value);
    }
    to += object->empty() ? "{}" : "}";
  } else if (const json::array* array = v.if_array()) {
    char before = '[';
    for (const json::value& value : *array) {
      to += std::exchange(before, ',');
      write(to, value);
    }
    to += array->empty() ? "[]" : "]";
  } else {
    to += json::serialize(v);
  }
}

std::string to_text(const json::value& v) {
  std::string made;
  write(made, v);
  return made;
}

json::value parse(std::string_view text, boost::system::error_code& error) {
  json::parse_options options;
  options.max_depth = deepest;
  return json::parse(text, error, {}, options);
}

/// The answers to a text, in the order of its requests.
struct batch {
  bool is_array = false;
  std::size_t missing = 0;
  std::vector<std::optional<json::object>> answers;
  std::function<void(std::optional<std::string>)> done;

  void put(std::size_t place, std::optional<json::object> answer) {
    answers[place] = std::move(answer);
    if (--missing == 0) finish();
  }

  void finish() {
    json::array all;
    for (auto& answer : answers)
      if (answer) all.emplace_back(std::move(*answer));
    const auto handler = std::exchange(done, nullptr);
    if (all.empty()) return handler(std::nullopt);
    handler(is_array ? to_text(all) : to_text(all.front()));
  }
};

void answer_one(command_registry& registry, const json::value& request, const caller& by,
                std::function<void(std::optional<json::object>)> done) {
  const command_error bad{.code = command_error::invalid_request,
                          .message = "not a JSON-RPC 2.0 request"};
  const json::object* object = request.if_object();
  if (!object) return done(error_object(nullptr, bad));
  const json::value* id = object->if_contains("id");
  const bool has_good_id = !id || id->is_string() || id->is_number() || id->is_null();
  const json::value id_value = id && has_good_id ? *id : json::value{};
  const json::value* version = object->if_contains("jsonrpc");
  const json::value* method = object->if_contains("method");
  const json::value* params = object->if_contains("params");
  if (!has_good_id || !version || !version->is_string() || version->as_string() != "2.0" ||
      !method || !method->is_string() || (params && !params->is_array() && !params->is_object()))
    return done(error_object(id_value, bad));
  const json::string& name = method->as_string();
  registry.call(
      {name.data(), name.size()}, params ? *params : json::value{}, by,
      [id_value, is_notification = !id, done = std::move(done)](command_reply reply) {
        if (is_notification) return done(std::nullopt);
        if (!reply) return done(error_object(id_value, reply.error()));
        done(json::object{{"jsonrpc", "2.0"}, {"result", std::move(*reply)}, {"id", id_value}});
      });
}

} // namespace

void answer_json_rpc(command_registry& registry, std::string_view text, const caller& by,
                     std::function<void(std::optional<std::string>)> done) {
  const auto refuse = [&](int code, std::string why) {
    done(to_text(error_object(nullptr, command_error{.code = code, .message = std::move(why)})));
  };
  boost::system::error_code error;
  const json::value parsed = parse(text, error);
  if (error) return refuse(command_error::parse_error, "not JSON: " + error.message());

  auto all = std::make_shared<batch>();
  const json::array* array = parsed.if_array();
  if (array && array->empty()) return refuse(command_error::invalid_request, "an empty batch");
  if (array && array->size() > most_in_batch)
    return refuse(command_error::invalid_request, "too many requests in one batch");
  const std::size_t count = array ? array->size() : 1;
  all->is_array = array != nullptr;
  all->missing = count;
  all->answers.resize(count);
  all->done = std::move(done);
  for (std::size_t i = 0; i < count; ++i)
    answer_one(registry, array ? (*array)[i] : parsed, by,
               [all, i](std::optional<json::object> answer) { all->put(i, std::move(answer)); });
}

void serve_json_rpc(http::server& server, command_registry& registry, const access_tokens& tokens,
                    const std::string& path) {
  server.route(
      "POST", path, http::route_access::open,
      [&registry, &tokens](http::request&& request, http::responder answer) {
        const auto may = tokens.role_of(http::bearer_token(request));
        if (!may)
          return answer.respond(
              http::unauthorized(tokens.empty() ? "no bearer token is configured, so nobody may"
                                                : "show a bearer token in Authorization"));
        const caller by{
            .name = fmt::format("json-rpc {} ({})", answer.peer().to_string(), to_string(*may)),
            .may = *may};
        auto later = std::make_shared<http::responder>(std::move(answer));
        answer_json_rpc(registry, request.body, by, [later](std::optional<std::string> text) {
          if (!text) return later->respond({.status = 204});
          later->respond(
              {.headers = {{"Content-Type", "application/json"}}, .body = std::move(*text)});
        });
      });
}

std::string make_json_rpc_request(std::string_view command, const json::value& arguments,
                                  std::int64_t id) {
  json::object request{{"jsonrpc", "2.0"}, {"method", command}, {"id", id}};
  if (!arguments.is_null()) request["params"] = arguments;
  return json::serialize(request);
}

command_reply read_json_rpc_response(std::string_view text) {
  boost::system::error_code error;
  json::value parsed = parse(text, error);
  json::object* object = error ? nullptr : parsed.if_object();
  if (object)
    if (json::value* value = object->if_contains("result")) return std::move(*value);
  const json::value* failure = object ? object->if_contains("error") : nullptr;
  const json::object* fields = failure ? failure->if_object() : nullptr;
  const json::value* code = fields ? fields->if_contains("code") : nullptr;
  const json::value* message = fields ? fields->if_contains("message") : nullptr;
  if (!code || !code->is_int64() || !message || !message->is_string())
    return fail(command_error{.code = command_error::parse_error,
                              .message = "the answer is no JSON-RPC 2.0 response"});
  return fail(command_error{.code = static_cast<int>(code->as_int64()),
                            .message = {message->as_string().data(), message->as_string().size()}});
}

} // namespace tandem::control
