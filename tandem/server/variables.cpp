// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/variables.hpp>

#include <tandem/script/argument.hpp>
#include <tandem/server/message_context.hpp>
#include <tandem/sip/headers.hpp>

#include <chrono>
#include <ctime>
#include <fmt/format.h>
#include <iterator>
#include <unistd.h>

namespace tandem::server {

namespace {

using script::variable_info;
using script::variable_read;

const message_context& context_of(const variable_read& r) { return r.as<message_context>(); }
const sip::message& message_of(const variable_read& r) { return context_of(r).message(); }

/// Appends a text; false for an empty one.
bool put(variable_read& r, std::string_view text) {
  r.append(text);
  return !text.empty();
}

bool put_number(variable_read& r, std::uint64_t number) {
  fmt::format_to(std::back_inserter(r.out()), "{}", number);
  return true;
}

// ---- parts of a URI

using part_of_uri = std::string_view (*)(const sip::uri&);

std::string_view whole(const sip::uri& u) { return u.text(); }
std::string_view user(const sip::uri& u) {
  return u.scheme() == sip::uri_scheme::tel ? u.number() : u.user();
}
std::string_view host(const sip::uri& u) { return u.host().text; }

bool put_part(variable_read& r, std::string_view uri_text, part_of_uri part) {
  const auto uri = sip::uri::parse(uri_text);
  return uri && put(r, part(*uri));
}

template <part_of_uri Part>
bool request_uri(variable_read& r) {
  return put_part(r, context_of(r).uri(), Part);
}

template <part_of_uri Part>
bool original_uri(variable_read& r) {
  return put_part(r, context_of(r).original_uri(), Part);
}

bool request_port(variable_read& r) {
  const auto uri = sip::uri::parse(context_of(r).uri());
  return uri && uri->port() && put_number(r, *uri->port());
}

bool request_transport(variable_read& r) {
  const auto uri = sip::uri::parse(context_of(r).uri());
  return uri && put(r, uri->transport());
}

// ---- From, To

template <auto Header, part_of_uri Part>
bool address(variable_read& r) {
  const auto value = message_of(r).get<Header>();
  return value && put(r, Part(value->address));
}

template <auto Header>
bool display_name(variable_read& r) {
  const auto value = message_of(r).get<Header>();
  return value && put(r, value->display_name());
}

bool from_tag(variable_read& r) { return put(r, message_of(r).from_tag()); }
bool to_tag(variable_read& r) { return put(r, message_of(r).to_tag()); }

// ---- other headers

template <sip::header_id Id>
bool first_line(variable_read& r) {
  const auto text = message_of(r).first(Id);
  return text && put(r, *text);
}

bool header(variable_read& r) {
  const sip::message& m = message_of(r);
  const std::string name{r.argument()};
  int index = r.has_index() ? r.index() : 0;
  if (index < 0) index += static_cast<int>(m.count(name));
  if (index < 0) return false;
  const auto text = m.nth(name, static_cast<std::size_t>(index));
  return text && put(r, *text);
}

bool cseq_number(variable_read& r) {
  const auto key = message_of(r).key();
  return key && put_number(r, key->cseq);
}

// ---- the message and its way

bool status(variable_read& r) { return put(r, context_of(r).status()); }
bool reason(variable_read& r) {
  return message_of(r).is_response() && put(r, message_of(r).reason());
}
bool method(variable_read& r) { return put(r, context_of(r).method()); }
bool body(variable_read& r) { return put(r, message_of(r).body()); }
bool whole_message(variable_read& r) { return put(r, message_of(r).to_string()); }
bool length(variable_read& r) { return put_number(r, context_of(r).message_length()); }
bool next_hop_uri(variable_read& r) { return put(r, context_of(r).reach().uri); }
bool source_ip(variable_read& r) { return put(r, context_of(r).source_ip().to_string()); }
bool source_port(variable_read& r) { return put_number(r, context_of(r).source_port()); }
bool local_ip(variable_read& r) { return put(r, context_of(r).destination_ip().to_string()); }
bool local_port(variable_read& r) { return put_number(r, context_of(r).destination_port()); }
bool protocol(variable_read& r) { return put(r, name_of(context_of(r).from().transport)); }
bool flags(variable_read& r) { return put_number(r, context_of(r).flags()); }

// ---- the server

bool unix_time(variable_read& r) {
  return put_number(r, static_cast<std::uint64_t>(std::time(nullptr)));
}
bool time_text(variable_read& r) {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::localtime_r(&now, &parts);
  char text[64];
  return put(r, {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts)});
}
bool process_id(variable_read& r) { return put_number(r, static_cast<std::uint64_t>(::getpid())); }

variable_info plain(std::string name, std::string help, script::variable_callback read) {
  return {.name = std::move(name), .help = std::move(help), .read = std::move(read)};
}

} // namespace

std::vector<variable_info> message_variables() {
  using sip::header_id;
  constexpr auto from = sip::hdr::from;
  constexpr auto to = sip::hdr::to;
  return {
      plain("ru", "Request-URI, as rewritten so far", request_uri<whole>),
      plain("rU", "user of the Request-URI", request_uri<user>),
      plain("rd", "host of the Request-URI", request_uri<host>),
      plain("rp", "port of the Request-URI, if it names one", request_port),
      plain("rP", "transport of the Request-URI, if it names one", request_transport),
      plain("ou", "Request-URI as received", original_uri<whole>),
      plain("oU", "user of the Request-URI as received", original_uri<user>),
      plain("od", "host of the Request-URI as received", original_uri<host>),
      plain("du", "URI of the next hop, when it is not the Request-URI", next_hop_uri),
      plain("fu", "URI in From", address<from, whole>),
      plain("fU", "user in From", address<from, user>),
      plain("fd", "host in From", address<from, host>),
      plain("fn", "display name in From", display_name<from>),
      plain("ft", "tag of From", from_tag),
      plain("tu", "URI in To", address<to, whole>),
      plain("tU", "user in To", address<to, user>),
      plain("td", "host in To", address<to, host>),
      plain("tn", "display name in To", display_name<to>),
      plain("tt", "tag of To", to_tag),
      plain("ci", "Call-ID", first_line<header_id::call_id>),
      plain("cs", "number in CSeq", cseq_number),
      {.name = "rm", .help = "method", .read = method, .is_case_sensitive = true},
      plain("rs", "status of a reply", status),
      plain("rr", "reason phrase of a reply", reason),
      plain("si", "address the message came from", source_ip),
      plain("sp", "port the message came from", source_port),
      plain("Ri", "our address that it came to", local_ip),
      plain("Rp", "our port that it came to", local_port),
      plain("pr", "transport it came by: udp, tcp, tls, ws, wss", protocol),
      plain("ua", "User-Agent", first_line<header_id::user_agent>),
      plain("ct", "Contact", first_line<header_id::contact>),
      plain("cT", "Content-Type", first_line<header_id::content_type>),
      {.name = "hdr",
       .takes = variable_info::argument::required,
       .help = "text of a header; $(hdr(Via)[1]) is its second line, [-1] its last",
       .read = header},
      plain("rb", "body", body),
      plain("mb", "the whole message, with the edits so far", whole_message),
      plain("ml", "length of the message as received, in bytes", length),
      plain("mf", "flags of the message, as one number", flags),
      plain("Ts", "seconds since 1970", unix_time),
      plain("TS", "seconds since 1970", unix_time),
      plain("Tf", "date and time", time_text),
      plain("pp", "process id of the server", process_id),
  };
}

} // namespace tandem::server
