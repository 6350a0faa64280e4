// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/request_draft.hpp>

#include <tandem/base/decimal.hpp>
#include <tandem/base/hex.hpp>
#include <tandem/base/random.hpp>
#include <tandem/base/text.hpp>
#include <tandem/sip/build.hpp>
#include <tandem/sip/header_text.hpp>
#include <tandem/sip/headers.hpp>
#include <tandem/sip/lexical.hpp>
#include <tandem/sip/message_editor.hpp>
#include <tandem/sip/uri.hpp>

#include <array>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tandem::stack {

namespace {

using id = sip::header_id;

/// 16 hexadecimal digits that nobody can guess.
std::string random_word() {
  const std::uint64_t bits = random_bits();
  std::array<std::uint8_t, sizeof bits> bytes;
  std::memcpy(bytes.data(), &bits, sizeof bits);
  std::string text(2 * bytes.size(), '0');
  write_hex(text.data(), std::span{bytes});
  return text;
}

struct given_line {
  sip::header_name name;
  std::string_view value;
};

/// The next line of `rest`, without its end.
std::string_view take_line(std::string_view& rest) noexcept {
  const auto end = rest.find('\n');
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

const given_line* find(const std::vector<given_line>& lines, id which) noexcept {
  for (const given_line& line : lines)
    if (line.name.id() == which) return &line;
  return nullptr;
}

/// What may stand once alone was given before.
bool is_repeated(const std::vector<given_line>& lines, id which) noexcept {
  return which != id::unknown && sip::info(which).shape == sip::header_shape::single &&
         find(lines, which);
}

result<std::vector<given_line>, draft_errc> read_lines(std::string_view text) {
  std::vector<given_line> lines;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    const auto colon = line.find(':');
    // A line that goes on with the one before (7.3.1) could hide another header.
    if (colon == line.npos || is_blank(line.front())) return fail(draft_errc::bad_headers);
    const std::string_view name = trim(line.substr(0, colon));
    if (!sip::is_token(name)) return fail(draft_errc::bad_headers);
    const given_line made{name, trim(line.substr(colon + 1))};
    switch (made.name.id()) {
    case id::via: return fail(draft_errc::bad_headers);
    case id::content_length: return fail(draft_errc::has_content_length);
    default: break;
    }
    if (is_repeated(lines, made.name.id())) return fail(draft_errc::bad_headers);
    lines.push_back(made);
  }
  return lines;
}

/// With `text` in the place of own_address.
std::string with_own_address(std::string_view value, std::string_view text) {
  std::string made{value};
  for (auto at = made.find(own_address); at != made.npos;
       at = made.find(own_address, at + text.size()))
    made.replace(at, own_address.size(), text);
  return made;
}

/// Names who speaks, or counts: it is sent as it was given.
bool is_sent_as_given(id which) noexcept {
  return which == id::from || which == id::to || which == id::call_id || which == id::cseq;
}

/// What a request is routed and matched by must be right. The rest is the caller's: old scripts
/// send an "x: y" that reads as a Session-Expires.
bool is_readable(const given_line& line) {
  switch (line.name.id()) {
  case id::from:
  case id::to:
  case id::call_id:
  case id::cseq: return !sip::find_fault(line.name.id(), line.value);
  case id::contact:
  case id::route:
  case id::max_forwards:
    return !sip::find_fault(line.name.id(), with_own_address(line.value, "192.0.2.1:5060"));
  default: return true;
  }
}

std::optional<draft_errc> fault_of(const request_draft& draft,
                                   const std::vector<given_line>& lines) {
  if (lines.empty()) return draft_errc::bad_headers;
  if (!draft.body.empty() && !find(lines, id::content_type)) return draft_errc::no_content_type;
  if (!find(lines, id::to)) return draft_errc::no_to;
  const given_line* const from = find(lines, id::from);
  if (!from) return draft_errc::no_from;
  if (!sip::name_addr::parse(from->value)) return draft_errc::bad_from;
  if (const given_line* const cseq = find(lines, id::cseq)) {
    const auto parsed = sip::cseq::parse(cseq->value);
    if (!parsed) return draft_errc::bad_cseq;
    if (parsed->method != draft.method) return draft_errc::other_method;
  }
  for (const given_line& line : lines)
    if (!is_readable(line)) return draft_errc::bad_headers;
  return std::nullopt;
}

/// RFC 3261 8.1.1.8, 12.1.2, RFC 6665 4.1.2.1, RFC 3515 2.2: it says where requests of the peer go.
bool needs_contact(std::string_view method) noexcept {
  return method == "INVITE" || method == "SUBSCRIBE" || method == "REFER" || method == "UPDATE";
}

} // namespace

std::string_view to_string(draft_errc errc) noexcept {
  switch (errc) {
  case draft_errc::bad_method: return "method invalid";
  case draft_errc::bad_uri: return "ruri invalid";
  case draft_errc::bad_headers: return "HFs unparseable";
  case draft_errc::no_to: return "To missing";
  case draft_errc::no_from: return "From missing";
  case draft_errc::bad_from: return "Error in From";
  case draft_errc::bad_cseq: return "non-nummerical CSeq"; // as old scripts know it
  case draft_errc::other_method: return "CSeq method mismatch";
  case draft_errc::has_content_length: return "Content-Length disallowed";
  case draft_errc::no_content_type: return "Content-Type missing";
  case draft_errc::too_large: break;
  }
  return "the request is too large";
}

result<sip::message, draft_errc> make_own_request(const request_draft& draft) {
  if (!sip::is_token(draft.method) || draft.method == "ACK" || draft.method == "CANCEL")
    return fail(draft_errc::bad_method);
  if (!sip::uri::parse(draft.uri)) return fail(draft_errc::bad_uri);
  if (draft.headers.size() + draft.body.size() > sip::max_message_size)
    return fail(draft_errc::too_large);
  const auto lines = read_lines(draft.headers);
  if (!lines) return fail(lines.error());
  if (const auto fault = fault_of(draft, *lines)) return fail(*fault);

  auto request = sip::message_builder::request(draft.method, draft.uri);
  for (const given_line& line : *lines) {
    if (line.name.id() == id::from && sip::name_addr::parse(line.value)->tag().empty())
      request.add(line.name, {line.value, ";tag=", random_word()}); // 8.1.1.3
    else
      request.add(line.name, line.value);
  }
  if (!find(*lines, id::call_id)) request.add(id::call_id, random_word() + random_word());
  if (!find(*lines, id::cseq)) request.add(id::cseq, {"1 ", draft.method});
  if (!find(*lines, id::max_forwards)) request.add(id::max_forwards, "70"); // 8.1.1.6
  if (needs_contact(draft.method) && !find(*lines, id::contact))
    request.add(id::contact, {"<sip:", own_address, ">"});
  if (!draft.software.empty() && !find(*lines, id::user_agent))
    request.add(id::user_agent, draft.software);
  auto made = request.finish();
  if (!made)
    return fail(made.error() == sip::edit_errc::too_large ? draft_errc::too_large
                                                          : draft_errc::bad_headers);
  if (!draft.body.empty() && !made->edit().set_body(draft.body)) return fail(draft_errc::too_large);
  return std::move(*made);
}

bool put_own_address(sip::message& request, std::string_view sent_by, std::uint16_t default_port) {
  // "192.0.2.1", "[2001:db8::1]" or with a port behind it.
  const auto colon = sent_by.rfind(':');
  const bool has_port = colon != sent_by.npos && sent_by.find(']', colon) == sent_by.npos;
  std::string address{sent_by};
  if (!has_port) address.append(":").append(decimal{default_port}.view());
  for (std::size_t i = 0; i < request.header_count(); ++i) {
    const std::string_view value = request.value(i);
    if (is_sent_as_given(request.id(i)) || value.find(own_address) == value.npos) continue;
    if (!request.edit().replace_line(i, with_own_address(value, address))) return false;
  }
  return true;
}

} // namespace tandem::stack
