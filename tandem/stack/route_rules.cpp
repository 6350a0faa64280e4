// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/route_rules.hpp>

#include <tandem/sip/message.hpp>
#include <tandem/sip/name_addr.hpp>

#include <optional>

namespace tandem::stack {

namespace {

constexpr auto route = sip::header_id::route;

/// The URI of the first Route; nothing when there is none or it does not parse.
std::optional<sip::uri> first_route(const sip::message& m) noexcept {
  const auto value = m.front(route);
  if (!value) return std::nullopt;
  const auto entry = sip::name_addr::parse(*value);
  if (!entry) return std::nullopt;
  return entry->address;
}

/// The Request-URI is one that we put into a Record-Route: ours, with lr and without a user part
/// of anybody who registers here, and the request carries a route.
bool came_by_strict_router(const sip::message& m, const is_own_uri& is_own) {
  if (!m.has(route)) return false;
  const auto uri = sip::uri::parse(m.request_uri());
  // The lr tells our Record-Route from the address of a user of our domain.
  return uri && uri->is_sip() && uri->is_loose_router() && is_own(*uri);
}

} // namespace

route_step take_own_route(sip::message& request, const is_own_uri& is_own) {
  route_step step;
  step.had_route = request.has(route);
  if (!step.had_route) return step;

  if (came_by_strict_router(request, is_own)) {
    if (const auto last = request.back(route)) {
      if (const auto entry = sip::name_addr::parse(*last)) {
        if (const auto uri = sip::uri::parse(request.request_uri()))
          step.own_params = std::string{uri->params_text()};
        const std::string target{entry->address.text()};
        if (request.set_request_uri(target)) {
          request.pop_back(route);
          step.was_strict = true;
        }
      }
    }
  }
  for (bool expects_second = true; expects_second && step.removed < 2;) {
    const auto uri = first_route(request);
    if (!uri || !is_own(*uri)) break;
    const bool is_double = uri->params().has("r2");
    if (step.removed == 0 && !step.was_strict) step.own_params = std::string{uri->params_text()};
    if (step.removed == 1 && !is_double) break;
    request.pop_front(route);
    ++step.removed;
    expects_second = is_double;
  }
  step.has_more = request.has(route);
  return step;
}

bool apply_strict_route(sip::message& request) {
  if (!request.has(route)) return true;
  const auto uri = first_route(request);
  if (!uri) return false;
  if (uri->is_loose_router()) return true;
  const std::string next{uri->text()};
  const std::string last = "<" + std::string{request.request_uri()} + ">";
  request.pop_front(route);
  return request.put_back(route, last) && request.set_request_uri(next);
}

std::string next_hop_uri(const sip::message& request) {
  if (const auto uri = first_route(request); uri && uri->is_loose_router())
    return std::string{uri->text()};
  return std::string{request.request_uri()};
}

} // namespace tandem::stack
