// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/header_id.hpp>
#include <tandem/sip/method.hpp>
#include <tandem/sip/status.hpp>

#include <tandem/base/text.hpp>

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace tandem::sip {
namespace {

TEST(header_id, of_a_name_of_zeros_is_unknown_however_long_it_is) {
  for (std::size_t size = 1; size < 64; ++size)
    EXPECT_EQ(find_header(std::string(size, '\0')), header_id::unknown) << size;
}

TEST(header_id, knows_every_name_of_headers_def_in_any_case) {
  for (std::size_t i = 1; i < header_count; ++i) {
    const auto id = static_cast<header_id>(i);
    std::string name{to_string(id)};
    EXPECT_EQ(find_header(name), id) << name;
    for (char& c : name) c = to_upper(c);
    EXPECT_EQ(find_header(name), id) << name;
    for (char& c : name) c = to_lower(c);
    EXPECT_EQ(find_header(name), id) << name;
  }
}

TEST(header_id, has_the_46_typed_headers_and_the_65_extensions) { EXPECT_EQ(header_count, 112u); }

TEST(header_id, knows_the_compact_forms_of_rfc_3261_7_3_3_and_of_the_extensions) {
  const std::pair<char, header_id> forms[] = {{'i', header_id::call_id},
                                              {'m', header_id::contact},
                                              {'e', header_id::content_encoding},
                                              {'l', header_id::content_length},
                                              {'c', header_id::content_type},
                                              {'f', header_id::from},
                                              {'s', header_id::subject},
                                              {'k', header_id::supported},
                                              {'t', header_id::to},
                                              {'v', header_id::via},
                                              {'a', header_id::accept_contact},
                                              {'u', header_id::allow_events},
                                              {'o', header_id::event},
                                              {'y', header_id::identity},
                                              {'n', header_id::identity_info},
                                              {'r', header_id::refer_to},
                                              {'b', header_id::referred_by},
                                              {'j', header_id::reject_contact},
                                              {'x', header_id::session_expires},
                                              {'d', header_id::request_disposition}};
  std::set<char> known;
  for (const auto& [letter, id] : forms) {
    EXPECT_EQ(find_header({&letter, 1}), id) << letter;
    const char upper = to_upper(letter);
    EXPECT_EQ(find_header({&upper, 1}), id) << letter;
    known.insert(letter);
  }
  for (char c = 1; c < 127; ++c)
    if (!known.contains(to_lower(c))) {
      EXPECT_EQ(find_header({&c, 1}), header_id::unknown) << c;
    }
}

TEST(header_id, takes_no_other_name_for_a_known_one) {
  for (const std::string name :
       {"", "Vi", "Viaa", "Call_ID", "Call\rID", "X-Custom", "Contac", "To ", "\x14o",
        "P-Charging-Function-AddressesX", "Content-Lengtg"})
    EXPECT_EQ(find_header(name), header_id::unknown) << name;
  // Every name with one byte changed, but for case.
  for (std::size_t i = 1; i < header_count; ++i) {
    const std::string name{to_string(static_cast<header_id>(i))};
    for (std::size_t at = 0; at < name.size(); ++at) {
      std::string changed = name;
      changed[at] = static_cast<char>(name[at] ^ 0x40);
      EXPECT_NE(find_header(changed), static_cast<header_id>(i)) << changed;
      if (name[at] == '-') {
        changed[at] = '\r';
        EXPECT_EQ(find_header(changed), header_id::unknown) << changed;
      }
    }
  }
}

TEST(method, is_case_sensitive) {
  for (std::size_t i = 1; i < method_count; ++i) {
    const auto m = static_cast<method>(i);
    std::string name{to_string(m)};
    EXPECT_EQ(find_method(name), m) << name;
    name.back() = to_lower(name.back());
    EXPECT_EQ(find_method(name), method::unknown) << name;
  }
  EXPECT_EQ(find_method("RE"), method::unknown);
  EXPECT_EQ(find_method("INVITEX"), method::unknown);
  EXPECT_EQ(find_method(""), method::unknown);
}

TEST(status, has_a_reason_for_each_and_falls_back_to_its_class) {
  EXPECT_EQ(default_reason(180), "Ringing");
  EXPECT_EQ(default_reason(481), "Call/Transaction Does Not Exist");
  EXPECT_EQ(default_reason(189), "Session Progress");
  EXPECT_EQ(default_reason(499), "Bad Request");
  EXPECT_EQ(default_reason(699), "Busy Everywhere");
  EXPECT_EQ(default_reason(700), "Unknown");
  EXPECT_EQ(default_reason(99), "Unknown");
}

} // namespace
} // namespace tandem::sip
