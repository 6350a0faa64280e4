// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/core_settings.hpp>

#include <tandem/server/dns_settings.hpp>
#include <tandem/server/loaded_script.hpp>
#include <tandem/server/privileges.hpp>
#include <tandem/stack/transaction_layer.hpp>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>

namespace tandem::server {
namespace {

using testing::HasSubstr;

script::compilation compilation_of(std::string_view parameters) {
  return script::compile(std::make_shared<script::source>("test.cfg", std::string{parameters} +
                                                                          "\nroute { break; }\n"),
                         script_loader{{}}.shared_names());
}

core_settings settings_of(std::string_view parameters) {
  const auto made = compilation_of(parameters);
  EXPECT_TRUE(made.made) << made.found.to_string();
  return core_settings::of(*made.made);
}

TEST(core_settings, of_a_script_that_says_nothing_are_the_defaults_of_the_structs) {
  const core_settings set = settings_of("");
  const core_settings fresh;
  EXPECT_EQ(set.debug, fresh.debug);
  EXPECT_EQ(set.log_facility, fresh.log_facility);
  EXPECT_EQ(set.children, fresh.children);
  EXPECT_EQ(set.port, fresh.port);
  EXPECT_EQ(set.net.udp_mtu, transport::transport_options{}.udp_mtu);
  EXPECT_EQ(set.overload.lag, transport::overload_options{}.lag);
  EXPECT_EQ(set.overload.transactions, transport::overload_options{}.transactions);
  EXPECT_EQ(set.overload.requests_per_source, transport::overload_options{}.requests_per_source);
  EXPECT_EQ(set.overload.retry_after, transport::overload_options{}.retry_after);
  EXPECT_TRUE(set.server_signature);
  EXPECT_FALSE(set.fork);
}

TEST(core_settings, are_what_the_script_says) {
  const core_settings set =
      settings_of("debug=-1 udp_mtu=0 overload_lag=50 overload_transactions=7 mhomed=yes uid=sip "
                  "overload_per_source=3 overload_retry_after=0 server_header=no listen=lo "
                  "alias=a.example b.example fork=yes");
  EXPECT_EQ(set.debug, -1);
  EXPECT_EQ(set.net.udp_mtu, 0U);
  EXPECT_TRUE(set.net.follows_routes);
  EXPECT_EQ(set.overload.lag, milliseconds{50});
  EXPECT_EQ(set.overload.transactions, 7U);
  EXPECT_EQ(set.overload.requests_per_source, 3U);
  EXPECT_EQ(set.overload.retry_after, 0U);
  EXPECT_EQ(set.user, "sip");
  EXPECT_FALSE(set.server_signature);
  EXPECT_EQ(set.listen.size(), 1U);
  EXPECT_EQ(set.alias.size(), 2U);
  EXPECT_TRUE(set.fork);
}

TEST(core_settings, name_the_name_servers_as_addresses_with_or_without_a_port) {
  const auto servers_of = [](std::string_view parameters) {
    std::string text;
    for (const auto& s : resolver_options_of(*compilation_of(parameters).made).servers)
      text += (text.empty() ? "" : " ") + s.to_string();
    return text;
  };
  EXPECT_EQ(servers_of(""), "");
  EXPECT_EQ(
      servers_of(R"(dns_servers="192.0.2.53, 192.0.2.54:5353 2001:db8::53,[2001:db8::54]:54")"),
      "192.0.2.53:53 192.0.2.54:5353 [2001:db8::53]:53 [2001:db8::54]:54");
  for (const char* bad : {"dns.example.com", "192.0.2.53:0", "192.0.2.53:99999", "192.0.2.53;x"})
    EXPECT_THROW((void)servers_of(fmt::format("dns_servers=\"{}\"", bad)), start_error) << bad;
  const auto set = resolver_options_of(*compilation_of("dns_timeout=300 dns_tries=1").made);
  EXPECT_EQ(set.timeout, milliseconds{300});
  EXPECT_EQ(set.tries, 1);
}

TEST(core_settings, refuse_new_work_before_the_transaction_layer_is_full) {
  // Else a request in progress would find no room: the bound on new ones has to bite first.
  EXPECT_LT(settings_of("").overload.transactions, stack::transaction_limits{}.transactions);
}

TEST(core_settings, are_declared_once_each_with_help_and_a_default_in_its_range) {
  const script_loader loader{{}};
  std::set<std::string_view> names;
  for (const script::parameter_info& p : loader.names().core().parameters) {
    EXPECT_TRUE(names.insert(p.name).second) << p.name;
    for (const std::string& other : p.synonyms) {
      EXPECT_TRUE(names.insert(other).second) << other;
      EXPECT_EQ(loader.names().find_parameter(other), &p);
    }
    EXPECT_NE(p.help.empty(), p.without_effect.empty()) << p.name << ": help or why not";
    EXPECT_EQ(loader.names().find_parameter(p.name), &p);
  }
  // What scripts of the original name.
  for (const char* name : {"debug",
                           "fork",
                           "log_stderror",
                           "listen",
                           "port",
                           "alias",
                           "children",
                           "check_via",
                           "dns",
                           "rev_dns",
                           "syn_branch",
                           "reply_to_via",
                           "mhomed",
                           "sip_warning",
                           "server_signature",
                           "fifo",
                           "fifo_mode",
                           "maxbuffer",
                           "memlog",
                           "statistics",
                           "user",
                           "uid",
                           "group",
                           "gid",
                           "chroot",
                           "workdir",
                           "wdir",
                           "disable_tcp",
                           "tcp_children",
                           "disable_tls",
                           "tls_log",
                           "tls_port_no",
                           "tls_method",
                           "tls_verify",
                           "tls_require_certificate",
                           "tls_certificate",
                           "tls_private_key",
                           "tls_ca_list",
                           "loop_checks"})
    EXPECT_TRUE(names.contains(name)) << name;
  EXPECT_THAT(loader.names().list_parameters(), HasSubstr("udp_mtu"));
  EXPECT_THAT(loader.names().functions_as_markdown(),
              HasSubstr("| `udp_mtu` | number | 1300 | 0 to 65535 bytes |"));
}

TEST(core_settings, that_cannot_be_are_refused_at_their_place) {
  for (const char* bad :
       {"port=99999", "port=-1", "children=0", "children=-5", "fork=tls", "udp_mtu=-1",
        "overload_lag=60001", "overload_per_source=-1", "log_facility=local8", "debug=10",
        "fifo_mode=512", "fifo_role=user", "mhomed=2", "tls_port_no=0", "tls_method=SSLv3",
        "tls_log=10", "compat=modern"}) {
    const auto made = compilation_of(bad);
    EXPECT_FALSE(made.made) << bad;
    EXPECT_THAT(made.found.to_string(), HasSubstr("test.cfg:1:")) << bad;
    EXPECT_THAT(made.found.to_string(), HasSubstr("; expected ")) << bad;
  }
}

TEST(core_settings, without_effect_say_why) {
  const auto made = compilation_of("dns=yes maxbuffer=4096 memlog=3");
  EXPECT_TRUE(made.made);
  for (const char* name : {"dns", "maxbuffer", "memlog"})
    EXPECT_THAT(made.found.to_string(), HasSubstr(std::string{name} + " has no effect: "));
}

} // namespace
} // namespace tandem::server
