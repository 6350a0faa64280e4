// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/http_route/routing_answer.hpp>

#include <tandem/base/printable.hpp>
#include <tandem/sip/header_name.hpp>
#include <tandem/sip/header_set.hpp>
#include <tandem/sip/lexical.hpp>
#include <tandem/sip/uri.hpp>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cmath>
#include <fmt/format.h>
#include <initializer_list>

namespace tandem::modules {

namespace {

namespace json = boost::json;

using problem = std::string;

constexpr std::size_t most_choices = 32; ///< the Request-URI and as many branches as there may be
constexpr std::size_t most_headers = 64;
constexpr std::size_t most_text = 4096; ///< of one URI, value or reason

/// Those that say which transaction, dialog and way a message belongs to, how long it is, and who
/// has proved to be whom: they are the server's and the phones' own.
constexpr sip::header_set kept{sip::header_id::via,
                               sip::header_id::from,
                               sip::header_id::to,
                               sip::header_id::call_id,
                               sip::header_id::cseq,
                               sip::header_id::max_forwards,
                               sip::header_id::route,
                               sip::header_id::record_route,
                               sip::header_id::contact,
                               sip::header_id::content_length,
                               sip::header_id::content_type,
                               sip::header_id::authorization,
                               sip::header_id::proxy_authorization};

std::string quoted(std::string_view text) {
  constexpr std::size_t shown = 64;
  return fmt::format("'{}'", to_printable(text.substr(0, shown)));
}

bool is_line(std::string_view text) {
  return text.size() <= most_text &&
         text.find_first_of(std::string_view{"\r\n\0", 3}) == std::string_view::npos;
}

/// A name that is not known may be a typing error, and the answer mean something else.
std::optional<problem> find_stranger(const json::object& in,
                                     std::initializer_list<std::string_view> known) {
  for (const auto& member : in)
    if (std::ranges::find(known, std::string_view{member.key()}) == known.end())
      return fmt::format("{} is not a member that is known here", quoted(member.key()));
  return std::nullopt;
}

result<std::string, problem> read_uri(const json::value& from) {
  const json::string* const text = from.if_string();
  if (!text || !is_line(*text) || !sip::uri::parse(*text))
    return fail(
        fmt::format("{} is not a URI", text ? quoted(*text) : "what stands where a URI should"));
  return std::string{*text};
}

result<routing_choice, problem> read_choice(const json::value& from) {
  routing_choice made;
  if (from.is_string()) {
    auto uri = read_uri(from);
    if (!uri) return fail(uri.error());
    made.uri = std::move(*uri);
    return made;
  }
  const json::object* const o = from.if_object();
  if (!o || !o->if_contains("uri"))
    return fail(problem{"each of 'to' is a URI, or an object with 'uri'"});
  if (auto stranger = find_stranger(*o, {"uri", "next_hop", "q"})) return fail(*stranger);
  auto uri = read_uri(o->at("uri"));
  if (!uri) return fail(uri.error());
  made.uri = std::move(*uri);
  if (const json::value* const hop = o->if_contains("next_hop")) {
    auto read = read_uri(*hop);
    if (!read) return fail(read.error());
    made.next_hop = std::move(*read);
  }
  if (const json::value* const q = o->if_contains("q")) {
    json::error_code wrong;
    const double value = q->is_number() ? q->to_number<double>(wrong) : -1;
    if (wrong || !(value >= 0 && value <= 1)) return fail(problem{"'q' is a number from 0 to 1"});
    made.q = static_cast<std::uint16_t>(std::lround(value * 1000));
  }
  return made;
}

result<header_change, problem> read_header(std::string_view name, const json::value& from) {
  header_change made{std::string{name}, {}};
  const sip::header_name known{made.name};
  if (known.id() == sip::header_id::unknown && !sip::is_token(name))
    return fail(fmt::format("{} is not the name of a header", quoted(name)));
  if (kept.has(known.id()))
    return fail(fmt::format("the header {} is not the application's to change", quoted(name)));
  const auto add = [&made](const json::value& value) {
    const json::string* const text = value.if_string();
    if (text && is_line(*text)) made.values.emplace_back(*text);
    return text && is_line(*text);
  };
  bool is_good = true;
  if (const json::array* const values = from.if_array())
    is_good = values->size() <= most_headers && std::ranges::all_of(*values, add);
  else if (!from.is_null())
    is_good = add(from);
  if (!is_good)
    return fail(fmt::format("the header {} is neither null, a line of text nor a list of such",
                            quoted(name)));
  return made;
}

std::optional<problem> read_headers(const json::object& o, routing_answer& made) {
  const json::value* const found = o.if_contains("headers");
  if (!found) return std::nullopt;
  const json::object* const all = found->if_object();
  if (!all || all->size() > most_headers)
    return fmt::format("'headers' is an object of at most {} names", most_headers);
  for (const auto& member : *all) {
    auto one = read_header(member.key(), member.value());
    if (!one) return std::move(one.error());
    made.headers.push_back(std::move(*one));
  }
  return std::nullopt;
}

std::optional<problem> read_choices(const json::object& o, routing_answer& made) {
  const json::value* const found = o.if_contains("to");
  const json::array* const all = found ? found->if_array() : nullptr;
  if (!all || all->empty() || all->size() > most_choices)
    return fmt::format("'to' is a list of 1 to {} destinations", most_choices);
  for (const json::value& each : *all) {
    auto one = read_choice(each);
    if (!one) return std::move(one.error());
    made.to.push_back(std::move(*one));
  }
  return std::nullopt;
}

std::optional<problem> read_status(const json::object& o, routing_answer& made, int least, int most,
                                   bool for_invite) {
  if (const json::value* const status = o.if_contains("status")) {
    const std::int64_t* const number = status->if_int64();
    if (!number || *number < least || *number > most)
      return fmt::format("'status' is a number from {} to {}", least, most);
    made.status = static_cast<int>(*number);
  }
  if (made.status == 0) return problem{"'status' is missing"};
  if (for_invite && made.status < 300)
    return problem{
        "an INVITE is accepted by a user agent, not by an application (RFC 3261 13.3.1)"};
  if (const json::value* const reason = o.if_contains("reason")) {
    const json::string* const text = reason->if_string();
    if (!text || !is_line(*text)) return problem{"'reason' is one line of text"};
    made.reason = *text;
  }
  return std::nullopt;
}

} // namespace

result<routing_answer, std::string> read_routing_answer(std::string_view text, bool for_invite) {
  json::error_code wrong;
  const json::value root = json::parse(text, wrong);
  if (wrong) return fail(fmt::format("its answer is not JSON: {}", wrong.message()));
  const json::object* const o = root.if_object();
  const json::value* const action = o ? o->if_contains("action") : nullptr;
  const json::string* const what = action ? action->if_string() : nullptr;
  if (!what) return fail(problem{"its answer is not an object with a text 'action'"});
  routing_answer made;
  std::optional<problem> found;
  if (*what == "continue") {
    found = find_stranger(*o, {"action", "headers"});
  } else if (*what == "relay") {
    made.what = routing_answer::action::relay;
    found = find_stranger(*o, {"action", "headers", "to"});
    if (!found) found = read_choices(*o, made);
  } else if (*what == "reply") {
    made.what = routing_answer::action::reply;
    found = find_stranger(*o, {"action", "headers", "status", "reason"});
    if (!found) found = read_status(*o, made, 200, 699, for_invite);
  } else if (*what == "redirect") {
    made.what = routing_answer::action::reply;
    made.status = 302;
    found = find_stranger(*o, {"action", "headers", "to", "status", "reason"});
    if (!found) found = read_choices(*o, made);
    if (!found) found = read_status(*o, made, 300, 399, for_invite);
  } else {
    return fail(
        fmt::format("the action {} is not continue, relay, reply or redirect", quoted(*what)));
  }
  if (!found) found = read_headers(*o, made);
  if (found) return fail(std::move(*found));
  return made;
}

} // namespace tandem::modules
