// SPDX-License-Identifier: Apache-2.0
#include <tandem/xmpp/xml_reader.hpp>

#include <gtest/gtest.h>

namespace tandem::xmpp {
namespace {

constexpr std::string_view answer =
    "<?xml version='1.0'?><body sid='a&amp;b' xmlns='http://jabber.org/protocol/httpbind' "
    "xmlns:xmpp='urn:xmpp:xbosh' xmpp:version='1.0'><presence xmlns='jabber:client' id=\"7\">"
    "<status>On the &#x70;hone.</status></presence><iq xmlns='jabber:client'/></body>";

xml_errc error_of(std::string_view document, const xml_limits& limits = {}) {
  const auto read = read_xml(document, limits);
  EXPECT_FALSE(read) << document;
  return read ? xml_errc{} : read.error();
}

TEST(xml_reader, tells_names_by_their_namespaces) {
  const auto body = read_xml(answer);
  ASSERT_TRUE(body);
  EXPECT_TRUE(body->is("body", "http://jabber.org/protocol/httpbind"));
  EXPECT_EQ(body->attribute("sid"), "a&b");
  EXPECT_EQ(body->attribute("version", "urn:xmpp:xbosh"), "1.0");
  EXPECT_EQ(body->find_attribute("version"), nullptr);
  ASSERT_EQ(body->children.size(), 2U);
  const xml_element* const presence = body->find_child("presence", "jabber:client");
  ASSERT_TRUE(presence);
  EXPECT_EQ(presence->attribute("id"), "7");
  ASSERT_TRUE(presence->find_child("status", "jabber:client"));
  EXPECT_EQ(presence->find_child("status", "jabber:client")->text, "On the phone.");
  EXPECT_EQ(body->find_child("presence", ""), nullptr);
}

TEST(xml_reader, takes_no_beginning_of_a_document_for_the_whole) {
  for (std::size_t n = 0; n < answer.size(); ++n)
    EXPECT_EQ(error_of(answer.substr(0, n)), xml_errc::malformed) << n;
}

// RFC 6120 11.1
TEST(xml_reader, refuses_what_xmpp_forbids) {
  for (const std::string_view document :
       {"<!DOCTYPE a><a/>", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "<a><!-- b --></a>",
        "<!-- b --><a/>", "<a><?b c?></a>", "<?b c?><a/>",
        "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>"})
    EXPECT_EQ(error_of(document), xml_errc::restricted) << document;
  EXPECT_EQ(error_of("<a>&b;</a>"), xml_errc::malformed);
}

TEST(xml_reader, reads_utf8_alone) {
  EXPECT_TRUE(read_xml("<a>\xc3\xa9</a>"));
  // Declared as something else, it is read as UTF-8 all the same (RFC 6120 11.6).
  const auto read = read_xml("<?xml version='1.0' encoding='ISO-8859-1'?><a>\xc3\xa9</a>");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->text, "\xc3\xa9");
  EXPECT_EQ(error_of("<a>\xe9</a>"), xml_errc::malformed);
  EXPECT_EQ(error_of(std::string_view{"<a>\0</a>", 8}), xml_errc::malformed);
  EXPECT_EQ(error_of("<a b='1' b='2'/>"), xml_errc::malformed);
  EXPECT_EQ(error_of("<a:b/>"), xml_errc::malformed);
  EXPECT_EQ(error_of("<a xmlns='b&#10;c'><d/></a>"), xml_errc::malformed);
  EXPECT_EQ(error_of(""), xml_errc::malformed);
}

TEST(xml_reader, is_bounded_in_bytes_elements_depth_and_attributes) {
  EXPECT_TRUE(read_xml("<a><b/></a>", {.document = 11, .elements = 2, .depth = 2}));
  EXPECT_EQ(error_of("<a><b/></a>", {.document = 10}), xml_errc::too_large);
  EXPECT_EQ(error_of("<a><b/></a>", {.elements = 1}), xml_errc::too_large);
  EXPECT_EQ(error_of("<a><b/></a>", {.depth = 1}), xml_errc::too_large);
  EXPECT_EQ(error_of("<a b='1' c='2'/>", {.attributes = 1}), xml_errc::too_large);
  EXPECT_EQ(error_of("<a>" + std::string(400, 'x') + "</a>", {.memory = 500}), xml_errc::too_large);
  std::string deep;
  for (int i = 0; i < 40'000; ++i) deep += "<a>";
  EXPECT_EQ(error_of(deep), xml_errc::too_large);
}

// A long namespace that every child inherits is kept once for each.
TEST(xml_reader, counts_what_it_keeps_and_not_only_what_it_reads) {
  std::string document = "<a xmlns='" + std::string(4000, 'u') + "'>";
  for (int i = 0; i < 1000; ++i) document += "<b/>";
  document += "</a>";
  EXPECT_EQ(error_of(document), xml_errc::too_large);
}

} // namespace
} // namespace tandem::xmpp
