// SPDX-License-Identifier: Apache-2.0
// Overload, floods, slow and half-open peers: nobody else notices.
#include <tandem/transport/testbed_for_test.hpp>

#include <tandem/io/raw_peer_for_test.hpp>

#include <sys/resource.h>

namespace tandem::transport {
namespace {

/// Two descriptors for each connection of these tests.
bool allow_descriptors(rlim_t wanted) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= wanted) return true;
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  return setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= wanted;
}

TEST(bounds, a_peer_that_never_ends_its_message_is_closed_however_slowly_it_drips) {
  transport_options options;
  options.half_message_limit = milliseconds{300};
  testbed bed{1, "127.0.0.1:0", options};
  tcp_client good{bed.shards[0], bed.tcp()};
  good.say(options_request("a", "TCP", "127.0.0.1"));
  ASSERT_TRUE(bed.wait([&] { return good.responses() == 1; }));

  tcp_client silent{bed.shards[0], bed.tcp()};
  tcp_client dripping{bed.shards[0], bed.tcp()};
  const std::string request = options_request("b", "TCP", "127.0.0.1");
  struct drip final : timer {
    drip(testbed& b, tcp_client& c, const std::string& t) : bed{b}, client{c}, text{t} {
      bed.shards[0].timers().arm(*this, tandem::now());
    }
    void on_timer(instant now) override {
      if (at < text.size()) client.say(std::string_view{text}.substr(at++, 1));
      bed.shards[0].timers().arm(*this, now + milliseconds{20});
    }
    testbed& bed;
    tcp_client& client;
    const std::string& text;
    std::size_t at = 0;
  } dripper{bed, dripping, request};
  ASSERT_TRUE(bed.wait([&] { return silent.has_ended && dripping.has_ended; }));
  EXPECT_LT(dripper.at, request.size()) << "it was not waited for";
  EXPECT_FALSE(good.has_ended) << "an idle connection that has proved itself stays";
  good.say(options_request("c", "TCP", "127.0.0.1"));
  ASSERT_TRUE(bed.wait([&] { return good.responses() == 2; }));
}

TEST(bounds, a_peer_that_resets_behind_its_fin_lets_the_loop_sleep) {
  testbed bed;
  const std::string request = options_request("a", "TCP", "127.0.0.1");
  for (const std::string& said : {std::string{}, request, request.substr(0, 20)}) {
    io::raw_peer_for_test peer{bed.tcp()};
    if (!said.empty()) peer.say(said);
    ASSERT_TRUE(bed.wait([&] { return bed.net[0].connection_count() == 1; }));
    peer.finish();
    ASSERT_TRUE(bed.wait([&] { return bed.net[0].connection_count() == 0; }));
    const auto turns = bed.shards[0].turns();
    peer.reset();
    EXPECT_FALSE(bed.wait([] { return false; }, milliseconds{20}));
    EXPECT_LT(bed.shards[0].turns() - turns, 10U);
  }
}

TEST(bounds, half_open_connections_are_bounded_and_keep_nobody_out) {
  constexpr std::size_t flood = 5'000;
  if (!allow_descriptors(2 * flood + 200)) GTEST_SKIP() << "too few descriptors are allowed";
  transport_options options;
  options.connections = 1'000;
  options.connections_per_source = flood;
  testbed bed{1, "127.0.0.1:0", options};
  tcp_client proved{bed.shards[0], bed.tcp()};
  proved.say(options_request("a", "TCP", "127.0.0.1"));
  ASSERT_TRUE(bed.wait([&] { return proved.responses() == 1; }));

  std::vector<std::unique_ptr<tcp_client>> idle;
  for (std::size_t i = 0; i < flood; ++i) {
    idle.push_back(std::make_unique<tcp_client>(bed.shards[0], bed.tcp()));
    if (i % 3 == 0) idle.back()->say("OPTIONS sip:x SIP/2.0\r\n"); // and no more
    if (i % 100 == 99) {
      ASSERT_TRUE(bed.wait([&] {
        EXPECT_LE(bed.net[0].connection_count(), options.connections);
        return idle.back()->has_ended || idle.back()->connection.is_connected();
      }));
    }
  }
  ASSERT_TRUE(bed.wait(
      [&] {
        return static_cast<std::size_t>(std::count_if(idle.begin(), idle.end(), [](const auto& c) {
                 return c->has_ended;
               })) >= flood - options.connections;
      },
      seconds{60}));
  EXPECT_LE(bed.net[0].connection_count(), options.connections);

  tcp_client late{bed.shards[0], bed.tcp()};
  late.say(options_request("b", "TCP", "127.0.0.1"));
  proved.say(options_request("c", "TCP", "127.0.0.1"));
  ASSERT_TRUE(bed.wait([&] { return late.responses() == 1 && proved.responses() == 2; }));
}

TEST(bounds, connections_of_one_source_are_bounded) {
  transport_options options;
  options.connections_per_source = 5;
  testbed bed{1, "127.0.0.1:0", options};
  std::vector<std::unique_ptr<tcp_client>> clients;
  clients.reserve(8);
  for (int i = 0; i < 8; ++i)
    clients.push_back(std::make_unique<tcp_client>(bed.shards[0], bed.tcp()));
  const auto ended = [&] {
    return std::count_if(clients.begin(), clients.end(),
                         [](const auto& c) { return c->has_ended; });
  };
  ASSERT_TRUE(bed.wait([&] { return ended() == 3; }));
  EXPECT_EQ(bed.net[0].connection_count(), 5U);
}

/// A client whose first request was answered, so that its connection counts as proved.
std::unique_ptr<tcp_client> proved(testbed& bed, const char* from) {
  auto made = std::make_unique<tcp_client>(bed.shards[0], bed.tcp(), *ip_address::parse(from));
  made->say(options_request("proved", "TCP", from));
  EXPECT_TRUE(bed.wait([&] { return made->responses() == 1 || made->has_ended; }));
  return made;
}

TEST(bounds, a_stranger_that_has_all_connections_keeps_no_newcomer_out) {
  transport_options options;
  options.connections = 10;
  testbed bed{1, "127.0.0.1:0", options};
  std::vector<std::unique_ptr<tcp_client>> stranger;
  for (std::size_t i = 0; i < options.connections; ++i) {
    stranger.push_back(proved(bed, "127.0.0.1"));
    // The first one has a registration.
    if (i == 0) bed.net[0].bind_flow(bed.elements[0]->last.flow, tandem::now() + seconds{600});
  }
  EXPECT_TRUE(proved(bed, "127.0.0.1")->has_ended) << "nobody makes room for the fullest source";
  const auto newcomer = proved(bed, "127.0.0.2");
  EXPECT_EQ(newcomer->responses(), 1U);
  ASSERT_TRUE(bed.wait([&] { return stranger[1]->has_ended; })) << "the longest idle one goes";
  const auto next = proved(bed, "127.0.0.3");
  EXPECT_EQ(next->responses(), 1U);
  ASSERT_TRUE(bed.wait([&] { return stranger[2]->has_ended; }));
  EXPECT_FALSE(stranger[0]->has_ended) << "what a registration depends on goes last";
  EXPECT_FALSE(newcomer->has_ended);
  EXPECT_EQ(bed.net[0].connection_count(), options.connections);
}

TEST(bounds, new_work_gets_503_under_overload_while_dialogs_go_on) {
  overload_options overload;
  overload.transactions = 0; // always too many
  overload.retry_after = 7;
  testbed bed{1, "127.0.0.1:0", {}, overload};
  udp_client client{bed.shards[0]};
  const std::string via = client.socket->local().to_string();
  client.say(bed.udp(), options_request("a", "UDP", via));
  ASSERT_TRUE(bed.wait([&] { return client.got.size() == 1; }));
  EXPECT_TRUE(client.got[0].starts_with("SIP/2.0 503 ")) << client.got[0];
  EXPECT_NE(client.got[0].find("\r\nRetry-After: 7\r\n"), std::string::npos) << client.got[0];
  std::string in_dialog = options_request("b", "UDP", via);
  in_dialog.insert(in_dialog.find("To: <sip:server@127.0.0.1>") + 26, ";tag=2");
  client.say(bed.udp(), in_dialog);
  ASSERT_TRUE(bed.wait([&] { return client.got.size() == 2; }));
  EXPECT_TRUE(client.got[1].starts_with("SIP/2.0 200 ")) << client.got[1];
  EXPECT_EQ(bed.elements[0]->door.counters().overload, 1U);
}

TEST(bounds, a_loop_that_lags_is_overloaded_and_recovers) {
  overload_options overload;
  overload.lag = milliseconds{30};
  testbed bed{1, "127.0.0.1:0", {}, overload};
  bed.shards[0].post([] {
    const instant end = tandem::now() + milliseconds{60};
    while (tandem::now() < end) {
    }
  });
  bool was_overloaded = false;
  ASSERT_TRUE(bed.wait([&] {
    bed.shards[0].post([&] { was_overloaded = bed.elements[0]->door.is_overloaded(); });
    return was_overloaded;
  }));
  ASSERT_TRUE(bed.wait([&] {
    bed.shards[0].post([&] { was_overloaded = bed.elements[0]->door.is_overloaded(); });
    return !was_overloaded;
  }));
}

/// A request within a dialog, as everybody can write one.
std::string with_to_tag(std::string text) {
  return text.insert(text.find("To: <sip:server@127.0.0.1>") + 26, ";tag=2");
}

// Neither a To tag nor a broken request is a way around the bound.
TEST(bounds, whatever_one_source_sends_is_limited) {
  overload_options overload;
  overload.requests_per_source = 1; // of what begins something; ten times that of the rest
  for (const bool is_broken : {false, true}) {
    testbed bed{1, "127.0.0.1:0", {}, overload};
    udp_client client{bed.shards[0]};
    const std::string via = client.socket->local().to_string();
    for (int i = 0; i < 100; ++i) {
      std::string text = with_to_tag(options_request(fmt::format("c{}", i), "UDP", via));
      if (is_broken) text.replace(text.find("Call-ID:"), 8, "Call-ID ");
      client.say(bed.udp(), text);
    }
    auto& door = bed.elements[0]->door;
    ASSERT_TRUE(bed.wait([&] { return door.counters().limited >= 80; }));
    EXPECT_LE(bed.elements[0]->requests, 20);
    EXPECT_GE(bed.elements[0]->requests, is_broken ? 0 : 10);
  }
}

TEST(bounds, requests_of_one_source_are_limited_where_the_operator_says_so) {
  overload_options overload;
  overload.requests_per_source = 3;
  testbed bed{1, "127.0.0.1:0", {}, overload};
  udp_client client{bed.shards[0]};
  for (int i = 0; i < 10; ++i)
    client.say(bed.udp(),
               options_request(fmt::format("c{}", i), "UDP", client.socket->local().to_string()));
  ASSERT_TRUE(bed.wait([&] { return client.got.size() == 10; }));
  EXPECT_GE(bed.elements[0]->requests, 3);
  EXPECT_LE(bed.elements[0]->requests, 4);
  EXPECT_GE(bed.elements[0]->door.counters().limited, 6U);
}

/// Counts the failures that it is told.
struct failure_counter final : message_user {
  void on_message(block_ref&&, std::uint32_t, const stack::arrival&) override {}
  void on_broken(block_ref&&, std::uint32_t, sip::parse_errc, const stack::arrival&) override {}
  void on_send_error(stack::origin of, stack::send_error) override {
    ++told;
    last = of.slot;
  }
  void on_datagram_refused(std::string_view) override {}
  std::uint32_t told = 0;
  std::uint32_t last = 0;
};

TEST(bounds, of_the_failures_of_one_turn_so_many_are_told_and_all_are_counted) {
  failure_counter user;
  io::shard_group shards{1};
  transport net{shards, testbed::points_at("127.0.0.1:0")};
  net[0].set_user(&user);
  constexpr std::uint32_t bound = 65'536;
  stack::target nowhere;
  nowhere.address = *socket_address::parse("127.0.0.1:5061");
  nowhere.transport = transport_kind::ws; // nothing connects by that
  const auto fail = [&](std::uint32_t first, std::uint32_t end) {
    for (std::uint32_t n = first; n < end; ++n)
      net[0].send(nowhere, stack::wire_message::copy_of("x"), {n, 1, stack::origin::kind::client});
  };
  shards[0].post([&] { fail(0, bound + 1); });
  ASSERT_TRUE(shards[0].run_until([&] { return user.told > 0; }));
  EXPECT_EQ(user.told, bound);
  EXPECT_EQ(user.last, bound - 1) << "the first ones are told, the rest ends by its timers";
  EXPECT_EQ(net[0].counters().send_errors, bound + 1);
  shards[0].post([&] { fail(bound + 1, bound + 2); });
  ASSERT_TRUE(shards[0].run_until([&] { return user.told > bound; }));
  EXPECT_EQ(user.last, bound + 1) << "the next turn is told";
  net[0].set_user(nullptr);
}

// A wildcard writes the address of ours that was spoken to into its Via; views of these texts live
// as long as the transport.
TEST(bounds, beyond_the_texts_that_are_kept_for_wildcards_nothing_leaves_and_the_others_stay) {
  constexpr std::uint32_t ports = 17;
  constexpr std::uint32_t addresses = 255;
  constexpr std::size_t bound = 4'096;
  static_assert(std::size_t{ports} * addresses > bound);
  std::string at = "0.0.0.0:0";
  for (std::uint32_t i = 1; i < ports; ++i) at += " 0.0.0.0:0";
  testbed bed{1, at.c_str()};
  udp_client client{bed.shards[0]};
  for (std::uint32_t n = 1; n <= addresses; ++n) {
    const std::string id = "call-" + std::to_string(n);
    client.say({ip_address::v4(127, 0, 1, static_cast<std::uint8_t>(n)), bed.udp().port},
               options_request(id, "UDP", client.socket->local().to_string()));
    ASSERT_TRUE(bed.wait([&] { return bed.elements[0]->requests == static_cast<int>(n); }));
  }
  stack::target back;
  back.address = client.socket->local();
  std::vector<std::string_view> texts;
  std::size_t refused = 0;
  for (std::uint32_t listener = 0; listener < bed.net.listeners().size(); ++listener) {
    if (bed.net.listeners()[listener].transport != transport_kind::udp) continue;
    for (std::uint32_t n = 1; n <= addresses; ++n) {
      back.flow = {listener | n << 16U, 0xffffffff, 0};
      const auto way = bed.net[0].way_for(back, 500);
      if (way.sent_by.empty())
        ++refused;
      else
        texts.push_back(way.sent_by);
    }
  }
  // The answers may have left by another text than those that were asked for.
  EXPECT_LE(texts.size(), bound);
  EXPECT_GE(texts.size(), bound - 1);
  EXPECT_EQ(texts.size() + refused, std::size_t{ports} * addresses);
  EXPECT_EQ(texts.front(), "127.0.1.1:" + std::to_string(bed.udp().port));
  back.flow = {0 | 1U << 16U, 0xffffffff, 0};
  EXPECT_EQ(bed.net[0].way_for(back, 500).sent_by.data(), texts.front().data());
}

} // namespace
} // namespace tandem::transport
