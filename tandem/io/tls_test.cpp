// SPDX-License-Identifier: Apache-2.0
// What TLS adds to a connection: whom it trusts, its handshake, its end.
#include <tandem/io/tls.hpp>

#include <tandem/io/connection_for_test.hpp>
#include <tandem/io/raw_peer_for_test.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem::io {
namespace {

using testing::HasSubstr;

class tls : public connections_over {};

TEST_P(tls, refuses_a_name_the_certificate_does_not_hold) {
  connect("example.net");
  ASSERT_TRUE(loop.run_until([&] { return client->closed.has_value(); }));
  EXPECT_EQ(client->closed, connection_end::tls_failed);
  EXPECT_THAT(client->detail, HasSubstr("hostname mismatch"));
  EXPECT_THAT(client->detail, HasSubstr("use a name that the certificate holds"));
}

TEST_P(tls, takes_an_address_the_certificate_holds) {
  connect("127.0.0.1");
  EXPECT_TRUE(loop.run_until([&] { return client->connected == 1; }));
}

TEST_P(tls, refuses_an_authority_it_does_not_know) {
  connecting = client_tls({.ca_file = test_certificates() / "alone.pem"});
  connect();
  client->say("never sent", 1);
  ASSERT_TRUE(loop.run_until([&] { return client->closed && server->closed; }));
  EXPECT_EQ(client->closed, connection_end::tls_failed);
  EXPECT_THAT(client->detail, HasSubstr("give the file of the authority"));
  EXPECT_EQ(server->closed, connection_end::tls_failed);
  EXPECT_EQ(client->connection.sent_bytes(), 0U);
  EXPECT_EQ(client->unsent.size(), 1U);
}

TEST_P(tls, demands_a_client_certificate_if_told_to) {
  accepting = server_tls(test_certificates() / "ca.pem");
  connect();
  ASSERT_TRUE(loop.run_until([&] { return client->closed && server->closed; }));
  EXPECT_EQ(server->closed, connection_end::tls_failed);
  EXPECT_EQ(server->connected, 0);

  renew({});
  connecting = client_tls({.ca_file = test_certificates() / "ca.pem",
                           .certificate_file = test_certificates() / "client.pem",
                           .key_file = test_certificates() / "client.key"});
  connect();
  EXPECT_TRUE(loop.run_until([&] { return server->connected == 1; }));
}

TEST_P(tls, tells_a_peer_apart_that_speaks_something_else) {
  connecting = {};
  connect();
  client->connection.write("GET / HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(loop.run_until([&] { return server->closed.has_value(); }));
  EXPECT_EQ(server->closed, connection_end::tls_failed);
  EXPECT_THAT(server->detail, HasSubstr("http request"));
}

TEST_P(tls, ends_a_handshake_that_does_not_end_in_time) {
  for (const bool has_begun : {false, true}) {
    renew({.open = milliseconds{100}});
    raw_peer_for_test peer{listener->address(), connecting};
    // The first flight of a handshake, then never the second: one byte now and then counts nothing.
    if (has_begun) {
      EXPECT_FALSE(peer.shake_hands());
    }
    ASSERT_TRUE(loop.run_until([&] { return server->closed.has_value(); }));
    EXPECT_EQ(server->closed, connection_end::open_limit);
    EXPECT_THAT(server->detail, HasSubstr("TLS"));
  }
}

TEST_P(tls, ends_when_the_peer_leaves_inside_the_handshake) {
  raw_peer_for_test peer{listener->address(), connecting};
  EXPECT_FALSE(peer.shake_hands());
  peer.cut();
  ASSERT_TRUE(loop.run_until([&] { return server->closed.has_value(); }));
  EXPECT_EQ(server->closed, connection_end::tls_failed);
  EXPECT_THAT(server->detail, HasSubstr("closed the connection during the TLS handshake"));
}

TEST_P(tls, ends_at_a_record_that_was_changed_on_the_way) {
  raw_peer_for_test peer{listener->address(), connecting};
  ASSERT_TRUE(
      loop.run_until([&] { return peer.shake_hands() && server->connection.is_connected(); }));
  std::string record = peer.as_sent("true");
  record.back() = static_cast<char>(record.back() ^ 1);
  peer.send_raw(record);
  ASSERT_TRUE(loop.run_until([&] { return server->closed.has_value(); }));
  EXPECT_EQ(server->closed, connection_end::lost);
  EXPECT_EQ(server->received, "");
}

TEST_P(tls, tells_a_connection_that_was_cut_off_from_one_that_the_peer_ended_rfc_8446_6_1) {
  for (const bool is_cut : {false, true}) {
    for (const auto then : {half_close::finish, half_close::keep}) {
      renew({});
      server->when_peer_finishes = then;
      raw_peer_for_test peer{listener->address(), connecting};
      ASSERT_TRUE(
          loop.run_until([&] { return peer.shake_hands() && server->connection.is_connected(); }));
      peer.say("the beginning");
      if (is_cut)
        peer.cut();
      else
        peer.finish();
      ASSERT_TRUE(
          loop.run_until([&] { return server->closed.has_value() || server->peer_finished > 0; }));
      EXPECT_EQ(server->received, "the beginning");
      EXPECT_EQ(server->peer_finished, is_cut ? 0 : 1);
      if (is_cut)
        EXPECT_EQ(server->closed, connection_end::cut_off);
      else if (then == half_close::finish)
        EXPECT_EQ(server->closed, connection_end::by_peer);
      else
        EXPECT_FALSE(server->closed);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(over, tls, testing::Values(true), name_of_channel);

TEST(tls_files, are_told_with_cause_and_remedy) {
  const auto& c = test_certificates();
  EXPECT_THAT(tls_context::server({}).error(), HasSubstr("needs a certificate"));
  EXPECT_THAT(tls_context::server({.certificate_file = "/nonexistent.pem"}).error(),
              HasSubstr("cannot read /nonexistent.pem: No such file"));
  EXPECT_THAT(
      tls_context::server({.certificate_file = c / "server.pem", .key_file = c / "client.key"})
          .error(),
      HasSubstr("does not belong to the certificate"));
  EXPECT_THAT(tls_context::server({.certificate_file = c / "server.key"}).error(),
              HasSubstr("not a certificate in PEM form"));
  EXPECT_THAT(tls_context::server({.certificate_file = c / "server.pem"}).error(),
              HasSubstr("not a private key in PEM form"));
  EXPECT_THAT(tls_context::client({.ca_file = c / "server.key"}).error(),
              HasSubstr("holds no certificates"));
}

} // namespace
} // namespace tandem::io
