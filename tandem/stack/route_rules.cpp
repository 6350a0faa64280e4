// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/route_rules.hpp>

#include <tandem/sip/message.hpp>
#include <tandem/sip/message_editor.hpp>
#include <tandem/sip/name_addr.hpp>
#include <tandem/sip/single_values.hpp>

#include <optional>

namespace tandem::stack {

namespace {

constexpr auto route = sip::header_id::route;

/// The URI of the first Route; nothing when there is none, or none that every reader reads alike.
std::optional<sip::uri> first_route(const sip::message& m) noexcept {
  const std::string_view values = front_and_rest(m, route);
  sip::name_addr entry;
  if (values.empty() || entry.assign_first(values) || entry.address.has_repeated())
    return std::nullopt;
  return entry.address;
}

/// The Request-URI is one that we put into a Record-Route: ours, with lr and without a user part
/// of anybody who registers here: a strict router sent the request.
std::optional<sip::uri> find_own_target(const sip::message& m, const is_own_uri& is_own) {
  // The lr tells our Record-Route from the address of a user of our domain.
  if (m.request_uri().find(';') == std::string_view::npos) return std::nullopt;
  const auto uri = sip::uri::parse(m.request_uri());
  if (!uri || !uri->is_sip() || !uri->is_loose_router() || !is_own(*uri)) return std::nullopt;
  return *uri;
}

} // namespace

route_step take_own_route(sip::message& request, const is_own_uri& is_own,
                          std::string& own_params) {
  route_step step;
  own_params.clear();
  step.had_route = request.has(route);
  if (!step.had_route) return step;

  if (const auto own_target = find_own_target(request, is_own)) {
    if (const auto last = request.back(route)) {
      if (const auto entry = sip::name_addr::parse(*last)) {
        own_params.assign(own_target->params_text());
        const std::string target{entry->address.text()};
        if (request.edit().set_request_uri(target)) {
          request.edit().pop_back(route);
          step.was_strict = true;
        }
      }
    }
  }
  for (bool expects_second = true; expects_second && step.removed < 2;) {
    const auto uri = first_route(request);
    if (!uri || !is_own(*uri)) break;
    const bool is_double = uri->params().has("r2");
    if (step.removed == 0 && !step.was_strict) own_params.assign(uri->params_text());
    if (step.removed == 1 && !is_double) break;
    request.edit().pop_front(route);
    ++step.removed;
    expects_second = is_double;
  }
  step.has_more = request.has(route);
  return step;
}

std::string fault_of_route(const sip::message& request) {
  if (!request.has(route)) return {};
  const auto value = request.front(route);
  if (!value) return "Bad Route";
  const auto entry = sip::name_addr::parse(*value);
  if (!entry) return std::string{"Bad Route: "}.append(sip::describe(entry.error().code));
  return entry->address.has_repeated() ? "Repeated Parameter in Route" : std::string{};
}

strict_route apply_strict_route(sip::message& request) {
  if (!request.has(route)) return strict_route::none;
  const auto uri = first_route(request);
  if (!uri) return strict_route::unreadable;
  if (uri->is_loose_router()) return strict_route::none;
  const std::string next{uri->text()};
  const std::string last = "<" + std::string{request.request_uri()} + ">";
  request.edit().pop_front(route);
  return request.edit().put_back(route, last) && request.edit().set_request_uri(next)
             ? strict_route::applied
             : strict_route::unreadable;
}

std::string next_hop_uri(const sip::message& request) {
  if (const auto uri = first_route(request)) return std::string{uri->text()};
  return std::string{request.request_uri()};
}

} // namespace tandem::stack
