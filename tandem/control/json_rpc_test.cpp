// SPDX-License-Identifier: Apache-2.0
#include <tandem/control/health.hpp>
#include <tandem/control/json_rpc.hpp>

#include <tandem/http/client.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <optional>

using namespace tandem;
using namespace tandem::control;
using testing::HasSubstr;

namespace json = boost::json;

namespace {

class control_room : public testing::Test {
 protected:
  control_room() {
    commands.add({.name = "add",
                  .help = "Adds two numbers.",
                  .needs = role::read,
                  .parameters = {{.name = "a", .type = value_type::integer},
                                 {.name = "b", .type = value_type::integer, .is_required = false},
                                 {.name = "loud", .type = value_type::flag, .is_required = false}},
                  .reply = {{"sum", value_type::integer}},
                  .run = [](command_call call) {
                    if (call.flag("loud").value_or(false))
                      return call.refuse(command_error::failed, "no shouting");
                    call.answer({{"sum", *call.integer("a") + call.integer("b").value_or(1)}});
                  }});
    commands.add({.name = "hold",
                  .help = "Answers later.",
                  .reply = {{"when", value_type::text}},
                  .run = [this](command_call call) { held.push_back(std::move(call)); }});
    commands.add({.name = "drop", .help = "Never answers.", .run = [](command_call) {}});
    commands.add({.name = "name",
                  .help = "Says who calls.",
                  .parameters = {{.name = "greeting"}},
                  .reply = {{"text", value_type::text}},
                  .run = [](command_call call) {
                    const std::string greeting =
                        std::string{*call.text("greeting")} + " " + call.by().name;
                    call.answer({{"text", greeting}});
                  }});
  }
  std::optional<std::string> rpc(std::string_view text) {
    std::optional<std::string> out;
    bool called = false;
    answer_json_rpc(commands, text, admin, {[&](std::optional<std::string> answer) {
                      EXPECT_FALSE(called);
                      called = true;
                      out = std::move(answer);
                    }});
    EXPECT_TRUE(called);
    return out;
  }
  int error_of(std::string_view text) {
    const json::value parsed = json::parse(rpc(text).value_or("{}"));
    const json::value* error = parsed.as_object().if_contains("error");
    return error ? static_cast<int>(error->at("code").as_int64()) : 0;
  }

  const caller admin{.name = "test", .may = role::admin};
  std::vector<command_call> held;
  command_registry commands;
};

TEST_F(control_room, takes_arguments_by_name_and_by_position) {
  EXPECT_EQ(rpc(R"({"jsonrpc":"2.0","method":"add","params":{"a":1,"b":2},"id":7})"),
            R"({"jsonrpc":"2.0","result":{"sum":3},"id":7})");
  EXPECT_EQ(rpc(R"({"jsonrpc":"2.0","method":"add","params":[5],"id":"x"})"),
            R"({"jsonrpc":"2.0","result":{"sum":6},"id":"x"})");
  EXPECT_EQ(rpc(R"({"jsonrpc":"2.0","method":"add","params":[5,null],"id":null})"),
            R"({"jsonrpc":"2.0","result":{"sum":6},"id":null})");
  EXPECT_EQ(rpc(R"({"jsonrpc":"2.0","method":"name","params":["hi"],"id":1})"),
            R"({"jsonrpc":"2.0","result":{"text":"hi test"},"id":1})");
}

TEST_F(control_room, tells_each_error_by_its_code) {
  const struct {
    const char* text;
    int code;
  } table[] = {
      {R"({"jsonrpc":"2.0","method":"add",)", command_error::parse_error},
      {R"([)", command_error::parse_error},
      {R"([])", command_error::invalid_request},
      {R"(1)", command_error::invalid_request},
      {R"({"method":"add","id":1})", command_error::invalid_request},
      {R"({"jsonrpc":"1.0","method":"add","id":1})", command_error::invalid_request},
      {R"({"jsonrpc":"2.0","method":1,"id":1})", command_error::invalid_request},
      {R"({"jsonrpc":"2.0","method":"add","id":{}})", command_error::invalid_request},
      {R"({"jsonrpc":"2.0","method":"add","params":5,"id":1})", command_error::invalid_request},
      {R"({"jsonrpc":"2.0","method":"ad","id":1})", command_error::unknown_command},
      {R"({"jsonrpc":"2.0","method":"add","id":1})", command_error::invalid_parameters},
      {R"({"jsonrpc":"2.0","method":"add","params":["1"],"id":1})",
       command_error::invalid_parameters},
      {R"({"jsonrpc":"2.0","method":"add","params":[1,2,true,4],"id":1})",
       command_error::invalid_parameters},
      {R"({"jsonrpc":"2.0","method":"add","params":{"a":1,"c":2},"id":1})",
       command_error::invalid_parameters},
      {R"({"jsonrpc":"2.0","method":"add","params":[1,2,true],"id":1})", command_error::failed},
      {R"({"jsonrpc":"2.0","method":"drop","id":1})", command_error::internal_error},
  };
  for (const auto& row : table) EXPECT_EQ(error_of(row.text), row.code) << row.text;
  EXPECT_EQ(error_of(std::string(100, '[') + std::string(100, ']')), command_error::parse_error);
  EXPECT_THAT(*rpc(R"({"jsonrpc":"2.0","method":"ad","id":1})"), HasSubstr("did you mean 'add'?"));
  EXPECT_THAT(
      *rpc(R"({"jsonrpc":"2.0","method":"add","params":{"a":1,"lod":true},"id":1})"),
      HasSubstr("there is no parameter 'lod'; did you mean 'loud'?; usage: add a [b] [loud]"));
}

TEST_F(control_room, answers_batches_in_order_and_notifications_not_at_all) {
  EXPECT_EQ(rpc(R"({"jsonrpc":"2.0","method":"add","params":[1]})"), std::nullopt);
  EXPECT_EQ(rpc(R"({"jsonrpc":"2.0","method":"nothing"})"), std::nullopt);
  EXPECT_EQ(rpc(R"([{"jsonrpc":"2.0","method":"add","params":[1]}])"), std::nullopt);
  EXPECT_EQ(
      rpc(R"([{"jsonrpc":"2.0","method":"add","params":[1],"id":1},
                   {"jsonrpc":"2.0","method":"add","params":[1]}, 5,
                   {"jsonrpc":"2.0","method":"add","params":[2],"id":2}])"),
      R"([{"jsonrpc":"2.0","result":{"sum":2},"id":1},{"jsonrpc":"2.0","error":{"code":-32600,)"
      R"("message":"not a JSON-RPC 2.0 request"},"id":null},{"jsonrpc":"2.0","result":{"sum":3},"id":2}])");
  std::string large = "[1";
  for (std::size_t i = 0; i < most_in_batch; ++i) large += ",1";
  EXPECT_EQ(error_of(large + "]"), command_error::invalid_request);
}

TEST_F(control_room, a_batch_waits_for_its_slowest) {
  std::optional<std::string> out;
  answer_json_rpc(commands,
                  R"([{"jsonrpc":"2.0","method":"hold","id":1},
                      {"jsonrpc":"2.0","method":"add","params":[1],"id":2}])",
                  admin, {[&](std::optional<std::string> answer) { out = std::move(answer); }});
  EXPECT_FALSE(out);
  held[0].answer({{"when", "late"}});
  held[0].answer({{"when", "again"}});
  EXPECT_EQ(
      out,
      R"([{"jsonrpc":"2.0","result":{"when":"late"},"id":1},{"jsonrpc":"2.0","result":{"sum":2},"id":2}])");
}

TEST_F(control_room, help_comes_from_the_declarations) {
  EXPECT_THAT(*rpc(R"({"jsonrpc":"2.0","method":"help","id":1})"),
              HasSubstr(R"("add":"Adds two numbers.")"));
  const auto one =
      json::parse(*rpc(R"({"jsonrpc":"2.0","method":"help","params":["add"],"id":1})"));
  EXPECT_EQ(json::serialize(one.at("result").at("parameters").at("required")), R"(["a"])");
  EXPECT_EQ(one.at("result").at("usage").as_string(), "add a [b] [loud]");
  EXPECT_EQ(error_of(R"({"jsonrpc":"2.0","method":"help","params":["no"],"id":1})"),
            command_error::unknown_command);
}

TEST_F(control_room, speaks_over_http_to_who_has_the_token) {
  io::shard loop;
  observe::metrics counted;
  counted.make_counter("tandem_x_total", "X.").add(5);
  gauge& refreshed = counted.make_gauge("tandem_refreshed", "Of the metrics.");
  std::string reason = "starting";
  http::server server{loop};
  access_tokens tokens;
  tokens.add(role::admin, secret{"t"});
  tokens.add(role::user, secret{"u"});
  serve_json_rpc(server, commands, tokens);
  serve_health(server, {.counted = counted,
                        .why_not_ready = [&] { return reason; },
                        .refresh =
                            [&](const std::function<void()>& then) {
                              refreshed.set(refreshed + 1);
                              then();
                            }});
  const auto at = server.listen(*socket_address::parse("127.0.0.1:0"));
  ASSERT_TRUE(at) << at.error();
  http::client client{loop, {.server = *http::url::parse("http://" + at->to_string())}};
  const auto send = [&](const http::request& request) {
    std::optional<http::client_result> result;
    client.send(request, seconds{5}, [&](http::client_result r) { result = std::move(r); });
    EXPECT_TRUE(loop.run_until([&] { return result.has_value(); }));
    return result && *result ? **result : http::response{.status = 0};
  };
  const http::header_list token{{"Authorization", "Bearer t"}};
  const auto post = [&](std::string body) {
    return send({.method = "POST", .target = "/rpc", .headers = token, .body = std::move(body)});
  };
  const auto answer = post(make_json_rpc_request("add", json::array{1, 2}));
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(read_json_rpc_response(answer.body).value(), json::parse(R"({"sum":3})"));
  EXPECT_THAT(post(make_json_rpc_request("name", {"hi"})).body,
              HasSubstr("hi json-rpc 127.0.0.1:"));
  EXPECT_EQ(
      read_json_rpc_response(post(make_json_rpc_request("nothing", nullptr)).body).error().code,
      command_error::unknown_command);
  EXPECT_EQ(post(R"({"jsonrpc":"2.0","method":"add","params":[1]})").status, 204U);
  const auto ask = [&](std::string authorization, std::string_view command) {
    return send({.method = "POST",
                 .target = "/rpc",
                 .headers = {{"Authorization", std::move(authorization)}},
                 .body = make_json_rpc_request(command, nullptr)});
  };
  EXPECT_EQ(send({.method = "POST", .target = "/rpc", .body = "{}"}).status, 401U);
  for (const char* wrong : {"Bearer x", "Bearer tt", "Bearer ", "Basic t", "t"})
    EXPECT_EQ(ask(wrong, "help").status, 401U) << wrong;
  EXPECT_EQ(ask("Bearer u", "help").status, 200U);
  EXPECT_EQ(read_json_rpc_response(ask("Bearer u", "drop").body).error().code,
            command_error::not_allowed);
  tokens = {};
  EXPECT_EQ(ask("Bearer t", "help").status, 401U) << "none is left";
  tokens.add(role::admin, secret{"t"});
  EXPECT_EQ(send({.target = "/rpc", .headers = token}).status, 405U);
  EXPECT_EQ(read_json_rpc_response("<html>").error().code, command_error::parse_error);
  EXPECT_EQ(read_json_rpc_response(R"({"error":{"code":"x"}})").error().code,
            command_error::parse_error);

  EXPECT_EQ(send({.target = "/health"}).status, 200U);
  EXPECT_EQ(send({.target = "/ready"}).status, 503U);
  EXPECT_EQ(send({.target = "/ready"}).body, "starting\n");
  reason.clear();
  EXPECT_EQ(send({.target = "/ready"}).status, 200U);
  const auto metrics = send({.target = "/metrics"});
  EXPECT_THAT(metrics.body, HasSubstr("tandem_x_total 5\n"));
  EXPECT_THAT(metrics.body, HasSubstr("tandem_refreshed 1\n"));
  EXPECT_EQ(http::find_header(metrics.headers, "Content-Type"), observe::prometheus_content_type);
}

} // namespace
