// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/transport_kind.hpp>

#include <gtest/gtest.h>

namespace tandem {
namespace {

TEST(transport_kind, every_one_has_all_its_properties) {
  for (std::size_t i = 0; i < transport_rows.size(); ++i) {
    const transport_row& row = transport_rows[i];
    SCOPED_TRACE(row.via_token);
    EXPECT_EQ(static_cast<std::size_t>(row.kind), i);
    EXPECT_EQ(&row_of(row.kind), &row);
    EXPECT_FALSE(row.via_token.empty());
    EXPECT_EQ(row.name, to_lower_copy(row.via_token));
    EXPECT_NE(row.default_port, 0);
    EXPECT_TRUE(row.is_reliable || !row.is_secure) << "RFC 3261 knows no security for datagrams";
    // RFC 3261 26.2.2: sips makes it secure or is no way to go, and leaves what is secure as it is.
    EXPECT_EQ(row.under_sips.has_value(), row.is_reliable);
    if (row.under_sips) {
      EXPECT_TRUE(is_secure(*row.under_sips));
      EXPECT_EQ(under_sips(*row.under_sips), row.under_sips);
    }
  }
}

TEST(transport_kind, is_found_by_its_token_in_any_case_and_by_nothing_else_rfc3261_7_3_1) {
  for (const transport_row& row : transport_rows) {
    EXPECT_EQ(find_transport(row.via_token), row.kind);
    EXPECT_EQ(find_transport(row.name), row.kind);
    EXPECT_EQ(find_transport(std::string{row.via_token} + "X"), std::nullopt);
  }
  EXPECT_EQ(find_transport("Udp"), transport_kind::udp);
  for (const char* other : {"", "ud", "sctp", "TLS-SCTP", "UNKNOWN"})
    EXPECT_EQ(find_transport(other), std::nullopt) << other;
}

// RFC 7118 5.2: there is no transport=wss
TEST(transport_kind, of_a_uri_is_found_again_by_its_parameter_and_its_scheme) {
  for (const transport_row& row : transport_rows) {
    const auto named = find_transport(row.uri_parameter);
    ASSERT_TRUE(named) << row.via_token;
    EXPECT_EQ(row.is_secure ? under_sips(*named) : named, row.kind) << row.via_token;
  }
}

} // namespace
} // namespace tandem
