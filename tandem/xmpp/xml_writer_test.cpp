// SPDX-License-Identifier: Apache-2.0
#include <tandem/xmpp/xml_reader.hpp>
#include <tandem/xmpp/xml_writer.hpp>

#include <gtest/gtest.h>

namespace tandem::xmpp {
namespace {

TEST(xml_writer, nests_elements) {
  xml_writer xml;
  xml.open("iq").attribute("type", "set").attribute("id", "1");
  xml.open("bind", "urn:ietf:params:xml:ns:xmpp-bind").leaf("resource", "SIP-phone").close();
  xml.close();
  EXPECT_EQ(std::move(xml).take(),
            "<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
            "<resource>SIP-phone</resource></bind></iq>");
}

TEST(xml_writer, closes_what_is_empty_at_once) {
  xml_writer xml;
  xml.open("a").written("").close();
  EXPECT_EQ(std::move(xml).take(), "<a/>");
}

// What a user wrote comes back as it was, and is never markup.
TEST(xml_writer, writes_any_text_so_that_it_is_read_as_it_was) {
  std::string any = "]]>'\"&lt;<b c='d'/> \t\r\n \xc3\xa9 \xf0\x9f\x93\x9e";
  for (char c = ' '; c < 0x7f; ++c) any += c;
  xml_writer xml;
  xml.open("a").attribute("b", any).text(any).close();
  const auto read = read_xml(std::move(xml).take());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->text, any);
  EXPECT_EQ(read->attribute("b"), any);
  EXPECT_TRUE(read->children.empty());
}

TEST(xml_writer, stands_something_else_for_what_xml_cannot_hold) {
  for (int byte = 0; byte < 256; ++byte) {
    xml_writer xml;
    const std::string text(1, static_cast<char>(byte));
    xml.open("a").attribute("b", text).text(text).close();
    EXPECT_TRUE(read_xml(std::move(xml).take())) << byte;
  }
  std::string escaped;
  append_escaped(escaped, std::string_view{"a\0b\x01\xff\xef\xbf\xbf", 8});
  EXPECT_EQ(escaped, "a\xef\xbf\xbd"
                     "b\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

} // namespace
} // namespace tandem::xmpp
