// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/routing_error.hpp>

#include <gtest/gtest.h>

namespace tandem::server {
namespace {

TEST(routing_error, has_a_status_and_a_phrase_that_name_who_failed) {
  struct row {
    routing_error error;
    int status;
    std::string_view phrase;
  };
  const row table[] = {
      {routing_error::none, 500, "Server error occurred (1/SL)"},
      {routing_error::send, 477, "Next hop could not be reached (477/SL)"},
      {routing_error::bad_address, 478, "Unresolvable destination (478/SL)"},
      {routing_error::bad_scheme, 416, "Unsupported URI Scheme (416/SL)"},
      {routing_error::bad_uri, 479, "The URI can not be processed (479/SL)"},
      {routing_error::bad_request, 400, "Bad Request (400/SL)"},
      {routing_error::bad_to, 400, "Bad To (13/SL)"},
      {routing_error::bad_tuple, 400, "Transaction tuple incomplete (9/SL)"},
      {routing_error::script, 500, "Refused by the routing script (10/SL)"},
      {routing_error::exec, 500, "Error in external logic (11/SL)"},
      {routing_error::exec_overloaded, 503, "External logic is busy (11/SL)"},
      {routing_error::too_many_branches, 500, "Forking capacity exceeded (12/SL)"},
      {routing_error::out_of_transactions, 503, "Server is busy (14/SL)"},
      {routing_error::insecure, 480, "No Way over TLS (480/SL)"},
  };
  for (const row& r : table) {
    const auto sl = answer_for(r.error, "SL");
    EXPECT_EQ(sl.status, r.status) << r.phrase;
    EXPECT_EQ(sl.reason, r.phrase);
    const auto tm = answer_for(r.error, "TM");
    EXPECT_EQ(tm.status, r.status) << r.phrase;
    EXPECT_TRUE(std::string{tm.reason}.ends_with("/TM)")) << tm.reason;
  }
}

} // namespace
} // namespace tandem::server
