// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/certificate_names.hpp>

#include <tandem/io/certificates_for_test.hpp>

#include <gtest/gtest.h>

namespace tandem::io {
namespace {

struct certificate_names : testing::Test {
  /// A certificate whose common name is that, and whose subjectAltName those.
  const X509* holding(const std::string& names, const std::string& common = "common.example") {
    made.add(common, names);
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{
        std::fopen((made / (common + ".pem")).c_str(), "r"), std::fclose};
    read.reset(PEM_read_X509(file.get(), nullptr, nullptr, nullptr));
    return read.get();
  }
  certificates_for_test made;
  std::unique_ptr<X509, void (*)(X509*)> read{nullptr, X509_free};
};

TEST_F(certificate_names, are_dns_names_uris_of_sip_and_addresses_rfc_5922_7_1) {
  const X509* all = holding(
      "DNS:a.example,URI:sip:b.example,URI:SIP:c.example:5061;lr,IP:192.0.2.1,IP:2001:db8::1");
  for (const char* held : {"a.example", "A.Example", "a.example.", "b.example", "c.example",
                           "192.0.2.1", "2001:DB8:0::1", "[2001:db8::1]"})
    EXPECT_TRUE(certifies_sip_domain(all, held)) << held;
  for (const char* other : {"", ".", "d.example", "sub.a.example", "example", "a.example.org",
                            "192.0.2.2", "2001:db8::2", "sip:b.example"})
    EXPECT_FALSE(certifies_sip_domain(all, other)) << other;
  EXPECT_EQ(names_for_people(all), "a.example, sip:b.example, SIP:c.example:5061;lr, 192.0.2.1, an "
                                   "IPv6 address");
}

TEST_F(certificate_names, are_no_wildcards_users_other_schemes_or_common_names_rfc_5922_7_2) {
  EXPECT_FALSE(certifies_sip_domain(holding("DNS:*.example"), "a.example"));
  EXPECT_FALSE(certifies_sip_domain(holding("DNS:*.example"), "*.example"));
  EXPECT_FALSE(certifies_sip_domain(holding("URI:sip:*.example"), "a.example"));
  EXPECT_FALSE(certifies_sip_domain(holding("URI:sip:user@a.example"), "a.example"));
  EXPECT_FALSE(certifies_sip_domain(holding("URI:sips:a.example"), "a.example"));
  EXPECT_FALSE(certifies_sip_domain(holding("URI:https://a.example"), "a.example"));
  EXPECT_FALSE(certifies_sip_domain(holding("email:a@a.example"), "a.example"));
  EXPECT_FALSE(certifies_sip_domain(holding("", "a.example"), "a.example"));
  EXPECT_FALSE(certifies_sip_domain(nullptr, "a.example"));
  EXPECT_EQ(names_for_people(holding("", "a.example")), "");
}

} // namespace
} // namespace tandem::io
