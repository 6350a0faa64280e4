// SPDX-License-Identifier: Apache-2.0
#include <tandem/transport/connectors.hpp>

#include <tandem/io/certificates_for_test.hpp>
#include <tandem/io/shard_group.hpp>
#include <tandem/transport/transport.hpp>

#include <gtest/gtest.h>
#include <stdexcept>

namespace tandem::transport {
namespace {

TEST(connectors, every_kind_has_all_that_can_be_done_with_it) {
  for (std::size_t i = 0; i < connectors.size(); ++i) {
    const connector& c = connectors[i];
    SCOPED_TRACE(name_of(transport_rows[i].kind));
    EXPECT_EQ(c.kind, transport_rows[i].kind);
    EXPECT_EQ(&connector_of(c.kind), &c);
    EXPECT_NE(c.listen_port, 0);
    EXPECT_EQ(c.probe != nullptr, c.listen != nullptr);
    EXPECT_TRUE(!c.listen || c.framed != framing::none) << "nobody could read what comes";
    EXPECT_TRUE(c.framed == framing::none || (c.framed == framing::datagram) != is_reliable(c.kind))
        << "what the protocol says and how it is carried are one thing";
  }
}

TEST(connectors, listen_at_a_port_that_is_found_free_and_not_at_one_that_is_taken) {
  const auto somewhere = *socket_address::parse("127.0.0.1:0");
  const io::certificates_for_test certificates;
  const tls_contexts tls{io::tls_context::server({.certificate_file = certificates / "server.pem",
                                                  .key_file = certificates / "server.key"})
                             .value(),
                         {}};
  for (const connector& c : connectors) {
    if (!c.listen) continue;
    SCOPED_TRACE(name_of(c.kind));
    io::shard_group shards{1};
    const transport net{shards, {{c.kind, somewhere, {}}}, {}, tls};
    const auto& at = net.listeners()[0].address;
    EXPECT_NE(at.port, 0);
    const auto probed = c.probe(shards[0], at);
    ASSERT_FALSE(probed);
    EXPECT_EQ(probed.error(), "cannot bind to " + at.to_string() +
                                  ": Address already in use; another program listens there: stop "
                                  "it or take another port");
    EXPECT_TRUE(c.probe(shards[0], somewhere));
  }
}

TEST(connectors, a_kind_without_one_is_refused_with_the_same_words_wherever_it_is_asked_for) {
  EXPECT_EQ(no_listener_text(transport_kind::wss),
            "transport wss is not there yet, only udp, tcp and tls");
  int refused = 0;
  for (const connector& c : connectors) {
    if (c.listen) continue;
    ++refused;
    const std::string text = std::string{name_of(c.kind)} + ":127.0.0.1:0";
    const auto points = parse_listen_point(text, {});
    ASSERT_FALSE(points) << text;
    EXPECT_EQ(points.error(), "'" + text + "': " + no_listener_text(c.kind));
    io::shard_group shards{1};
    try {
      const transport net{shards, {{c.kind, *socket_address::parse("127.0.0.1:0"), {}}}};
      ADD_FAILURE() << text << " was opened";
    } catch (const std::runtime_error& error) {
      EXPECT_EQ(error.what(), "cannot listen on " + std::string{via_token(c.kind)} + ": " +
                                  no_listener_text(c.kind));
    }
  }
  EXPECT_EQ(refused, 2) << "ws and wss";
}

// RFC 3261 26.2.2
TEST(connectors, of_tls_do_not_listen_without_a_certificate) {
  io::shard_group shards{1};
  EXPECT_THROW(
      (transport{shards, {{transport_kind::tls, *socket_address::parse("127.0.0.1:0"), {}}}}),
      std::runtime_error);
}

} // namespace
} // namespace tandem::transport
