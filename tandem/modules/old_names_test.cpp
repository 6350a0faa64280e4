// SPDX-License-Identifier: Apache-2.0
// Names that only the oldest scripts have: each has its effect, or is refused with the reason.
#include <tandem/modules/script_fixture_for_test.hpp>
#include <tandem/server/privileges.hpp>

namespace tandem::modules::for_test {
namespace {

class old_names : public script_fixture {};

TEST_F(old_names, of_max_forwards_ask_and_count) {
  load_route(R"cfg(if (mf_is_maxfwd_zero()) { sl_send_reply("483", "zero"); exit; }
    mf_decrement_maxfwd(); sl_send_reply("200", "$hdr(Max-Forwards)");)cfg");
  const std::string text = stack::for_test::request_text(request("OPTIONS"));
  for (const auto& [line, says] :
       {std::pair{"Max-Forwards: 70\r\n", "69"}, std::pair{"Max-Forwards: 0\r\n", "zero"}}) {
    std::string changed = text;
    changed.replace(changed.find("Max-Forwards: 70\r\n"), 18, line);
    receive_text(changed);
    EXPECT_EQ(parsed(out.take().text).reason(), says) << line;
  }
}

TEST_F(old_names, of_the_filter_of_acks_says_no_since_no_such_ack_reaches_a_script) {
  load_route(R"cfg(if (sl_filter_ACK()) exit; sl_send_reply("200", "seen");)cfg");
  receive(request("OPTIONS"));
  EXPECT_EQ(parsed(out.take().text).reason(), "seen");
}

TEST_F(old_names, of_parameters_of_usrloc_have_their_effect_or_none) {
  load_route("drop;", R"(
modparam("usrloc", "flush_interval", 60)
modparam("usrloc", "table", "location")
modparam("usrloc", "use_database", 0)
)");
  EXPECT_THROW(load_route("drop;", "\nmodparam(\"usrloc\", \"use_database\", 1)\n"
                                   "modparam(\"usrloc\", \"db_url\", \"oracle://a/b\")\n"),
               server::start_error);
}

} // namespace
} // namespace tandem::modules::for_test
