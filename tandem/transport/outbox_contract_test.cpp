// SPDX-License-Identifier: Apache-2.0
// The transport of a shard keeps what every outbox promises.
#include <tandem/stack/outbox_contract.hpp>

#include <tandem/io/closed_port_for_test.hpp>
#include <tandem/io/small_network_for_test.hpp>
#include <tandem/transport/testbed.hpp>

#include <optional>

namespace tandem::stack::testing {
namespace {

class real_world final : public outbox_world, public transport::message_user {
 public:
  real_world() : net_{std::make_unique<network>(*this)} {}
  ~real_world() override { net_->part().set_user(nullptr); }

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
    return {port_0, refused, port_0_by_stream, closed, absent, gone};
  }
  void turn(const std::function<void()>& what, const std::function<bool()>& done) override {
    net_->shards[0].post(what);
    bool has_begun = false;
    net_->shards[0].post([&] { has_begun = true; });
    EXPECT_TRUE(net_->shards[0].run_until([&] { return has_begun && done(); }));
  }
  bool fill_buffers(std::size_t) override {
    net_->part().set_user(nullptr);
    const io::small_network_for_test small;
    net_.reset();
    net_ = std::make_unique<network>(*this);
    return small.is_there() &&
           io::small_network_for_test::shrink_send_buffer(net_->whole.listeners()[0].address);
  }
  std::size_t lost() override { return net_->part().lost_datagrams(); }

 private:
  struct network {
    explicit network(transport::message_user& user) { part().set_user(&user); }
    transport::shard_transport& part() { return whole[0]; }

    io::shard_group shards{1};
    transport::transport whole{shards, transport::testbed::points_at("127.0.0.1:0")};
    transport::udp_client client{shards[0]};
  };

  void on_message(block_ref&&, std::uint32_t, const arrival&) override {}
  void on_broken(block_ref&&, std::uint32_t, sip::parse_errc, const arrival&) override {}
  void on_send_error(origin of, send_error why) override { on_failed(of, why); }
  void on_datagram_refused(std::string_view) override {}

  io::closed_port_for_test closed_{ip_address::v4(127, 0, 0, 1)};
  std::unique_ptr<network> net_;
};

INSTANTIATE_TEST_SUITE_P(transport, every_outbox,
                         ::testing::Values([]() -> std::unique_ptr<outbox_world> {
                           return std::make_unique<real_world>();
                         }));

} // namespace
} // namespace tandem::stack::testing
