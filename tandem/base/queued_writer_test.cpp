// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/queued_writer.hpp>

#include <condition_variable>
#include <csignal>
#include <gtest/gtest.h>
#include <mutex>
#include <new>
#include <string>
#include <thread>
#include <vector>

namespace tandem {
namespace {

/// What a sink has been given. It takes records only while it is open, and refuses them when it is
/// broken, as a full disk does.
struct paper {
  std::mutex mutex;
  std::condition_variable changed;
  bool is_open = true;
  bool is_broken = false;
  int throws = 0; ///< so many calls end without memory
  bool takes_signals = false;
  std::vector<std::string> records;

  void set_open(bool open) {
    const std::lock_guard lock{mutex};
    is_open = open;
    changed.notify_all();
  }
  void set_broken(bool broken) {
    const std::lock_guard lock{mutex};
    is_broken = broken;
  }
  void run_out_of_memory(int calls) {
    const std::lock_guard lock{mutex};
    throws = calls;
  }
  /// Under the lock.
  void spend_memory() {
    if (throws == 0) return;
    --throws;
    throw std::bad_alloc{};
  }
  std::vector<std::string> read() {
    const std::lock_guard lock{mutex};
    return records;
  }
};

class paper_sink final : public record_sink {
 public:
  explicit paper_sink(std::shared_ptr<paper> to) : to_{std::move(to)} {}
  bool write(std::string_view record) override {
    std::unique_lock lock{to_->mutex};
    to_->changed.wait(lock, [&] { return to_->is_open; });
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    to_->takes_signals = sigismember(&mask, SIGTERM) == 0;
    to_->spend_memory();
    if (to_->is_broken) return false;
    to_->records.emplace_back(record);
    return true;
  }
  void tell_lost(std::uint64_t records) override {
    const std::lock_guard lock{to_->mutex};
    to_->spend_memory();
    to_->records.push_back("lost " + std::to_string(records));
  }

 private:
  std::shared_ptr<paper> to_;
};

class queued : public testing::Test {
 protected:
  std::unique_ptr<queued_writer> make(std::size_t capacity, duration patience = seconds{10}) {
    return std::make_unique<queued_writer>(std::make_unique<paper_sink>(written), capacity,
                                           patience);
  }
  std::shared_ptr<paper> written = std::make_shared<paper>();
};

TEST_F(queued, records_are_written_in_order_by_a_thread_that_takes_no_signals) {
  const auto writer = make(1000);
  writer->put("one");
  writer->put("");
  writer->put("three");
  ASSERT_TRUE(writer->flush(seconds{10}));
  EXPECT_EQ(written->read(), (std::vector<std::string>{"one", "", "three"}));
  EXPECT_FALSE(written->takes_signals);
}

TEST_F(queued, a_sink_that_stands_still_makes_nobody_wait_and_the_gap_is_told_in_its_place) {
  const auto writer = make(std::size_t{3} * (4 + 4));
  written->set_open(false);
  writer->put("0000");
  // The thread stands in its first record, and three fit into the queue behind it: what it took
  // with the first may be three more.
  for (int i = 0; i < 20; ++i) writer->put("abcd");
  const auto lost = writer->lost();
  EXPECT_GE(lost, 15U);
  written->set_open(true);
  ASSERT_TRUE(writer->flush(seconds{10}));
  writer->put("last");
  ASSERT_TRUE(writer->flush(seconds{10}));
  std::uint64_t told = 0;
  std::uint64_t whole = 0;
  const auto records = written->read();
  for (const std::string& record : records) {
    if (record.starts_with("lost "))
      told += std::stoull(record.substr(5));
    else
      ++whole;
  }
  EXPECT_EQ(told, lost);
  EXPECT_EQ(whole, 22 - lost);
  EXPECT_EQ(records.front(), "0000");
  EXPECT_TRUE(records[records.size() - 2].starts_with("lost ")) << "before what came later";
  EXPECT_EQ(records.back(), "last");
}

TEST_F(queued, what_the_sink_refuses_is_told_when_it_takes_something_again) {
  const auto writer = make(1000);
  written->set_broken(true);
  writer->put("a");
  writer->put("b");
  ASSERT_TRUE(writer->flush(seconds{10}));
  written->set_broken(false);
  writer->put("c");
  ASSERT_TRUE(writer->flush(seconds{10}));
  EXPECT_EQ(written->read(), (std::vector<std::string>{"c", "lost 2"}));
}

TEST_F(queued, a_record_too_large_for_an_idle_writer_is_told_and_silences_nothing) {
  const auto writer = make(100);
  writer->put(std::string(200, 'x')); // the thread does not run yet
  ASSERT_TRUE(writer->flush(seconds{10}));
  writer->put("small");
  ASSERT_TRUE(writer->flush(seconds{10}));
  writer->put(std::string(200, 'x')); // it sleeps
  ASSERT_TRUE(writer->flush(seconds{10}));
  writer->put("last");
  ASSERT_TRUE(writer->flush(seconds{10}));
  EXPECT_EQ(written->read(), (std::vector<std::string>{"lost 1", "small", "lost 1", "last"}));
  EXPECT_EQ(writer->lost(), 2U);
}

TEST_F(queued, a_sink_without_memory_loses_one_record_and_tells_it_when_it_can) {
  const auto writer = make(100);
  written->run_out_of_memory(1);
  writer->put("a");
  ASSERT_TRUE(writer->flush(seconds{10}));
  writer->put("b");
  ASSERT_TRUE(writer->flush(seconds{10}));
  EXPECT_EQ(written->read(), (std::vector<std::string>{"b", "lost 1"}));

  written->run_out_of_memory(1);
  writer->put(std::string(200, 'x')); // the gap cannot be told now
  ASSERT_TRUE(writer->flush(seconds{10}));
  writer->put("c");
  ASSERT_TRUE(writer->flush(seconds{10}));
  EXPECT_EQ(written->read(), (std::vector<std::string>{"b", "lost 1", "c", "lost 1"}));
}

TEST_F(queued, the_end_writes_what_waits) {
  auto writer = make(100'000);
  for (int i = 0; i < 1000; ++i) writer->put("x");
  writer.reset();
  EXPECT_EQ(written->read().size(), 1000U);
}

TEST_F(queued, the_end_does_not_wait_for_ever) {
  auto writer = make(1000, milliseconds{20});
  written->set_open(false);
  writer->put("stuck");
  EXPECT_FALSE(writer->flush(milliseconds{1}));
  writer.reset(); // returns
  written->set_open(true);
}

TEST_F(queued, several_threads_may_write) {
  const auto writer = make(1'000'000);
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) writer->put("record");
    });
  for (auto& t : threads) t.join();
  ASSERT_TRUE(writer->flush(seconds{10}));
  EXPECT_EQ(written->read().size(), 4000U);
}

} // namespace
} // namespace tandem
