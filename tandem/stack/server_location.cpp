// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/server_location.hpp>

#include <tandem/base/text.hpp>
#include <tandem/stack/address_order.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace tandem::stack {

namespace {

/// How the DNS names a transport (RFC 3263 4.1, RFC 7118 and the registry of NAPTR services).
struct service_row {
  transport_kind kind;
  std::string_view naptr;      ///< service field
  std::string_view srv_labels; ///< before the domain
};
constexpr std::array<service_row, transport_rows.size()> service_rows{{
    {transport_kind::udp, "SIP+D2U", "_sip._udp."},
    {transport_kind::tcp, "SIP+D2T", "_sip._tcp."},
    {transport_kind::tls, "SIPS+D2T", "_sips._tcp."},
    {transport_kind::ws, "SIP+D2W", "_sip._ws."},
    {transport_kind::wss, "SIPS+D2W", "_sips._ws."},
}};

bool is_of_sip(const naptr_record& r) noexcept {
  const std::string_view services = r.services;
  return iequals(services.substr(0, 4), "SIP+") || iequals(services.substr(0, 5), "SIPS+");
}

/// RFC 3263 4.1: the flag is "s", there is no regular expression, and the replacement has SRV
/// records.
std::optional<transport_kind> transport_of(const naptr_record& r) noexcept {
  if (!iequals(r.flags, "s") || r.has_regexp || r.replacement.empty()) return std::nullopt;
  for (const service_row& row : service_rows)
    if (iequals(r.services, row.naptr)) return row.kind;
  return std::nullopt;
}

} // namespace

std::string_view to_string(search_errc errc) noexcept {
  switch (errc) {
  case search_errc::no_address: return "the host has no address";
  case search_errc::no_service: return "the domain says that it has no such service";
  case search_errc::no_common: return "the domain has no transport that this server has";
  case search_errc::unanswered: return "no name server answers";
  }
  return {};
}

result<server_location, hop_errc> server_location::of(const sip::uri& uri,
                                                      const location_terms& terms) {
  const auto hop = next_hop_of(uri);
  if (!hop) return fail(hop.error());
  return server_location{*hop, terms, uri.scheme() == sip::uri_scheme::sips};
}

result<std::optional<target>, hop_errc> server_location::find_at_once(const sip::uri& uri) {
  const auto hop = next_hop_of(uri);
  if (!hop) return fail(hop.error());
  if (!hop->ip) return std::nullopt;
  return hop->to_target();
}

server_location server_location::of_response(const sip::host_port& sent_by,
                                             transport_kind transport,
                                             const location_terms& terms) {
  next_hop hop;
  hop.host = sent_by.host;
  hop.ip = sent_by.host.address();
  hop.has_port = sent_by.port.has_value();
  hop.transport = transport;
  hop.port = sent_by.port.value_or(default_port(transport));
  hop.has_transport = true; // RFC 3261 18.2.2: that of the request
  return {hop, terms, false};
}

server_location::server_location(const next_hop& hop, const location_terms& terms, bool is_sips)
    : hop_{hop}, terms_{terms}, is_secure_only_{is_sips} {
  if (hop_.ip) { // RFC 3263 4.2: a numeric address is the server, and nothing is asked
    targets_.push_back(hop_.to_target());
  } else if (hop_.has_port) { // RFC 3263 4.1, 4.2: its addresses, by the transport named or usual
    ask_host();
  } else if (hop_.has_transport) { // RFC 3263 4.2: no NAPTR, the SRV records of that transport
    add_service(hop_.transport);
    ask_services();
  } else if (terms_.asks_naptr) {
    enter(phase::naptr, 1);
  } else {
    choose_services();
  }
}

server_location::question_list server_location::questions() const {
  question_list all;
  switch (phase_) {
  case phase::naptr: all.push_back({hop_.host.text, dns_type::naptr}); break;
  case phase::srv:
    for (const service& s : services_) all.push_back({s.name, dns_type::srv});
    break;
  case phase::servers:
    for (const srv_record& s : servers_) all.push_back({s.target, dns_type::address});
    break;
  case phase::host: all.push_back({hop_.host.text, dns_type::address}); break;
  case phase::over: break;
  }
  return all;
}

void server_location::take(std::size_t which, answer&& found) {
  if (which >= answers_.size() || answers_[which]) return;
  answers_[which] = std::move(found);
  if (--missing_ == 0) step();
}

void server_location::enter(phase next, std::size_t questions) {
  phase_ = next;
  answers_.assign(questions, std::nullopt);
  missing_ = questions;
}

void server_location::step() {
  const auto answers = std::exchange(answers_, {});
  const auto is_unanswered = [](const std::optional<answer>& a) {
    return !*a && a->error() == dns_failure::unanswered;
  };
  switch (std::exchange(phase_, phase::over)) {
  case phase::naptr: {
    if (is_unanswered(answers[0])) return void(failure_ = search_errc::unanswered);
    bool is_offered = false;
    std::optional<std::uint16_t> order;
    for (const naptr_record& r :
         *answers[0] ? (*answers[0])->services : std::vector<naptr_record>{}) {
      is_offered |= is_of_sip(r);
      const auto kind = transport_of(r);
      if (!kind || !is_usable(*kind) || services_.size() == transport_rows.size()) continue;
      // RFC 3403 4.1: once one fits, those of another order do not count.
      if (order.value_or(r.order) != r.order) break;
      order = r.order;
      services_.push_back({r.replacement, *kind});
    }
    is_named_by_naptr_ = !services_.empty();
    if (is_named_by_naptr_) return ask_services();
    // A domain that says by what it is reached is reached by nothing else.
    if (is_offered) return void(failure_ = search_errc::no_common);
    return choose_services();
  }
  case phase::srv:
    if (std::all_of(answers.begin(), answers.end(), is_unanswered))
      return void(failure_ = search_errc::unanswered);
    for (const auto& a : answers) offers_.push_back(*a ? (*a)->servers : std::vector<srv_record>{});
    return try_next_service();
  case phase::servers: {
    // RFC 7984 4.1: all addresses of a server before those of the next one.
    const std::size_t share = std::max<std::size_t>(2, most_targets / servers_.size());
    for (std::size_t i = 0; i < servers_.size(); ++i) {
      if (!*answers[i]) continue;
      std::vector<ip_address> found = (*answers[i])->addresses;
      add(found, servers_[i].port, share);
    }
    if (!targets_.empty()) return;
    if (std::any_of(answers.begin(), answers.end(), is_unanswered))
      failure_ = search_errc::unanswered;
    return try_next_service();
  }
  case phase::host: {
    if (is_unanswered(answers[0])) failure_ = search_errc::unanswered;
    if (!*answers[0]) return;
    std::vector<ip_address> found = (*answers[0])->addresses;
    return add(found, hop_.port, most_targets);
  }
  case phase::over: break;
  }
}

/// RFC 3263 4.1, sips: and RFC 5630: secure transports alone.
bool server_location::is_usable(transport_kind kind) const noexcept {
  if (is_secure_only_ && !is_secure(kind)) return false;
  return std::find(terms_.transports.begin(), terms_.transports.end(), kind) !=
         terms_.transports.end();
}

/// RFC 3263 4.1: without NAPTR records those transports are asked for that this element has. The
/// transport of WebSocket is for who is told of it.
void server_location::choose_services() {
  for (const transport_kind kind : terms_.transports)
    if (is_usable(kind) && uri_parameter(kind) != uri_parameter(transport_kind::ws))
      add_service(kind);
  ask_services();
}

void server_location::add_service(transport_kind kind) {
  const auto labels = service_rows[static_cast<std::size_t>(kind)].srv_labels;
  services_.push_back({std::string{labels}.append(hop_.host.text), kind});
}

void server_location::ask_services() {
  if (services_.empty() || !terms_.asks_srv) return ask_host();
  enter(phase::srv, services_.size());
}

void server_location::try_next_service() {
  for (; tried_ < offers_.size(); ++tried_) {
    std::vector<srv_record>& offered = offers_[tried_];
    if (offered.empty()) continue;
    failure_ = search_errc::no_service;
    // RFC 2782: a target of "." says that the service is not there.
    std::erase_if(offered, [](const srv_record& r) { return r.target.empty() || r.port == 0; });
    if (offered.empty()) continue;
    order_by_weight(offered, terms_.random);
    if (offered.size() > most_servers) offered.resize(most_servers);
    servers_ = std::move(offered);
    hop_.transport = services_[tried_++].transport;
    failure_ = search_errc::no_address;
    return enter(phase::servers, servers_.size());
  }
  // RFC 3263 4.2: the host itself, only where there are no SRV records at all.
  if (servers_.empty() && failure_ != search_errc::no_service) return ask_host();
}

void server_location::ask_host() {
  // By the transport that a NAPTR has chosen, else the usual one (RFC 3263 4.1).
  if (is_named_by_naptr_) {
    hop_.transport = services_.front().transport;
    hop_.port = default_port(hop_.transport);
  }
  enter(phase::host, 1);
}

void server_location::add(std::span<ip_address> found, std::uint16_t port, std::size_t most) {
  order_addresses(found);
  for (const ip_address& ip : found.first(std::min(most, found.size()))) {
    if (targets_.size() == most_targets) return;
    hop_.ip = ip;
    hop_.port = port;
    targets_.push_back(hop_.to_target());
  }
}

void order_by_weight(std::vector<srv_record>& all, std::uint64_t (*random)() noexcept) {
  std::stable_sort(all.begin(), all.end(), [](const srv_record& a, const srv_record& b) {
    // RFC 2782: those of weight 0 come first in the sum.
    return a.priority != b.priority ? a.priority < b.priority : a.weight == 0 && b.weight != 0;
  });
  for (auto next = all.begin(); next != all.end(); ++next) {
    const auto end = std::find_if(
        next, all.end(), [&](const srv_record& r) { return r.priority != next->priority; });
    std::uint64_t sum = 0;
    for (auto r = next; r != end; ++r) sum += r->weight;
    std::uint64_t drawn = random() % (sum + 1);
    auto chosen = next;
    while (chosen->weight < drawn) drawn -= (chosen++)->weight;
    std::rotate(next, chosen, chosen + 1);
  }
}

} // namespace tandem::stack
