// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/config.hpp>

#include <tandem/base/text.hpp>
#include <tandem/io/certificates_for_test.hpp>

#include <gtest/gtest.h>

namespace tandem::sip2 {
namespace {

struct loaded {
  mediator_config config;
  std::string faults;
};

loaded load(std::string_view text) {
  auto file = config_document::parse(text, "sip2.toml");
  loaded l;
  read_mediator_config(file, l.config);
  if (!file.finish()) l.faults = file.explain();
  return l;
}

constexpr std::string_view everything = R"(
max-clients = 2000
max-clients-per-address = 50
drain-timeout = "20 s"
only-known-accounts = true

[log]
level = "LOG_WARNING"
facility = "local3"
privacy = "patron"

[http]
listen = "127.0.0.1:6080"
token = "t0ken"
door = true

[backend]
url = ["http://127.0.0.1:8080/sip2-mediator", "http://127.0.0.1:8081/sip2-mediator"]
answer-pointer = "/payload/0"

[[listener]]
name = "branch"
listen = "0.0.0.0:6001"
profile = "kiosk"
allow = ["192.0.2.0/24", "2001:db8::/32"]
proxy-protocol = true
proxies = "127.0.0.1"

[[listener]]
listen = "[::1]:6002"
mode = "telnet"
certificate-file = "SERVER.pem"
key-file = "SERVER.key"

[[account]]
login = "siplogin"
password = "right"
profile = "kiosk"
backend-login = "system"
backend-password = "secret"
transient = true

[profile.kiosk]
charset = "cp850"
fallback-charset = "cp1252"
replacement = "*"
delimiter = "^"
terminator = "crlf"
accept-terminator = "cr"
error-detection = "required"
longest-value = 255
unknown-code = "resend"
field-order = "sorted"
null-fields = "empty"
require-login = true
fill-required = true
idle-timeout = "15 min"
login-timeout = "30 s"
backend-timeout = "10 s"
minimum-version = "2.00"
supported-messages = "YYYNYNYYNYYNNNYN"
offline-message = "Sorry."
refused-message = "No."
login-again-on = "SIP2_SESSION_REQUIRED"
institution = { wire = "system" }
filter = [
  { action = "strip", field = "PB" },
  { action = "replace", field = "AF", value = "hi", only-if = "HELLO", messages = ["64", "24"] },
  { action = "add", field = "AC", value = "x", direction = "request" },
]
)";

TEST(mediator_config, every_key_is_understood) {
  const io::certificates_for_test certificates;
  std::string text{everything};
  for (const std::string name : {"SERVER.pem", "SERVER.key"})
    text.replace(text.find(name), name.size(), certificates / to_lower_copy(name));
  const auto l = load(text);
  EXPECT_EQ(l.faults, "");
  EXPECT_EQ(l.config.server.max_clients, 2000U);
  EXPECT_EQ(l.config.server.privacy, log_privacy::patron);
  EXPECT_EQ(l.config.level, log_level::warning);
  EXPECT_EQ(l.config.drain_limit, seconds{20});
  EXPECT_EQ(l.config.backend.urls.size(), 2U);
  EXPECT_EQ(l.config.backend.answer_pointer, "/payload/0");
  ASSERT_EQ(l.config.listeners.size(), 2U);
  EXPECT_EQ(l.config.listeners[0].allowed.size(), 2U);
  EXPECT_EQ(l.config.listeners[1].discipline, line_discipline::telnet);
  EXPECT_TRUE(l.config.listeners[1].is_tls);
  EXPECT_EQ(l.config.listeners[1].profile, "default");
  EXPECT_EQ(files_of(l.config),
            (std::vector<std::string>{certificates / "server.pem", certificates / "server.key"}));
  EXPECT_EQ(l.config.http.address->port, 6080);

  const auto* a = l.config.rules->find_account("siplogin");
  ASSERT_NE(a, nullptr);
  EXPECT_TRUE(a->password->matches("right"));
  EXPECT_EQ(a->backend_login, "system");
  EXPECT_TRUE(a->is_transient);

  const auto p = l.config.rules->find_profile("kiosk");
  EXPECT_EQ(p->wire.text, charset::cp850);
  EXPECT_EQ(p->wire.fallback, charset::cp1252);
  EXPECT_EQ(p->wire.delimiter, '^');
  EXPECT_EQ(p->wire.end, line_end::crlf);
  EXPECT_EQ(p->wire.accepts, accepted_end::cr);
  EXPECT_EQ(p->wire.detection, error_detection::required);
  EXPECT_EQ(p->idle_limit, seconds{900});
  EXPECT_EQ(p->nulls, null_rule::empty);
  EXPECT_EQ(p->order, field_order::sorted);
  EXPECT_EQ(p->unknown, unknown_code::resend);
  ASSERT_EQ(p->institutions.size(), 1U);
  ASSERT_EQ(p->filters.size(), 3U);
  EXPECT_EQ(p->filters[1].only_if, "HELLO");
  EXPECT_EQ(p->filters[1].messages.size(), 2U);
  EXPECT_EQ(p->filters[2].way, direction::to_acs);
}

TEST(mediator_config, an_empty_file_is_the_default) {
  const auto l = load("");
  EXPECT_EQ(l.faults, "");
  EXPECT_EQ(l.config.server.max_clients, 120U);
  EXPECT_TRUE(l.config.rules->profiles.contains("default"));
}

TEST(mediator_config, all_faults_are_told_at_once_with_their_place) {
  const auto l = load(R"(
max-client = 3
[http]
door = true
[[listener]]
listen = "somewhere"
profile = "none"
allow = ["x"]
[profile.default]
charset = "koi8"
delimiter = "||"
supported-messages = "YX"
[[profile.default.filter]]
action = "strip"
field = "AFX"
messages = ["77"]
[[account]]
login = "a"
ask-backend = false
[[account]]
login = "a"
)");
  for (const char* part :
       {"sip2.toml:2:", "max-client", "token", "somewhere", "profile.none", "'x'", "koi8",
        "printable", "16 times", "two characters", "'77'", "needs a 'password'", "there already"})
    EXPECT_NE(l.faults.find(part), std::string::npos) << part << "\n" << l.faults;
}

TEST(mediator_config, a_PROXY_header_before_TLS_is_refused_since_it_is_looked_for_behind) {
  const io::certificates_for_test certificates;
  const auto l = load("[[listener]]\nlisten = \"127.0.0.1:6001\"\ncertificate-file = \"" +
                      (certificates / "server.pem") + "\"\nkey-file = \"" +
                      (certificates / "server.key") + "\"\nproxy-protocol = true\n");
  EXPECT_NE(l.faults.find("before TLS begins"), std::string::npos) << l.faults;
}

TEST(mediator_config, what_is_fixed_at_start_up_is_named_and_stays_when_a_reload_differs) {
  mediator_config in_force;
  in_force.http.address = socket_address::parse("127.0.0.1:6080");
  in_force.http.has_tls = true;
  in_force.http.tls.certificate_file = "first.pem";
  using change = void (*)(mediator_config&);
  const std::pair<std::string_view, change> rows[] = {
      {"[log] facility", [](mediator_config& c) { c.log_facility = "local7"; }},
      {"[http] listen",
       [](mediator_config& c) { c.http.address = socket_address::parse("127.0.0.1:6081"); }},
      {"[http] listen", [](mediator_config& c) { c.http.address.reset(); }},
      {"[http] door-path", [](mediator_config& c) { c.http.door_path = "/other"; }},
      {"[http] certificate-file",
       [](mediator_config& c) {
         c.http.has_tls = false;
         c.http.tls.certificate_file.clear();
       }},
  };
  for (const auto& [key, apply] : rows) {
    auto next = in_force;
    apply(next);
    EXPECT_EQ(keep_fixed(next, in_force), std::vector{key});
    EXPECT_EQ(next.log_facility, in_force.log_facility);
    EXPECT_EQ(next.http.address, in_force.http.address);
    EXPECT_EQ(next.http.door_path, in_force.http.door_path);
    EXPECT_TRUE(next.http.has_tls);
    EXPECT_EQ(next.http.tls.certificate_file, "first.pem");
  }
  auto next = in_force;
  next.http.tls.certificate_file = "second.pem";
  EXPECT_TRUE(keep_fixed(next, in_force).empty());
  EXPECT_EQ(next.http.tls.certificate_file, "second.pem");

  const mediator_config without_port;
  next = in_force;
  EXPECT_EQ(keep_fixed(next, without_port), std::vector<std::string_view>{"[http] listen"});
  EXPECT_FALSE(next.http.address);
}

TEST(mediator_config, log_levels_by_either_name) {
  EXPECT_EQ(find_log_level("LOG_DEBUG"), log_level::debug);
  EXPECT_EQ(find_log_level("warning"), log_level::warning);
  EXPECT_EQ(find_log_level("LOG_ERR"), log_level::error);
  EXPECT_EQ(find_log_level("loud"), std::nullopt);
}

} // namespace
} // namespace tandem::sip2
