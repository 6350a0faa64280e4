// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/http_route/applications.hpp>

#include <tandem/base/printable.hpp>
#include <tandem/io/shard.hpp>
#include <tandem/modules/http_route/settings.hpp>

namespace tandem::modules {

using server::message_context;

namespace {

/// A peer's Call-ID may have 60 KB; this many bytes of it stand in a log line.
constexpr std::size_t longest_id = 128;

http::client_options options_for(const http::url& where, const http_route_settings& s,
                                 names::resolver& names) {
  http::client_options made{
      .server = where,
      .headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}},
      .names = &names,
      .most_connections = s.max_connections,
      .most_waiting = s.max_waiting,
      .connect_deadline = s.deadline};
  if (where.is_secure) made.tls = s.trust;
  if (!s.token.empty())
    made.headers.emplace_back("Authorization", "Bearer " + std::string{s.token.reveal()});
  made.limits.body = s.max_answer;
  return made;
}

} // namespace

applications::applications(server::core& owner)
    : core_{owner}, took_{owner.shared().metrics.make_histogram(
                        "tandem_http_route_seconds",
                        "Time that applications have taken, answered or not.")} {
  observe::metrics& all = owner.shared().metrics;
  constexpr std::string_view ended = "Questions of http_route, by what came of them.";
  all.add("tandem_http_route_total", ended, {{"result", "continue"}}, went_on);
  all.add("tandem_http_route_total", ended, {{"result", "relay"}}, relayed);
  all.add("tandem_http_route_total", ended, {{"result", "reply"}}, replied);
  all.add("tandem_http_route_total", ended, {{"result", "failed"}}, failed);
  all.add("tandem_http_route_waiting", "Requests that wait for an application.", {}, waiting_);
}

void applications::configure(const http_route_settings&) {
  retired_.reserve(retired_.size() + clients_.size());
  for (auto& [where, client] : clients_) retired_.push_back(std::move(client));
  clients_.clear();
  forget_retired();
}

void applications::forget_retired() {
  std::erase_if(retired_, [](const auto& client) {
    return client->statistics().in_flight == 0 && client->statistics().waiting == 0;
  });
}

http::client& applications::client_of(const http::url& where, const http_route_settings& s) {
  auto& client = clients_[where.origin()];
  if (!client)
    client =
        std::make_unique<http::client>(core_.on().shard, options_for(where, s, core_.on().hosts));
  return *client;
}

script::outcome applications::ask(message_context& m, const http::url& where, std::string question,
                                  verdict decide) {
  const auto& s = m.settings_of<http_route_settings>();
  forget_retired();
  http::client& client = client_of(where, s);
  const instant began = core_.on().shard.now();
  auto answered =
      core_.wait<http::client_result>(m, [this, began, decide = std::move(decide)](
                                             message_context& then, http::client_result&& answer) {
        --waiting_;
        took_.observe(core_.on().shard.now() - began);
        return decide(then, std::move(answer));
      });
  client.send({.method = "POST", .target = where.path, .headers = {}, .body = std::move(question)},
              s.deadline, [answered](http::client_result&& got) { answered(std::move(got)); });
  ++waiting_;
  return script::outcome::suspended();
}

void applications::complain(const message_context& m, const http::url& where,
                            std::string_view why) {
  complaints_.warning(core_.on().shard.now(), "http_route {}: {}: {}",
                      to_printable(m.message().call_id().substr(0, longest_id)), where.origin(),
                      why);
}

} // namespace tandem::modules
