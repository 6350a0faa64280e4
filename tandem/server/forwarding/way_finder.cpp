// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/forwarding/way_finder.hpp>

#include <tandem/base/text.hpp>
#include <tandem/sip/uri.hpp>
#include <tandem/stack/forwarding.hpp>
#include <tandem/stack/route_rules.hpp>

#include <memory>
#include <vector>

namespace tandem::server {

namespace {

routing_error error_of(stack::hop_errc why) noexcept {
  return why == stack::hop_errc::bad_scheme ? routing_error::bad_scheme
                                            : routing_error::bad_address;
}

/// What needs no search, or why there is nothing to find; both are empty when it does need one.
located find_known(const sip::uri& uri) {
  located result;
  auto known = stack::server_location::find_at_once(uri);
  if (!known)
    result.error = error_of(known.error());
  else if (*known)
    result.targets.push_back(std::move(**known));
  return result;
}

located find_known(std::string_view uri) {
  if (const auto parsed = sip::uri::parse(uri)) return find_known(*parsed);
  return {.targets = {}, .error = routing_error::bad_uri};
}

/// Both URIs lead to the same host and port.
bool lead_alike(std::string_view one, std::string_view other) {
  const auto a = sip::uri::parse(one);
  const auto b = sip::uri::parse(other);
  return a && b && iequals(a->host().text, b->host().text) && a->port() == b->port();
}

/// The host of the present Request-URI was named by a stranger: it is in a Contact that lookup()
/// found. What a failure_route has before it may be one.
bool is_named_by_stranger(const message_context& m) {
  return m.block() != script::block_kind::request || m.reach().named == stack::named_by::stranger;
}

/// Who has said that the way leads there. A script that changes the user, the parameters or the
/// order of what the sender wrote has not; nor has one that tries the same host again, or leaves
/// the sender his Route.
stack::named_by who_named(const message_context& m, const way& w, const reachability& via,
                          std::string_view route_hop) {
  if (via.named == stack::named_by::stranger) return stack::named_by::stranger;
  if (!via.uri.empty()) return stack::named_by::us;
  if (!route_hop.empty()) return stack::named_by::stranger;
  if (!via.path.empty()) return stack::named_by::us;
  const bool is_as_asked = w.uri == m.original_uri() || lead_alike(w.uri, m.original_uri()) ||
                           (is_named_by_stranger(m) && lead_alike(w.uri, m.uri()));
  return is_as_asked ? stack::named_by::stranger : stack::named_by::us;
}

} // namespace

/// Ways whose host names are being looked up, with texts of their own: what they view may change
/// while the script waits.
struct way_finder::searched {
  explicit searched(std::span<const way> of) {
    texts.reserve(of.size() * 3);
    const auto own = [&](std::string_view text) -> std::string_view {
      return texts.emplace_back(text);
    };
    for (const way& w : of) {
      ways.push_back({own(w.uri), own(w.hop_uri), own(w.path), w.found, w.named, w.paid});
      pending += w.is_to_be_found() ? 1 : 0;
    }
  }
  searched(const searched&) = delete;
  searched& operator=(const searched&) = delete;

  std::vector<std::string> texts;
  std::vector<way> ways;
  std::size_t pending = 0; ///< that are not found yet
};

way_finder::way_finder(core& owner) : core_{owner}, locator_{owner.on().hosts} {}

void way_finder::collect(const message_context& m, way_list& ways) {
  if (m.message().has(sip::header_id::route)) ways.route_hop = stack::next_hop_uri(m.message());
  const auto add = [&](std::string_view uri, const reachability& via) {
    way& w = ways.all.emplace_back();
    w.uri = uri;
    w.path = via.path;
    w.named = who_named(m, w, via, ways.route_hop);
    w.paid = via.paid;
    const auto lead = stack::lead_of({.uri = uri,
                                      .route = ways.route_hop,
                                      .chosen = via.uri,
                                      .path = via.path,
                                      .has_address = via.flow || via.received});
    w.hop_uri = lead.uri;
    if (!lead.is_by_address) return;
    stack::target& fixed = w.found.targets.emplace_back();
    fixed.address = via.received;
    fixed.flow = via.flow;
    fixed.transport = via.transport;
  };
  if (m.block() == script::block_kind::request) add(m.uri(), m.reach());
  for (const destination& branch : m.branches().all()) add(branch.uri, branch.reach);
}

bool way_finder::find_at_once(const message_context& m, std::span<way> ways) {
  bool is_complete = true;
  for (way& w : ways) {
    if (!w.is_to_be_found()) continue;
    // Most ways go by the Request-URI, which has been parsed.
    const auto asked = w.hop_uri.data() == m.uri().data() ? m.parsed_uri() : std::nullopt;
    w.found = asked ? find_known(*asked) : find_known(w.hop_uri);
    is_complete = is_complete && !w.is_to_be_found();
  }
  return is_complete;
}

script::outcome way_finder::search(message_context& m, std::span<const way> ways, found_ways then) {
  const auto of = std::make_shared<searched>(ways);
  const auto found_all = core_.wait<std::shared_ptr<searched>>(
      m, [then = std::move(then)](message_context& later, std::shared_ptr<searched>&& done) {
        return then(later, done->ways);
      });
  for (way& w : of->ways) {
    if (!w.is_to_be_found()) continue;
    find(w.hop_uri, [of, &w, found_all](located&& found) {
      w.found = std::move(found);
      if (--of->pending == 0) found_all(of);
    });
  }
  return script::outcome::suspended();
}

/// \param uri lives until `done` is called or destroyed.
void way_finder::find(std::string_view uri, std::function<void(located&&)> done) {
  const auto refuse = [&](routing_error why) { done({.targets = {}, .error = why}); };
  const auto parsed = sip::uri::parse(uri);
  if (!parsed) return refuse(routing_error::bad_uri);
  auto search = stack::server_location::of(*parsed, core_.location_terms());
  if (!search) return refuse(error_of(search.error()));
  locator_.find(std::move(*search), [done = std::move(done)](stack::server_location& found) {
    located result{.targets = std::move(found.targets())};
    if (result.targets.empty()) result.error = routing_error::bad_address;
    done(std::move(result));
  });
}

} // namespace tandem::server
