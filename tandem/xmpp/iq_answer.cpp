// SPDX-License-Identifier: Apache-2.0
#include <tandem/xmpp/iq_answer.hpp>

#include <tandem/xmpp/bosh_answer.hpp>
#include <tandem/xmpp/xml_writer.hpp>

#include <array>
#include <string_view>
#include <utility>

namespace tandem::xmpp {

namespace {

constexpr std::string_view ping_space = "urn:xmpp:ping";
constexpr std::string_view disco_space = "http://jabber.org/protocol/disco#info";
constexpr std::string_view version_space = "jabber:iq:version";
constexpr std::size_t longest_id = 1023;

void write_disco(xml_writer& xml) {
  xml.open("query", disco_space);
  xml.open("identity").attribute("category", "client").attribute("type", "phone");
  xml.attribute("name", "SIP phone").close();
  for (const std::string_view feature : std::array{disco_space, version_space, ping_space})
    xml.open("feature").attribute("var", feature).close();
  xml.close();
}

} // namespace

std::optional<std::string> answer_iq(const xml_element& iq) {
  const std::string_view type = iq.attribute("type");
  const std::string_view id = iq.attribute("id");
  if ((type != "get" && type != "set") || id.empty() || id.size() > longest_id) return std::nullopt;
  const bool is_get = type == "get";
  const xml_element* const asked = iq.children.empty() ? nullptr : &iq.children.front();
  const auto asks = [&](std::string_view name, std::string_view space) {
    return is_get && asked && asked->is(name, space);
  };
  // XEP-0030 3.2: there are no nodes below us.
  const bool is_disco = asks("query", disco_space) && asked->attribute("node").empty();
  const bool is_version = asks("query", version_space);
  const bool is_known = is_disco || is_version || asks("ping", ping_space);
  xml_writer xml;
  xml.open("iq", client_space).attribute("type", is_known ? "result" : "error");
  xml.attribute("id", id);
  if (const std::string* const from = iq.find_attribute("from")) xml.attribute("to", *from);
  if (is_disco) {
    write_disco(xml);
  } else if (is_version) {
    xml.open("query", version_space).leaf("name", "Tandem").leaf("version", "0.1").close();
  } else if (!is_known) { // RFC 6120 8.4
    xml.open("error").attribute("type", "cancel");
    xml.open("service-unavailable", stanza_error_space).close().close();
  }
  xml.close();
  return std::move(xml).take();
}

} // namespace tandem::xmpp
