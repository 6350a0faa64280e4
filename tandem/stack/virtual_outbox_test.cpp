// SPDX-License-Identifier: Apache-2.0
// The outbox of the tests keeps what every outbox promises.
#include <tandem/stack/outbox_contract.hpp>
#include <tandem/stack/test_messages.hpp>
#include <tandem/stack/virtual_outbox.hpp>

namespace tandem::stack::testing {
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

INSTANTIATE_TEST_SUITE_P(virtual_outbox, every_outbox,
                         ::testing::Values([]() -> std::unique_ptr<outbox_world> {
                           return std::make_unique<virtual_world>();
                         }));

} // namespace
} // namespace tandem::stack::testing
