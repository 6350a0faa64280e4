// SPDX-License-Identifier: Apache-2.0
#include <tandem/control/json_rpc.hpp>

#include <tandem/base/json_text.hpp>
#include <tandem/base/log.hpp>
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
    handler(is_array ? to_json_text(all) : to_json_text(all.front()));
  }
};

/// The response to a request whose reply is a list, as text that comes in pieces:
/// {"jsonrpc":"2.0","id":...,"result":{"rows":[...],...}}.
class list_text final : public http::body_source, public std::enable_shared_from_this<list_text> {
 public:
  list_text(const json::value& id, list_reply&& of) : of_{std::move(of)} {
    begin_ = R"({"jsonrpc":"2.0","id":)";
    write(begin_, id);
    begin_ += R"(,"result":{)";
    append_json(begin_, of_.field);
    begin_ += ":[";
  }

  void next(taker brought) override {
    if (!begin_.empty()) {
      std::string text = std::exchange(begin_, {});
      append(text, std::exchange(of_.first, {}));
      return brought(http::body_piece{std::move(text)});
    }
    of_.more->next([self = weak_from_this(),
                    brought = std::move(brought)](result<row_piece, command_error> rows) {
      const auto alive = self.lock();
      if (!alive) return;
      if (rows) return brought(alive->piece_of(std::move(*rows)));
      log_error("a list ended before its end: {}", rows.error().message);
      brought(std::nullopt); // half an answer has left, and JSON has no way to take it back
    });
  }

 private:
  void append(std::string& text, const json::array& rows) {
    for (const json::value& row : rows) {
      if (std::exchange(has_rows_, true)) text += ',';
      write(text, row);
    }
  }

  http::body_piece piece_of(row_piece&& rows) {
    http::body_piece piece;
    append(piece.bytes, rows.rows);
    if (!rows.rest) return piece;
    piece.bytes += ']';
    for (const auto& [key, value] : *rows.rest) {
      piece.bytes += ',';
      append_json(piece.bytes, {key.data(), key.size()});
      piece.bytes += ':';
      write(piece.bytes, value);
    }
    piece.bytes += "}}";
    piece.at = http::body_piece::place::last;
    return piece;
  }

  std::string begin_;
  list_reply of_;
  bool has_rows_ = false;
};

void answer_one(command_registry& registry, const json::value& request, const caller& by,
                const std::function<void(std::shared_ptr<http::body_source>)>& in_pieces,
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
  std::function<void(list_reply)> list;
  if (in_pieces && id)
    list = [id_value, in_pieces](list_reply reply) {
      in_pieces(std::make_shared<list_text>(id_value, std::move(reply)));
    };
  registry.call(
      {name.data(), name.size()}, params ? *params : json::value{}, by,
      {[id_value, is_notification = !id, done = std::move(done)](command_reply reply) {
         if (is_notification) return done(std::nullopt);
         if (!reply) return done(error_object(id_value, reply.error()));
         done(json::object{{"jsonrpc", "2.0"}, {"result", std::move(*reply)}, {"id", id_value}});
       },
       std::move(list)});
}

} // namespace

std::string to_json_text(const json::value& v) {
  std::string made;
  write(made, v);
  return made;
}

void answer_json_rpc(command_registry& registry, std::string_view text, const caller& by,
                     json_rpc_taker done) {
  const auto refuse = [&](int code, std::string why) {
    done.whole(to_json_text(
        error_object(nullptr, command_error{.code = code, .message = std::move(why)})));
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
  all->done = std::move(done.whole);
  if (array) done.in_pieces = nullptr;
  for (std::size_t i = 0; i < count; ++i)
    answer_one(registry, array ? (*array)[i] : parsed, by, done.in_pieces,
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
        const http::header_list headers{{"Content-Type", "application/json"}};
        answer_json_rpc(registry, request.body, by,
                        {.whole =
                             [later, headers](std::optional<std::string> text) {
                               if (!text) return later->respond({.status = 204});
                               later->respond({.headers = headers, .body = std::move(*text)});
                             },
                         .in_pieces =
                             [later, headers](std::shared_ptr<http::body_source> text) {
                               later->respond({.headers = headers}, std::move(text));
                             }});
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
