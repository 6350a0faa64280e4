// SPDX-License-Identifier: Apache-2.0
// Each allocation of a login and a checkout fails in turn: that message is refused, or the
// connection ends, and the next checkout is answered.
#include <tandem/base/count_allocations_for_test.hpp>
#ifdef TANDEM_COUNTS_ALLOCATIONS
#include <tandem/sip2/mediator/terminal_for_test.hpp>

#include <thread>

namespace tandem::sip2 {
namespace {

using tandem::for_test::allocations;
using tandem::for_test::failing_allocation;

class terminal_without_memory : public terminal_test {
 public:
  void TestBody() override {}

  /// The n-th allocation from now on fails; 0: none.
  void arm(std::size_t n) { failing_allocation = n == 0 ? 0 : allocations + n; }
  [[nodiscard]] static bool has_failed() {
    return failing_allocation != 0 && allocations >= failing_allocation;
  }

  /// A login and a checkout, whose back-end answers all that it is asked.
  void work(const std::string& login, const std::string& borrow) {
    for (const std::string* const line : {&login, &borrow}) {
      feed(*line);
      while (!requests.empty()) {
        const bool is_login = requests.front().code == code::login;
        requests.pop_front();
        const std::size_t failing = std::exchange(failing_allocation, 0);
        const backend_reply own = // the pool's, not the terminal's
            read_json_answer(is_login ? login_ok : checkout_answer(), {});
        failing_allocation = failing;
        t->on_reply(own, now);
      }
    }
  }
  static std::string checkout_answer() {
    return R"({"code":"12","fixed_fields":["1","Y","N","Y",")" + d +
           R"("],"fields":[{"AO":"i"},{"AA":"pat"},{"AB":"3"},{"AJ":"Emma"},{"AH":""}]})";
  }
};

TEST(terminal_memory, a_checkout_is_refused_or_ends_the_connection_and_the_next_is_answered) {
  bool is_beyond = false;
  for (std::size_t n = 1; !is_beyond && !::testing::Test::HasFailure(); ++n) {
    ASSERT_LT(n, 5'000U);
    std::thread{[&] {
      SCOPED_TRACE("allocation " + std::to_string(n));
      const std::string login = "9300CNdesk|COsecret|CPlobby|\r";
      const std::string borrow = checkout + "\r";
      terminal_without_memory w;
      w.make();
      w.arm(n);
      w.work(login, borrow);
      is_beyond = !terminal_without_memory::has_failed();
      w.arm(0);
      EXPECT_LE(w.writes.size(), 2U) << "at most one answer for each message";
      if (!w.t->is_connected()) {
        EXPECT_TRUE(w.is_closed);
        while (!w.requests.empty()) { // the back-end is told
          w.requests.pop_front();
          w.reply(login_ok);
        }
        EXPECT_TRUE(w.t->is_finished()) << "a session without its connection stays behind";
        w.make();
      }
      w.writes.clear();
      w.work(login, borrow);
      ASSERT_EQ(w.writes.size(), 2U);
      EXPECT_EQ(w.writes[0], "941\r");
      EXPECT_TRUE(w.writes[1].starts_with("121YNY")) << w.writes[1];
    }}.join();
  }
}

TEST(terminal_memory, a_piece_that_is_lost_while_an_answer_is_awaited_ends_the_connection) {
  std::thread{[] {
    terminal_without_memory w;
    w.make();
    w.feed(checkout + "\r");
    ASSERT_TRUE(w.t->is_waiting());
    const std::string pieces(4096, 'x');
    w.arm(1);
    w.feed(pieces);
    ASSERT_TRUE(terminal_without_memory::has_failed());
    w.arm(0);
    EXPECT_TRUE(w.is_closed && !w.t->is_connected());
    w.reply(terminal_without_memory::checkout_answer());
    EXPECT_TRUE(w.writes.empty());
    ASSERT_EQ(w.requests.size(), 2U);
    EXPECT_EQ(w.requests.back().code, code::end_session);
  }}.join();
}

TEST(terminal_memory, a_terminal_that_went_is_finished_though_its_end_cannot_be_told) {
  bool is_beyond = false;
  for (std::size_t n = 1; !is_beyond && !::testing::Test::HasFailure(); ++n) {
    ASSERT_LT(n, 1'000U);
    std::thread{[&] {
      SCOPED_TRACE("allocation " + std::to_string(n));
      terminal_without_memory w;
      w.make();
      w.feed(checkout + "\r");
      w.t->on_lost(w.now);
      const backend_reply answered =
          read_json_answer(terminal_without_memory::checkout_answer(), {});
      w.requests.clear();
      w.arm(n);
      w.t->on_reply(answered, w.now);
      is_beyond = !terminal_without_memory::has_failed();
      w.arm(0);
      if (!w.requests.empty()) w.reply(login_ok);
      EXPECT_TRUE(w.t->is_finished());
    }}.join();
  }
}

} // namespace
} // namespace tandem::sip2
#endif
