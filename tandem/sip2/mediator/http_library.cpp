// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/http_library.hpp>

#include <tandem/sip2/mediator/backend_form.hpp>

#include <fmt/format.h>
#include <new>
#include <utility>

namespace tandem::sip2 {
namespace {

/// How much of the body of a refusal is kept.
constexpr std::size_t body_limit = 1024;

constexpr bool is_gateway_trouble(unsigned status) noexcept {
  return status == 502 || status == 503 || status == 504;
}

/// What a probe's answer says is wrong; empty: the system is well.
std::string problem_of(const http::client_result& r, bool has_health_path) {
  if (!r) return r.error().detail;
  const bool is_well =
      has_health_path ? r->status >= 200 && r->status < 300 : !is_gateway_trouble(r->status);
  return is_well ? std::string{} : fmt::format("health: HTTP {}", r->status);
}

backend_failure to_failure(http::failure kind) noexcept {
  switch (kind) {
  case http::failure::bad_request:
  case http::failure::unreachable: return backend_failure::unreachable;
  case http::failure::timed_out: return backend_failure::timed_out;
  case http::failure::lost: return backend_failure::lost;
  case http::failure::bad_response: return backend_failure::bad_answer;
  case http::failure::no_memory:
  case http::failure::overloaded: break;
  }
  return backend_failure::overloaded;
}

library_failure explain(const http::client_result& r) {
  using blame = library_failure::blame;
  if (r) {
    const auto what = is_gateway_trouble(r->status) ? blame::doubt : blame::well;
    return {{.kind = backend_failure::status,
             .status = r->status,
             .detail = fmt::format("HTTP {}", r->status),
             .body = r->body.substr(0, body_limit)},
            what,
            true};
  }
  const http::client_error& error = r.error();
  // What fails here, and not there, says nothing about the system.
  const bool is_our_fault = error.kind == http::failure::overloaded ||
                            error.kind == http::failure::bad_request ||
                            error.kind == http::failure::no_memory;
  const auto what = error.kind == http::failure::unreachable ? blame::unreachable
                    : is_our_fault                           ? blame::none
                                                             : blame::doubt;
  return {{.kind = to_failure(error.kind), .status = 0, .detail = error.detail, .body = {}},
          what,
          error.was_sent};
}

/// Also without memory: then it is a failure that says so.
library_reply read(const http::client_result& r, const json_rules& rules) noexcept {
  try {
    if (!r || r->status != 200) return fail(explain(r));
    auto said = read_json_answer(r->body, rules);
    if (said) return std::move(*said);
    return fail(library_failure{std::move(said.error()), library_failure::blame::well, true});
  } catch (const std::bad_alloc&) {
    return fail(library_failure{{.kind = backend_failure::overloaded, .detail = {}, .body = {}},
                                library_failure::blame::none,
                                true});
  }
}

http::client_options client_options(const http::url& at, const backend_pool_options& options,
                                    const io::tls_context& tls, std::size_t most_connections) {
  http::header_list headers = options.headers;
  headers.emplace_back("Accept", "application/json");
  if (!options.token.empty())
    headers.emplace_back("Authorization", "Bearer " + std::string{options.token.reveal()});
  return {.server = at,
          .tls = tls,
          .headers = std::move(headers),
          .names = options.names,
          .most_connections = most_connections,
          .most_waiting = options.most_waiting,
          .connect_deadline = options.connect_deadline,
          .idle_limit = options.idle_limit,
          .limits = {.header = std::size_t{16} * 1024, .body = options.answer_limit}};
}

} // namespace

http_library::http_library(io::shard& loop, const http::url& at,
                           const backend_pool_options& options, const io::tls_context& tls)
    : options_{options}, path_{at.path}, client_{loop, client_options(at, options, tls,
                                                                      options.most_connections)},
      prober_{loop, client_options(at, options, tls, 1)} {}

void http_library::send(const backend_request& request, duration left, done_handler done) {
  json_rules reading{request.nulls, request.order, options_.answer_pointer};
  client_.send(make_form_request(options_, path_, request), left,
               [reading = std::move(reading), done = std::move(done)](http::client_result&& r) {
                 done(read(r, reading));
               });
}

void http_library::probe(duration left, probe_handler done) {
  const bool has_path = !options_.health_path.empty();
  prober_.send({.target = has_path ? options_.health_path : path_}, left,
               [has_path, done = std::move(done)](const http::client_result& r) {
                 const bool is_known = r || r.error().kind != http::failure::no_memory;
                 done(is_known ? problem_of(r, has_path) : std::string{}, is_known);
               });
}

std::size_t http_library::in_flight() const noexcept { return client_.statistics().in_flight; }
std::size_t http_library::connections() const noexcept { return client_.statistics().connections; }

} // namespace tandem::sip2
