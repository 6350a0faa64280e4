// SPDX-License-Identifier: Apache-2.0
#include <tandem/xmpp/bosh_answer.hpp>

#include <tandem/base/text.hpp>

#include <algorithm>
#include <new>
#include <utility>

namespace tandem::xmpp {

namespace {

constexpr std::string_view stream_error_space = "urn:ietf:params:xml:ns:xmpp-streams";
constexpr std::uint32_t a_day = 86'400;
constexpr std::size_t longest_sid = 512;

/// A number of the body; what is none, or is none that anybody means, counts as not there.
std::uint32_t number(const xml_element& body, std::string_view name, std::uint32_t otherwise,
                     std::uint32_t most) {
  const auto value = parse_number<std::uint32_t>(body.attribute(name));
  return value ? std::min(*value, most) : otherwise;
}

session_terms terms_of(const xml_element& body) {
  session_terms terms;
  if (body.attribute("sid").size() <= longest_sid) terms.sid = body.attribute("sid");
  terms.wait = seconds{number(body, "wait", a_day, a_day)};
  terms.inactivity = seconds{number(body, "inactivity", 0, a_day)};
  terms.polling = seconds{number(body, "polling", 0, a_day)};
  terms.maxpause = seconds{number(body, "maxpause", 0, a_day)};
  terms.hold = number(body, "hold", 1, 1);
  terms.requests = std::max(number(body, "requests", terms.hold + 1, 2), 1U);
  terms.acks = body.find_attribute("ack") != nullptr;
  return terms;
}

/// RFC 6120 4.9.3.3: <conflict/> within <stream:error/>; some leave the latter out.
bool has_conflict(const xml_element& body) {
  if (body.find_child("conflict", stream_error_space)) return true;
  return std::ranges::any_of(body.children, [](const xml_element& child) {
    return child.name == "error" && child.find_child("conflict", stream_error_space);
  });
}

} // namespace

std::optional<bosh_answer> read_bosh_answer(std::string_view document) {
  auto body = read_xml(document);
  if (!body && body.error() == xml_errc::no_memory) throw std::bad_alloc{};
  if (!body || !body->is("body", httpbind_space)) return std::nullopt;
  bosh_answer answer;
  const std::string_view type = body->attribute("type");
  if (type == "error") {
    answer.what = bosh_answer::kind::repeat;
  } else if (type == "terminate" || type == "terminal") {
    answer.what = bosh_answer::kind::terminate;
    if (const std::string* const condition = body->find_attribute("condition"))
      answer.condition = session_end_of(*condition);
    if (answer.condition == session_end::remote_stream_error && has_conflict(*body))
      answer.condition = session_end::conflict;
    if (const xml_element* const uri = body->find_child("uri", httpbind_space))
      answer.uri = trim(uri->text);
  }
  answer.report = parse_number<std::uint64_t>(body->attribute("report"));
  answer.terms = terms_of(*body);
  answer.stanzas = std::move(body->children);
  return answer;
}

} // namespace tandem::xmpp
