// SPDX-License-Identifier: Apache-2.0
// The transport of a shard keeps what every outbox promises.
#include <tandem/stack/outbox_contract_for_test.hpp>

#include <tandem/io/closed_port_for_test.hpp>
#include <tandem/io/small_network_for_test.hpp>
#include <tandem/transport/testbed_for_test.hpp>

#include <optional>

namespace tandem::stack::for_test {
namespace {

/// The outbox is that of shard 0, which runs on the test's thread.
class real_world final : public outbox_world, public transport::message_user {
 public:
  explicit real_world(unsigned shards)
      : shards_{shards}, net_{std::make_unique<network>(*this, shards)} {}

  outbox& out() override { return net_->part(); }
  target somebody() override {
    target to;
    to.address = net_->client.socket->local();
    return to;
  }
  std::vector<std::string> arrived() override { return net_->client.got; }
  std::vector<target> nowhere() override {
    target port_0;
    port_0.address = *socket_address::parse("127.0.0.1:0");
    target refused; // by the kernel, which sends no broadcast
    refused.address = *socket_address::parse("255.255.255.255:5060");
    target port_0_by_stream = port_0;
    port_0_by_stream.transport = transport_kind::tcp;
    target closed;
    closed.address = closed_.address();
    closed.transport = transport_kind::tcp;
    target absent = port_0;
    absent.address.port = 5061;
    absent.transport = transport_kind::tls;
    target gone = closed;
    gone.flow = {4'711, 1, 0};
    std::vector<target> all{port_0, refused, port_0_by_stream, closed, absent, gone};
    for (std::uint16_t shard = 1; shard < shards_; ++shard) {
      target gone_there = gone; // a connection of another shard, which has to tell
      gone_there.flow.shard = shard;
      all.push_back(gone_there);
    }
    return all;
  }
  void turn(const std::function<void()>& what, const std::function<bool()>& done) override {
    net_->shards[0].post(what);
    bool has_begun = false;
    net_->shards[0].post([&] { has_begun = true; });
    EXPECT_TRUE(net_->shards[0].run_until([&] { return has_begun && done(); }));
  }
  bool fill_buffers(std::size_t) override {
    net_.reset();
    const io::small_network_for_test small;
    net_ = std::make_unique<network>(*this, shards_);
    return small.is_there() &&
           io::small_network_for_test::shrink_send_buffer(net_->whole.listeners()[0].address);
  }
  std::size_t lost() override { return net_->part().lost_datagrams(); }

 private:
  struct network {
    network(transport::message_user& user, unsigned shard_count) : shards{shard_count} {
      for (std::uint16_t i = 0; i < shards.size(); ++i) whole[i].set_user(&user);
      shards.start();
    }
    ~network() {
      shards.join();
      for (std::uint16_t i = 0; i < shards.size(); ++i) whole[i].set_user(nullptr);
    }
    transport::shard_transport& part() { return whole[0]; }

    io::shard_group shards;
    transport::transport whole{shards, transport::testbed::points_at("127.0.0.1:0")};
    transport::udp_client client{shards[0]};
  };

  void on_message(block_ref&&, std::uint32_t, const arrival&) override {}
  void on_broken(block_ref&&, std::uint32_t, sip::parse_errc, const arrival&) override {}
  /// On shard 0, which alone has sent.
  void on_send_error(origin of, send_error why) override { on_failed(of, why); }
  void on_datagram_refused(std::string_view) override {}

  const unsigned shards_;
  io::closed_port_for_test closed_{ip_address::v4(127, 0, 0, 1)};
  std::unique_ptr<network> net_;
};

template <unsigned Shards>
std::unique_ptr<outbox_world> world_of() {
  return std::make_unique<real_world>(Shards);
}

INSTANTIATE_TEST_SUITE_P(transport_of_one_shard, every_outbox, ::testing::Values(&world_of<1>));
INSTANTIATE_TEST_SUITE_P(transport_of_two_shards, every_outbox, ::testing::Values(&world_of<2>));

} // namespace
} // namespace tandem::stack::for_test
