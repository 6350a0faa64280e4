// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/demo/server.hpp>

namespace tandem::sip2 {

demo_server::demo_server(io::shard& loop, const std::string& path)
    : library_{path, std::chrono::system_clock::now()}, http_{loop} {
  const auto handle = [this](http::request&& request, http::responder responder) {
    answer(request, std::move(responder));
  };
  http_.route("POST", "/sip2-mediator", http::route_access::open, handle);
  http_.route("GET", "/sip2-mediator", http::route_access::open, handle);
}

result<socket_address, std::string> demo_server::listen(const socket_address& at) {
  return http_.listen(at);
}

void demo_server::answer(const http::request& request, http::responder responder) {
  const auto form =
      request.method == "GET" ? std::string{request.query()} : std::string{request.body};
  const auto session = http::form_value(form, "session").value_or("");
  const auto message = http::form_value(form, "message").value_or("");
  auto a = library_.handle(session, message, std::chrono::system_clock::now());
  http::response response;
  response.status = a.status;
  response.headers = {{"Content-Type", "application/json"}};
  response.body = std::move(a.body);
  responder.respond(std::move(response));
}

} // namespace tandem::sip2
