// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/dialog_route.hpp>

#include <tandem/stack/messages_for_test.hpp>

namespace tandem::stack {
namespace {

std::optional<dialog_route> route_of(std::string_view lines) {
  const std::string invite = for_test::request_text({});
  return dialog_route_of(for_test::parsed(for_test::answer_text(invite, 200, "b", lines)));
}

// RFC 3261 12.1.2: the route set is the Record-Route in reverse order.
TEST(dialog_route, loose_routers_stay_in_route_and_the_contact_is_the_request_uri) {
  const auto plain = route_of("Contact: \"B\" <sip:b@192.0.2.2:5070>;q=1\r\n");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->uri, "sip:b@192.0.2.2:5070");
  EXPECT_EQ(plain->next_hop, plain->uri);
  EXPECT_TRUE(plain->routes.empty());
  const auto routed = route_of("Contact: <sip:b@192.0.2.2>\r\n"
                               "Record-Route: <sip:p2.example;lr>, <sip:p1.example;lr;x=y>\r\n"
                               "Record-Route: <sip:p0.example;lr>\r\n");
  ASSERT_TRUE(routed);
  EXPECT_EQ(routed->uri, "sip:b@192.0.2.2");
  EXPECT_EQ(routed->next_hop, "sip:p0.example;lr");
  EXPECT_EQ(routed->routes,
            (std::vector<std::string>{"<sip:p0.example;lr>", "<sip:p1.example;lr;x=y>",
                                      "<sip:p2.example;lr>"}));
}

// RFC 3261 12.2.1.1
TEST(dialog_route, a_strict_router_takes_the_place_of_the_contact_which_goes_to_the_end) {
  const auto made =
      route_of("Contact: <sip:b@192.0.2.2>\r\n"
               "Record-Route: <sip:p2.example;lr>\r\nRecord-Route: <sip:p1.example>\r\n");
  ASSERT_TRUE(made);
  EXPECT_EQ(made->uri, "sip:p1.example");
  EXPECT_EQ(made->next_hop, "sip:p1.example");
  EXPECT_EQ(made->routes, (std::vector<std::string>{"<sip:p2.example;lr>", "<sip:b@192.0.2.2>"}));
}

TEST(dialog_route, there_is_none_without_a_contact_that_can_be_read) {
  EXPECT_FALSE(route_of(""));
  EXPECT_FALSE(route_of("Contact: <sip:b@\r\n"));
  EXPECT_FALSE(route_of("Contact: *\r\n"));
}

} // namespace
} // namespace tandem::stack
