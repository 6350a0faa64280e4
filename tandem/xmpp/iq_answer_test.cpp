// SPDX-License-Identifier: Apache-2.0
#include <tandem/xmpp/iq_answer.hpp>
#include <tandem/xmpp/xml_reader.hpp>

#include <gtest/gtest.h>

namespace tandem::xmpp {
namespace {

std::string answer_to(const std::string& content, std::string_view type = "get") {
  const auto iq = read_xml("<iq xmlns='jabber:client' id='7' from='bob@a/b' type='" +
                           std::string{type} + "'>" + content + "</iq>");
  const auto answer = iq ? answer_iq(*iq) : std::nullopt;
  EXPECT_TRUE(!answer || read_xml(*answer)) << answer.value_or("");
  return answer.value_or("nothing");
}

// XEP-0199 4
TEST(iq_answer, to_a_ping_is_empty) {
  EXPECT_EQ(answer_to("<ping xmlns='urn:xmpp:ping'/>"),
            "<iq xmlns='jabber:client' type='result' id='7' to='bob@a/b'/>");
}

// XEP-0030 3
TEST(iq_answer, tells_that_it_is_a_phone) {
  const auto answer = answer_to("<query xmlns='http://jabber.org/protocol/disco#info'/>");
  EXPECT_NE(answer.find("<identity category='client' type='phone'"), std::string::npos);
  EXPECT_NE(answer.find("<feature var='urn:xmpp:ping'/>"), std::string::npos);
}

// XEP-0092 3
TEST(iq_answer, tells_its_version) {
  EXPECT_NE(answer_to("<query xmlns='jabber:iq:version'/>").find("<name>Tandem</name>"),
            std::string::npos);
}

// RFC 6120 8.2.3: every request is answered, and no answer is.
TEST(iq_answer, is_an_error_to_all_else_and_nothing_to_an_answer) {
  for (const char* const content :
       {"", "<query xmlns='jabber:iq:roster'/>", "<ping xmlns='urn:x'/>",
        "<query xmlns='http://jabber.org/protocol/disco#info' node='x'/>"})
    EXPECT_NE(answer_to(content).find("<service-unavailable"), std::string::npos) << content;
  EXPECT_NE(answer_to("<ping xmlns='urn:xmpp:ping'/>", "set").find("type='error'"),
            std::string::npos);
  for (const char* const type : {"result", "error", "", "GET"})
    EXPECT_EQ(answer_to("<ping xmlns='urn:xmpp:ping'/>", type), "nothing") << type;
  EXPECT_FALSE(answer_iq(*read_xml("<iq type='get'/>")));
}

} // namespace
} // namespace tandem::xmpp
