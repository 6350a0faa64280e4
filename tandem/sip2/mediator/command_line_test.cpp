// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/command_line.hpp>

#include <tandem/base/folder_for_test.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace tandem::sip2 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A configuration file that goes with the test.
class command_lines : public testing::Test {
 protected:
  std::string file(std::string_view text) const {
    const auto path = folder / "sip2.toml";
    std::ofstream{path} << text;
    return path.string();
  }
  static mediator_config load(const command_line& flags) {
    auto config = load_config(flags);
    EXPECT_TRUE(config) << config.error();
    return config ? std::move(*config) : mediator_config{};
  }
  static std::string fault_of(const command_line& flags) {
    const auto config = load_config(flags);
    return config ? "none" : config.error();
  }
  static std::string url_text(const http::url& url) { return url.origin() + url.path; }
  static std::string url_of(const mediator_config& config) {
    return config.backend.urls.empty() ? "none" : url_text(config.backend.urls.front());
  }

  tandem::for_test::own_folder folder;
};

TEST_F(command_lines, without_flags_and_file_the_defaults_of_the_original_hold) {
  const auto config = load({});
  ASSERT_EQ(config.listeners.size(), 1U);
  EXPECT_EQ(config.listeners[0].address.to_string(), "127.0.0.1:6001");
  EXPECT_EQ(config.server.max_clients, 120U);
  EXPECT_EQ(config.log_facility, "local0");
  EXPECT_EQ(config.level, log_level::info);
  EXPECT_FALSE(config.http.address);
  EXPECT_EQ(url_of(config), "none") << "for the caller to choose";
  EXPECT_EQ(url_text(default_backend()), "http://127.0.0.1/sip2-mediator");
}

TEST_F(command_lines, flags_win_over_the_file_and_what_was_not_given_does_not) {
  const auto path = file("max-clients = 7\n[log]\nlevel = 'debug'\nfacility = 'local5'\n"
                         "[backend]\nurl = 'http://ils.example/x'\n"
                         "[http]\nlisten = '127.0.0.1:6080'\ntoken = 'of the file'\n"
                         "[[listener]]\nlisten = '127.0.0.1:6002'\n"
                         "[[listener]]\nlisten = '127.0.0.1:6003'\n");
  const auto kept = load({.config_file = path});
  EXPECT_EQ(kept.listeners.size(), 2U);
  EXPECT_EQ(kept.server.max_clients, 7U);
  EXPECT_EQ(kept.level, log_level::debug);
  EXPECT_EQ(kept.log_facility, "local5");
  EXPECT_EQ(url_of(kept), "http://ils.example/x");

  const auto changed = load({.config_file = path,
                             .sip_port = 6004,
                             .http_host = "other.example",
                             .max_clients = 0,
                             .syslog_facility = "LOCAL1",
                             .syslog_level = "LOG_ERR",
                             .logs_passwords = true,
                             .admin_address = "127.0.0.1:7000",
                             .admin_token = "of the flag"});
  ASSERT_EQ(changed.listeners.size(), 1U);
  EXPECT_EQ(changed.listeners[0].address.to_string(), "127.0.0.1:6004");
  EXPECT_EQ(changed.server.max_clients, 0U);
  EXPECT_EQ(changed.level, log_level::error);
  EXPECT_EQ(changed.log_facility, "LOCAL1");
  EXPECT_EQ(changed.server.privacy, log_privacy::unsafe);
  EXPECT_EQ(url_of(changed), "http://other.example/sip2-mediator");
  EXPECT_EQ(changed.http.address->port, 7000);
  EXPECT_TRUE(changed.http.token.matches("of the flag"));
}

TEST_F(command_lines, a_back_end_is_put_together_as_the_original_did) {
  EXPECT_EQ(url_of(load({.http_port = 8080})), "http://127.0.0.1:8080/sip2-mediator");
  EXPECT_EQ(url_of(load({.http_proto = "https"})), "https://127.0.0.1:80/sip2-mediator");
  EXPECT_EQ(url_of(load({.http_proto = "whatever", .http_path = "x"})), "https://127.0.0.1:80/x");
  EXPECT_EQ(url_of(load({.http_host = "::1"})), "http://[::1]/sip2-mediator");
  EXPECT_EQ(load({.sip_address = "localhost"}).listeners[0].address.to_string(), "127.0.0.1:6001");
}

TEST_F(command_lines, with_ascii_every_profile_answers_in_ascii) {
  const auto config =
      load({.config_file = file("[profile.kiosk]\ncharset = 'cp850'\n"), .is_ascii = true});
  for (const char* name : {"default", "kiosk"})
    EXPECT_EQ(config.rules->find_profile(name)->wire.text, charset::ascii) << name;
}

TEST_F(command_lines, what_is_wrong_is_told_with_its_remedy) {
  EXPECT_THAT(fault_of({.sip_address = "ils.example"}), HasSubstr("0.0.0.0 for all"));
  EXPECT_THAT(fault_of({.http_host = "https://ils.example"}), HasSubstr("give the name alone"));
  EXPECT_THAT(fault_of({.http_host = "ils.example:8080"}), HasSubstr("give the name alone"));
  EXPECT_THAT(fault_of({.http_host = "a b"}), HasSubstr("is not a URL"));
  EXPECT_THAT(fault_of({.syslog_facility = "LOCAL9"}), HasSubstr("LOCAL0 to LOCAL7"));
  EXPECT_THAT(fault_of({.admin_address = "x"}), HasSubstr("is not address:port"));
  EXPECT_THAT(fault_of({.config_file = file("nonsense = 1\n[log]\nlevel = 'loud'\n")}),
              testing::AllOf(HasSubstr("sip2.toml:1:"), HasSubstr("sip2.toml:3:")))
      << "all faults of the file at once";
}

TEST_F(command_lines, what_was_hardly_meant_is_told_and_taken_as_the_original_took_it) {
  EXPECT_THAT(doubts_of({}), IsEmpty());
  EXPECT_THAT(doubts_of({.http_proto = "https", .syslog_level = "LOG_NOTICE"}), IsEmpty());
  EXPECT_THAT(doubts_of({.http_proto = "ftp", .syslog_level = "LOUD"}),
              ElementsAre(HasSubstr("LOG_INFO is used"), HasSubstr("taken for https")));
  EXPECT_EQ(load({.syslog_level = "LOUD"}).level, log_level::info);
}

TEST_F(command_lines, a_path_in_the_file_is_taken_from_the_folder_of_the_file) {
  std::ofstream{folder / "token"} << "from beside it\n";
  const auto config = load({.config_file = file("[http]\nlisten = '127.0.0.1:6080'\n"
                                                "token = { file = 'token' }\n")});
  EXPECT_TRUE(config.http.token.matches("from beside it"));
  EXPECT_THAT(fault_of({.config_file = file("[[listener]]\nlisten = '127.0.0.1:1'\n"
                                            "certificate-file = 'none.pem'\n")}),
              HasSubstr((folder / "none.pem").string()));
}

} // namespace
} // namespace tandem::sip2
