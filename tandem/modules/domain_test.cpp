// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/script_fixture_for_test.hpp>

namespace tandem::modules::for_test {
namespace {

class domain : public script_fixture {};

TEST_F(domain, is_ours_by_an_alias_or_an_address_that_we_listen_on) {
  load_route(
      R"(if (is_from_local()) sl_send_reply("200", "ours"); else sl_send_reply("200", "theirs");)",
      "loadmodule \"domain\"\n");
  for (const char* from : {"<sip:alice@example.com>;tag=1", "<sip:alice@EXAMPLE.com:5070>;tag=1",
                           "sip:example.com;tag=1", "<sips:alice@192.0.2.100:5060>;tag=1"}) {
    auto r = request("OPTIONS");
    r.from = from;
    EXPECT_EQ(said(r), "ours") << from;
  }
  for (const char* from :
       {"<sip:alice@example.org>;tag=1", "<sip:alice@sub.example.com>;tag=1",
        "<sip:alice@192.0.2.100:5070>;tag=1", "<tel:+1201>;tag=1",
        "<sip:example.com@example.org>;tag=1", "<sips:alice@192.0.2.100>;tag=1"}) {
    auto r = request("OPTIONS");
    r.from = from;
    EXPECT_EQ(said(r), "theirs") << from;
  }
}

TEST_F(domain, of_the_target_is_that_of_the_request_uri_as_rewritten) {
  load_route(R"(rewritehost("example.org"); if (is_uri_host_local()) sl_send_reply("500", "theirs");
    rewritehost("example.com"); if (is_uri_host_local()) sl_send_reply("200", "ours");)",
             "loadmodule \"domain\"\n");
  EXPECT_EQ(said(), "ours");
}

} // namespace
} // namespace tandem::modules::for_test
