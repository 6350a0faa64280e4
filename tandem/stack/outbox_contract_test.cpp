// SPDX-License-Identifier: Apache-2.0
// The outboxes of the tests keep what every outbox promises.
#include <tandem/stack/messages_for_test.hpp>
#include <tandem/stack/outbox_contract_for_test.hpp>
#include <tandem/stack/simulated_network.hpp>
#include <tandem/stack/virtual_outbox.hpp>

namespace tandem::stack::for_test {
namespace {

class virtual_world final : public outbox_world {
 public:
  virtual_world() {
    out_.refuses = [](const target& to) {
      return is_reliable(to.transport) ? std::optional{send_error::refused} : std::nullopt;
    };
    out_.on_send_error = [this](origin o, send_error why) { on_failed(o, why); };
  }
  outbox& out() override { return out_; }
  target somebody() override { return target_at("192.0.2.2"); }
  std::vector<std::string> arrived() override {
    std::vector<std::string> all;
    for (const auto& m : out_.sent) all.push_back(m.text);
    return all;
  }
  std::vector<target> nowhere() override {
    return {target_at("192.0.2.3:0"), target_at("192.0.2.3", transport_kind::tcp)};
  }
  void turn(const std::function<void()>& what, const std::function<bool()>&) override {
    what();
    out_.end_turn();
  }
  bool fill_buffers(std::size_t) override {
    out_.has_room = false;
    return true;
  }
  std::size_t lost() override { return out_.lost; }

 private:
  virtual_outbox out_;
};

class simulated_world final : public outbox_world {
 public:
  simulated_world() {
    here_.on_send_error = [this](origin o, send_error why) { on_failed(o, why); };
    there_.seen = [this](const std::string& datagram) { arrived_.push_back(datagram); };
  }
  outbox& out() override { return here_; }
  target somebody() override { return target_at("192.0.2.2"); }
  std::vector<std::string> arrived() override { return arrived_; }
  std::vector<target> nowhere() override {
    return {target_at("192.0.2.2:0"), target_at("192.0.2.2", transport_kind::tcp)};
  }
  void turn(const std::function<void()>& what, const std::function<bool()>&) override {
    network_.after(duration{}, what);
    network_.run(seconds{1});
  }
  bool fill_buffers(std::size_t) override {
    here_.has_room = false;
    return true;
  }
  std::size_t lost() override { return here_.lost; }

 private:
  simulated_network network_{1, {}};
  simulated_host here_{network_, "192.0.2.1"};
  simulated_host there_{network_, "192.0.2.2"};
  std::vector<std::string> arrived_;
};

INSTANTIATE_TEST_SUITE_P(virtual_outbox, every_outbox,
                         ::testing::Values([]() -> std::unique_ptr<outbox_world> {
                           return std::make_unique<virtual_world>();
                         }));

INSTANTIATE_TEST_SUITE_P(simulated_host, every_outbox,
                         ::testing::Values([]() -> std::unique_ptr<outbox_world> {
                           return std::make_unique<simulated_world>();
                         }));

} // namespace
} // namespace tandem::stack::for_test
