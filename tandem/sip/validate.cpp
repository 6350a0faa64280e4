// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/validate.hpp>

#include <tandem/base/text.hpp>
#include <tandem/sip/escape.hpp>
#include <tandem/sip/headers.hpp>
#include <tandem/sip/single_values.hpp>
#include <tandem/sip/status.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace tandem::sip {
namespace {

using verdict = std::optional<rejection>;

verdict refuse(int status, std::string_view reason) {
  return rejection{.status = status, .reason = std::string{reason}, .value = {}};
}

/// RFC 3261 21.4.1: 400 says which header field cannot be read, and why.
verdict refuse_field(std::string_view name, parse_error error) {
  std::string reason{"Bad "};
  reason += name;
  reason += ": ";
  reason += describe(error.code);
  return rejection{.status = 400, .reason = std::move(reason), .value = {}};
}

/// Headers that may stand once and that somebody acts on. Free text twice (Subject, User-Agent)
/// harms nobody.
constexpr header_set strictly_single = [] {
  header_set set;
#define TANDEM_HEADER(id, name, compact, shape, value, source)                                     \
  if (header_shape::shape == header_shape::single && std::string_view{#value} != "text_value")     \
    set.add(header_id::id);
#include <tandem/sip/headers.def>
#undef TANDEM_HEADER
  return set;
}();

/// What a response is matched by, but for Via, of which there may be several lines.
constexpr header_set matching{header_id::from, header_id::to, header_id::call_id, header_id::cseq};

/// A line of one of these names stands twice (RFC 3261 7.3.1): of two lines one parser takes the
/// first, another the last.
bool has_repeated_line(const message& msg, const header_set& names) {
  if (!msg.may_repeat(names)) return false;
  header_set seen;
  for (std::size_t i = 0; i < msg.header_count(); ++i) {
    const header_id id = msg.id(i);
    if (names.has(id) && seen.has(id)) return true;
    seen.add(id);
  }
  return false;
}

/// The value of the first line of that name, which is there.
std::string_view line_of(const message& msg, header_id id) { return *msg.first(id); }

/// Reads From or To. \return whether a parameter stands twice there
result<bool, parse_error> read_party(const message& msg, header_id id) {
  if (const auto plain = msg.plain_address(id); !plain.empty()) {
    uri address;
    if (const auto fault = address.assign(plain)) return tl::unexpected<parse_error>(*fault);
    return false;
  }
  const auto whole = name_addr::parse(line_of(msg, id));
  if (!whole) return tl::unexpected<parse_error>(whole.error());
  return has_repeated(whole->params);
}

/// The method in CSeq, whose number is below 2^31 (RFC 3261 8.1.1.5). With a key the message has
/// read both before.
result<std::string_view, parse_error>
method_of_sequence(const message& msg, const result<message_key, header_id>& key) noexcept {
  constexpr std::uint32_t highest = 0x7fff'ffff;
  if (key && key->cseq <= highest) return key->cseq_method_text;
  const auto parsed = cseq::parse(line_of(msg, header_id::cseq));
  if (!parsed) return tl::unexpected<parse_error>(parsed.error());
  return parsed->method;
}

/// RFC 3261 8.1.1: what every message has, and that it can be read.
verdict check_mandatory(const message& msg) {
  // With a key all five are there, and the message has read its top Via before.
  const auto key = msg.key();
  if (!key)
    for (const header_id id :
         {header_id::via, header_id::from, header_id::to, header_id::call_id, header_id::cseq})
      if (!msg.has(id)) return refuse(400, std::string{"Missing "}.append(to_string(id)));
  if (has_repeated_line(msg, strictly_single)) return refuse(400, "Repeated Header Field");
  const auto top = key ? msg.get<hdr::via>() : list<via>{line_of(msg, header_id::via)}.front();
  if (!top) return refuse_field("Via", top.error());
  const auto from_repeats = read_party(msg, header_id::from);
  if (!from_repeats) return refuse_field("From", from_repeats.error());
  const auto to_repeats = read_party(msg, header_id::to);
  if (!to_repeats) return refuse_field("To", to_repeats.error());
  if (const auto id = call_id::parse(key ? key->call_id : line_of(msg, header_id::call_id)); !id)
    return refuse_field("Call-ID", id.error());
  const auto method = method_of_sequence(msg, key);
  if (!method) return refuse_field("CSeq", method.error());
  // RFC 3261 7.3.1: two tags or two branches, and every parser sees another dialog or transaction.
  if (top->params.has_repeated()) return refuse(400, "Repeated Parameter in Via");
  if (*from_repeats) return refuse(400, "Repeated Parameter in From");
  if (*to_repeats) return refuse(400, "Repeated Parameter in To");
  // RFC 3261 8.1.1.5; a response has no method of its own to compare.
  if (msg.is_request() && *method != msg.method_text())
    return refuse(400, "CSeq of Another Method");
  return {};
}

/// RFC 3261 8.1.3.3, 16.7: a response that must not be processed is dropped.
bool is_worthless(const message& response, role as) {
  if (fault_of_response(response) || check_mandatory(response)) return true;
  // RFC 4475 3.1.2.20: nothing is sent on to a broadcast address.
  constexpr std::string_view broadcast = "255.255.255.255";
  std::size_t hops = 0;
  bool is_broadcast = false;
  for_each_value(response, header_id::via, [&](std::string_view value) {
    ++hops;
    if (value.find(broadcast) == std::string_view::npos) return; // not worth reading
    const auto hop = via::parse(value);
    is_broadcast |= hop && hop->sent_by.host.text == broadcast;
  });
  return is_broadcast || (as != role::proxy && hops > 1);
}

bool is_one_of(std::string_view text, std::span<const std::string_view> names) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view name) { return iequals(text, name); });
}

void append(std::string& to, std::string_view item) {
  if (!to.empty()) to += ", ";
  to += item;
}

std::string join(std::span<const std::string_view> items) {
  std::string joined;
  for (const auto item : items) append(joined, item);
  return joined;
}

/// RFC 3261 8.2.2.3, 16.3 step 4: the option tags that are asked for and not there.
verdict check_required(const message& request, header_id header, const supported_sets& supported) {
  if (!request.has(header)) return {};
  std::string unsupported;
  for_each_value(request, header, [&](std::string_view tag) {
    if (!is_one_of(tag, supported.option_tags)) append(unsupported, tag);
  });
  if (unsupported.empty()) return {};
  return rejection{.status = 420,
                   .reason = "Bad Extension",
                   .header = header_id::unsupported,
                   .value = std::move(unsupported)};
}

/// RFC 3261 8.2.3: a body whose handling is not optional must be understood.
verdict check_body(const message& request, const supported_sets& supported) {
  if (request.body().empty()) return {};
  const auto disposition = request.get<hdr::content_disposition>();
  if (disposition && iequals(disposition->params.value("handling"), "optional")) return {};
  if (!supported.content_encodings.empty()) {
    bool is_understood = true;
    for_each_value(request, header_id::content_encoding, [&](std::string_view encoding) {
      is_understood &=
          iequals(encoding, "identity") || is_one_of(encoding, supported.content_encodings);
    });
    if (!is_understood)
      return rejection{.status = 415,
                       .reason = "Unsupported Media Type",
                       .header = header_id::accept_encoding,
                       .value = join(supported.content_encodings)};
  }
  if (supported.content_types.empty()) return {};
  const auto type = request.get<hdr::content_type>();
  // RFC 3261 20.15: there must be one where there is a body.
  if (!type) return refuse_field("Content-Type", type.error());
  for (const auto known : supported.content_types)
    if (const auto it = media_type::parse(known); it && it->accepts(*type)) return {};
  return rejection{.status = 415,
                   .reason = "Unsupported Media Type",
                   .header = header_id::accept,
                   .value = join(supported.content_types)};
}

/// RFC 3261 20.1, RFC 4475 3.3.10: an answer to an INVITE needs a type that the caller accepts.
bool accepts_an_answer(const message& invite, const supported_sets& supported) {
  if (supported.content_types.empty() || !invite.has(header_id::accept)) return true;
  for (const auto& range : invite.all<hdr::accept>()) {
    if (!range || range->q() == 0) continue;
    for (const auto known : supported.content_types)
      if (const auto it = media_type::parse(known); it && range->accepts(*it)) return true;
  }
  return false;
}

/// RFC 3261 10.3 step 6: the star stands alone and with Expires 0.
verdict check_contacts(const message& request, role as) {
  std::size_t n = 0;
  bool has_star = false;
  for (const auto& one : request.all<hdr::contact>()) {
    if (!one) return refuse_field("Contact", one.error());
    ++n;
    has_star |= one->is_star;
  }
  if (!has_star) return {};
  const auto expires = request.get<hdr::expires>();
  if (as != role::registrar || n > 1 || !expires || expires->value != 0)
    return refuse(400, "Bad Contact: a star stands alone, with Expires 0");
  return {};
}

/// RFC 3261 22: credentials of a scheme that is not known are as none (RFC 4475 3.3.7).
verdict check_credentials(const message& request, role as, const supported_sets& supported) {
  if (supported.auth_schemes.empty() || request.method() == method::cancel) return {};
  const header_id header =
      as == role::proxy ? header_id::proxy_authorization : header_id::authorization;
  for (std::size_t i = request.find(header); i != message::npos; i = request.find(header, i + 1)) {
    cursor at{request.header(i).value};
    if (is_one_of(at.take_token(), supported.auth_schemes)) return {};
  }
  if (as == role::proxy)
    return rejection{.status = 407,
                     .reason = "Proxy Authentication Required",
                     .header = header_id::proxy_authenticate,
                     .value = {}};
  return rejection{
      .status = 401, .reason = "Unauthorized", .header = header_id::www_authenticate, .value = {}};
}

verdict check_request_uri(const message& request, const supported_sets& supported,
                          std::optional<uri>& target) {
  if (const auto fault = target.emplace().assign(request.request_uri())) {
    target.reset();
    return refuse_field("Request-URI", *fault);
  }
  if (target->has_repeated()) return refuse(400, "Repeated Parameter in Request-URI");
  // RFC 3261 19.1.1: no headers in a Request-URI (RFC 4475 3.1.2.11).
  if (target->is_sip() && !target->headers_text().empty())
    return refuse(400, "Headers in Request-URI");
  if (!supported.uri_schemes.empty() && !is_one_of(target->scheme_text(), supported.uri_schemes))
    return refuse(416, "Unsupported URI Scheme");
  return {};
}

verdict check_request(const message& request, role as, const supported_sets& supported,
                      read_values& read) {
  if (const auto defect = request.defect())
    return refuse(status_owed(defect->code), reason_owed(defect->code));
  if (auto v = check_mandatory(request)) return v;
  if (auto v = check_request_uri(request, supported, read.target)) return v;
  const auto max_forwards = request.first(header_id::max_forwards);
  const auto hops = max_forwards ? hop_count::parse(*max_forwards) : hop_count{70};
  if (!hops) return refuse_field("Max-Forwards", hops.error());

  if (as == role::proxy) {
    // RFC 3261 8.2.2.3, 9.1: an ACK or a CANCEL is not refused for what its INVITE required.
    if (request.method() != method::ack && request.method() != method::cancel)
      if (auto v = check_required(request, header_id::proxy_require, supported)) return v;
    if (auto v = check_credentials(request, as, supported)) return v;
    // Last, though it is step 3 of 16.3: who may still take the request at 0 relies on the others.
    if (hops->value == 0) return refuse(483, "Too Many Hops");
    return {};
  }
  if (auto v = check_contacts(request, as)) return v;
  if (request.method() != method::ack && request.method() != method::cancel)
    if (auto v = check_required(request, header_id::require, supported)) return v;
  if (auto v = check_body(request, supported)) return v;
  if (request.method() == method::invite && !accepts_an_answer(request, supported))
    return refuse(406, "Not Acceptable");
  return check_credentials(request, as, supported);
}

} // namespace

bool has_repeated(const params& all) noexcept {
  if (all.text().find(';') == std::string_view::npos) return false; // one at most
  std::array<std::string_view, max_parameters> names;
  std::size_t count = 0;
  for (const param& each : all) {
    const auto seen = std::span{names}.first(count);
    const auto is_this = [&each](std::string_view name) { return iequals(name, each.name); };
    if (std::any_of(seen.begin(), seen.end(), is_this) || count == names.size()) return true;
    names[count++] = each.name;
  }
  return false;
}

std::optional<std::string_view> fault_of_response(const message& response) noexcept {
  if (const auto defect = response.defect()) return describe(defect->code);
  if (has_repeated_line(response, matching)) return "From, To, Call-ID or CSeq stands twice";
  if (const auto key = response.key(); !key) {
    switch (key.error()) {
    case header_id::via: return "no Via that can be read";
    case header_id::from: return "no From that can be read";
    case header_id::to: return "no To that can be read";
    case header_id::call_id: return "no Call-ID";
    default: return "no CSeq that can be read";
    }
  }
  return std::nullopt;
}

std::optional<rejection> validate(const message& msg, role as, const supported_sets& supported,
                                  read_values* read) {
  if (!msg) return rejection{};
  if (msg.is_response()) return is_worthless(msg, as) ? verdict{rejection{}} : std::nullopt;
  read_values unasked;
  auto v = check_request(msg, as, supported, read ? *read : unasked);
  // RFC 3261 17: an ACK is never answered.
  if (v && msg.method() == method::ack) return rejection{};
  return v;
}

int status_owed(parse_errc code) noexcept {
  switch (code) {
  case parse_errc::too_large: return 513;
  case parse_errc::bad_version: return 505;
  default: return 400;
  }
}

std::string_view reason_owed(parse_errc code) noexcept {
  const int status = status_owed(code);
  return status == 400 ? describe(code) : default_reason(status);
}

} // namespace tandem::sip
