// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/listen_settings.hpp>

#include <tandem/server/loaded_script.hpp>
#include <tandem/server/privileges.hpp>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tandem::server {
namespace {

std::shared_ptr<const script::program> compiled(std::string_view parameters) {
  auto made = script::compile(std::make_shared<script::source>(
                                  "test.cfg", std::string{parameters} + "\nroute { break; }\n"),
                              script_loader{{}}.shared_names());
  EXPECT_FALSE(made.found.has_errors()) << made.found.to_string();
  return made.made;
}

/// One host has a name.
std::vector<ip_address> look_up(const std::string& name) {
  if (name == "here.example") return {*ip_address::parse("127.0.0.9")};
  return {};
}

/// As words: "udp 192.0.2.1:5060, tcp 192.0.2.1:5060".
std::string points(const options& wanted, std::string_view parameters) {
  std::string all;
  for (const auto& p : listen_points(wanted, *compiled(parameters), look_up))
    all += fmt::format("{}{} {}", all.empty() ? "" : ", ", name_of(p.transport),
                       p.address.to_string());
  return all;
}

TEST(listen_points, are_those_of_the_script_with_the_port_that_they_leave_out) {
  struct row {
    std::string_view parameters, expected;
  };
  const row table[] = {
      {"listen=127.0.0.1", "udp 127.0.0.1:5060, tcp 127.0.0.1:5060"},
      {"listen=127.0.0.1\nport=5070", "udp 127.0.0.1:5070, tcp 127.0.0.1:5070"},
      {"listen=udp:127.0.0.1:5080\nport=5070", "udp 127.0.0.1:5080"},
      {"listen=tcp:127.0.0.1\nlisten=udp:127.0.0.1", "tcp 127.0.0.1:5060, udp 127.0.0.1:5060"},
      {"listen=\"[::1]\"\nport=5071", "udp [::1]:5071, tcp [::1]:5071"},
      {"listen=\"udp:[::1]:5072\"", "udp [::1]:5072"},
      {"listen=\"::1\"\nport=5073", "udp [::1]:5073, tcp [::1]:5073"},
      {"listen=udp:here.example\nport=5074", "udp 127.0.0.9:5074"},
      {"listen=127.0.0.1\ndisable_tcp=yes", "udp 127.0.0.1:5060"},
      {"listen=tls:127.0.0.1\nport=5070", "tls 127.0.0.1:5061"},
      {"listen=tls:127.0.0.1\ntls_port_no=5071", "tls 127.0.0.1:5071"},
      {"listen=tls:127.0.0.1:5081\ntls_port=5071", "tls 127.0.0.1:5081"},
      {"listen=127.0.0.1\nlisten=tls:127.0.0.1\ndisable_tls=yes",
       "udp 127.0.0.1:5060, tcp 127.0.0.1:5060"},
      {"listen=udp:127.0.0.1\nlisten=tls:127.0.0.1\ndisable_tcp=yes", "udp 127.0.0.1:5060"},
      {"listen=127.0.0.1\nlisten=127.0.0.1:5060", "udp 127.0.0.1:5060, tcp 127.0.0.1:5060"},
  };
  for (const row& r : table) EXPECT_EQ(points({}, r.parameters), r.expected) << r.parameters;
}

TEST(listen_points, of_the_command_line_win_over_those_of_the_script) {
  options wanted;
  wanted.listen = {"127.0.0.2", "udp:127.0.0.3:5099"};
  EXPECT_EQ(points(wanted, "listen=127.0.0.1\nport=5070"),
            "udp 127.0.0.2:5070, tcp 127.0.0.2:5070, udp 127.0.0.3:5099");
  wanted.port = 5071;
  wanted.no_tcp = true;
  EXPECT_EQ(points(wanted, "port=5070"), "udp 127.0.0.2:5071, udp 127.0.0.3:5099");
}

TEST(listen_points, are_the_loopback_where_nothing_is_said) {
  EXPECT_EQ(points({}, ""), "udp 127.0.0.1:5060, tcp 127.0.0.1:5060");
}

TEST(listen_points, that_cannot_be_are_refused_with_their_place) {
  const auto complaint = [](const options& wanted, std::string_view parameters) -> std::string {
    try {
      (void)listen_points(wanted, *compiled(parameters), look_up);
      return "none";
    } catch (const start_error& error) {
      return error.what();
    }
  };
  EXPECT_TRUE(complaint({}, "\nlisten=nosuch0").starts_with("test.cfg:2:8: "))
      << complaint({}, "\nlisten=nosuch0");
  options wanted;
  wanted.listen = {"nosuch0"};
  EXPECT_TRUE(complaint(wanted, "").starts_with("--listen nosuch0: ")) << complaint(wanted, "");
  EXPECT_EQ(complaint({}, "listen=ws:127.0.0.1"),
            "test.cfg:1:8: 'ws:127.0.0.1': transport ws is not there yet, only udp, tcp and tls");
  EXPECT_EQ(complaint({}, "listen=tls:127.0.0.1\ndisable_tls=yes"),
            "nothing to listen on: TLS is disabled, and no other address was named");
  EXPECT_EQ(complaint({}, "listen=tcp:127.0.0.1\ndisable_tcp=yes"),
            "nothing to listen on: TCP is disabled, and no UDP address was named");
}

transport::listen_point socket_at(std::string_view address, std::string name = {}) {
  transport::listen_point made;
  made.address = *socket_address::parse(address);
  made.name = std::move(name);
  return made;
}

TEST(collected_names, are_listeners_their_names_interfaces_of_wildcards_and_aliases) {
  const auto program = compiled("alias=example.com\nalias=\"sip.example.org:5080\"");
  const std::vector<transport::listen_point> sockets{socket_at("127.0.0.5:5066"),
                                                     socket_at("0.0.0.0:5067"),
                                                     socket_at("127.0.0.9:5068", "here.example")};
  own_names names;
  collect_own_names(names, transport::listener_table{sockets}, sockets, *program);
  EXPECT_TRUE(names.contains("127.0.0.5", 5066));
  EXPECT_TRUE(names.contains("127.0.0.1", 5067)) << "the loopback is an interface";
  EXPECT_FALSE(names.contains("127.0.0.1", 5066));
  EXPECT_TRUE(names.contains("here.example", 5068));
  EXPECT_FALSE(names.contains("here.example", 5066));
  EXPECT_TRUE(names.contains("example.com", 0));
  EXPECT_TRUE(names.contains("sip.example.org", 5080));
}

TEST(collected_names, refuse_an_alias_that_is_none_with_its_place) {
  own_names names;
  try {
    collect_own_names(names, transport::listener_table{{}}, {}, *compiled("alias=\"a b\""));
    ADD_FAILURE() << "it was taken";
  } catch (const start_error& error) {
    EXPECT_TRUE(std::string_view{error.what()}.starts_with("test.cfg:1:7: alias: 'a b' is"))
        << error.what();
  }
}

} // namespace
} // namespace tandem::server
