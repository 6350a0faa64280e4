// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/count_allocations_for_test.hpp>
#include <tandem/io/mailroom.hpp>
#include <tandem/io/shard.hpp>
#include <tandem/io/shard_group.hpp>
#include <tandem/io/signals.hpp>

#include <array>
#include <atomic>
#include <fcntl.h>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <new>
#include <stdexcept>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <thread>
#include <tuple>
#include <unistd.h>

namespace tandem::io {
namespace {

struct noted_timer final : timer {
  explicit noted_timer(std::function<void()> f) : fired{std::move(f)} {}
  void on_timer(instant) override { fired(); }
  std::function<void()> fired;
};

struct pipe_end final : readiness {
  void on_ready(std::uint32_t) override {
    const auto copy = seen; // it may destroy this
    copy();
  }
  std::function<void()> seen;
};

std::pair<unique_fd, unique_fd> make_pipe() {
  std::array<int, 2> ends{};
  EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
  return {unique_fd{ends[0]}, unique_fd{ends[1]}};
}

TEST(shard, runs_what_is_posted_in_order_and_later) {
  shard s;
  std::vector<int> order;
  s.post([&] {
    order.push_back(1);
    s.post([&] { order.push_back(3); });
    EXPECT_EQ(order.size(), 1U);
  });
  s.post([&] { order.push_back(2); });
  EXPECT_TRUE(s.run_until([&] { return order.size() == 3; }));
  EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

TEST(shard, takes_posts_from_other_threads_while_it_sleeps) {
  shard s;
  int count = 0;
  std::thread other{[&] {
    for (int i = 0; i < 1000; ++i) s.post([&] { ++count; });
  }};
  EXPECT_TRUE(s.run_until([&] { return count == 1000; }));
  other.join();
}

TEST(shard, fires_timers_at_their_time) {
  shard s;
  bool fired = false;
  noted_timer t{[&] { fired = true; }};
  const instant start = tandem::now();
  s.timers().arm(t, start + milliseconds{30});
  EXPECT_TRUE(s.run_until([&] { return fired; }));
  EXPECT_GE(tandem::now() - start, milliseconds{30});
}

TEST(shard, costs_nothing_while_nothing_is_due) {
  shard s;
  bool fired = false;
  noted_timer t{[&] { fired = true; }};
  s.timers().arm(t, tandem::now() + milliseconds{400});
  rusage before{};
  getrusage(RUSAGE_THREAD, &before);
  EXPECT_TRUE(s.run_until([&] { return fired; }));
  rusage after{};
  getrusage(RUSAGE_THREAD, &after);
  EXPECT_LE(after.ru_nvcsw - before.ru_nvcsw, 5) << "wake-ups while idle";
}

TEST(shard, tells_nothing_to_who_stopped_watching_in_the_same_batch) {
  shard s;
  auto [read_a, write_a] = make_pipe();
  auto [read_b, write_b] = make_pipe();
  pipe_end a;
  pipe_end b;
  int calls = 0;
  a.seen = b.seen = [&, fd_a = read_a.get(), fd_b = read_b.get()] {
    ++calls;
    s.unwatch(fd_a, a);
    s.unwatch(fd_b, b);
  };
  ASSERT_TRUE(s.watch(read_a.get(), a, EPOLLIN));
  ASSERT_TRUE(s.watch(read_b.get(), b, EPOLLIN));
  ASSERT_EQ(::write(write_a.get(), "x", 1), 1);
  ASSERT_EQ(::write(write_b.get(), "x", 1), 1);
  bool done = false;
  noted_timer t{[&] { done = true; }};
  s.timers().arm(t, tandem::now() + milliseconds{20});
  EXPECT_TRUE(s.run_until([&] { return done; }));
  EXPECT_EQ(calls, 1);
}

/// A pipe whose reading end is watched and ready; an event may not reach it once it is destroyed.
struct watched_pipe {
  explicit watched_pipe(shard& at) : loop{at} {
    std::tie(reading, writing) = make_pipe();
    end.seen = [this] {
      const auto copy = on_event; // it may destroy this
      copy();
    };
    EXPECT_TRUE(loop.watch(reading.get(), end, EPOLLIN));
    EXPECT_EQ(::write(writing.get(), "x", 1), 1);
  }
  watched_pipe(const watched_pipe&) = delete;
  watched_pipe& operator=(const watched_pipe&) = delete;
  ~watched_pipe() { loop.unwatch(reading.get(), end); }

  shard& loop;
  unique_fd reading;
  unique_fd writing;
  pipe_end end;
  std::function<void()> on_event = [] {};
};

TEST(shard, a_timer_may_destroy_what_has_an_event_in_the_same_turn) {
  shard s;
  std::array<std::unique_ptr<watched_pipe>, 3> pipes;
  int events = 0;
  for (auto& p : pipes) {
    p = std::make_unique<watched_pipe>(s);
    p->on_event = [&] { ++events; };
  }
  noted_timer t{[&] {
    for (auto& p : pipes) p.reset();
  }};
  s.timers().arm(t, s.now());
  const instant due = t.due(); // the first turn begins after it, with all three pipes ready
  while (tandem::now() <= due) {
  }
  EXPECT_TRUE(s.run_until([&] { return !pipes.front(); }));
  EXPECT_EQ(events, 0);
}

TEST(shard, a_timer_that_watches_anew_is_told_of_the_new_descriptor_only) {
  shard s;
  // Not structured bindings: clang 14 lets no lambda capture them.
  unique_fd old_end, old_writer, new_end, new_writer;
  std::tie(old_end, old_writer) = make_pipe();
  std::tie(new_end, new_writer) = make_pipe();
  pipe_end end;
  int events = 0;
  end.seen = [&] { ++events; };
  ASSERT_TRUE(s.watch(old_end.get(), end, EPOLLIN));
  ASSERT_EQ(::write(old_writer.get(), "x", 1), 1);
  bool is_moved = false;
  noted_timer t{[&] {
    s.unwatch(old_end.get(), end);
    is_moved = s.watch(new_end.get(), end, EPOLLIN);
  }};
  s.timers().arm(t, s.now());
  const instant due = t.due();
  while (tandem::now() <= due) {
  }
  EXPECT_TRUE(s.run_until([&] { return is_moved; }));
  EXPECT_EQ(events, 0);
  ASSERT_EQ(::write(new_writer.get(), "x", 1), 1);
  EXPECT_TRUE(s.run_until([&] { return events > 0; }));
  s.unwatch(new_end.get(), end);
}

TEST(shard, an_event_may_destroy_itself_and_others_of_its_batch) {
  shard s;
  std::array<std::unique_ptr<watched_pipe>, 4> pipes;
  int events = 0;
  for (auto& p : pipes) {
    p = std::make_unique<watched_pipe>(s);
    p->on_event = [&] {
      ++events;
      for (auto& other : pipes) other.reset();
    };
  }
  bool done = false;
  EXPECT_TRUE(s.run_until([&] { return events == 1; }));
  s.post([&] { done = true; });
  EXPECT_TRUE(s.run_until([&] { return done; }));
  EXPECT_EQ(events, 1);
}

TEST(shard, mail_and_posts_may_destroy_what_is_ready_or_asked_for_the_end_of_the_turn) {
  struct noted_task final : turn_task {
    void on_turn_end() override { ++runs; }
    int runs = 0;
  };
  shard_group group{1};
  shard& s = group[0];
  for (const bool by_mail : {true, false}) {
    auto task = std::make_unique<noted_task>();
    auto pipe = std::make_unique<watched_pipe>(s);
    const auto destroy = [&] {
      pipe.reset();
      task.reset();
    };
    // The pipe is ready in the turn that finds the letter: it asks for the task, which must not
    // run.
    pipe->on_event = [&] { s.at_turn_end(*task); };
    mailroom<int> room{group.all(), [&](shard&, int&) { destroy(); }};
    if (by_mail)
      room.send(s, 0, 1);
    else
      s.post(destroy);
    EXPECT_TRUE(s.run_until([&] { return !pipe; }));
    bool has_passed = false;
    s.post([&] { has_passed = true; });
    EXPECT_TRUE(s.run_until([&] { return has_passed; }));
  }
}

// Memory that cannot be had loses what it was for, and nothing else.
TEST(shard, goes_on_when_memory_runs_out_in_an_event_a_timer_a_post_or_at_the_end_of_a_turn) {
  struct task final : turn_task {
    void on_turn_end() override { throw std::bad_alloc{}; }
  };
  shard s;
  auto [out, in] = make_pipe();
  pipe_end broken;
  int told = 0;
  broken.seen = [&] {
    ++told;
    throw std::bad_alloc{};
  };
  ASSERT_TRUE(s.watch(out.get(), broken, EPOLLIN));
  ASSERT_EQ(write(in.get(), "x", 1), 1);
  task at_end;
  s.at_turn_end(at_end);
  int posted = 0;
  s.post([] { throw std::bad_alloc{}; });
  s.post([&] { ++posted; });
  std::array<int, 2> fired{};
  noted_timer first{[&] {
    ++fired[0];
    throw std::bad_alloc{};
  }};
  noted_timer second{[&] { ++fired[1]; }};
  s.timers().arm(first, s.now() + milliseconds{1});
  s.timers().arm(second, s.now() + milliseconds{1});
  ASSERT_TRUE(s.run_until([&] { return told > 1 && posted == 1 && fired[1] == 1; }));
  EXPECT_EQ(fired[0], 1);
  s.unwatch(out.get(), broken);
}

TEST(shard, goes_on_when_a_function_throws_what_nobody_expects) {
  shard s;
  int ran = 0;
  s.post([] { throw std::runtime_error{"a fault"}; });
  s.post([&] { ++ran; });
  noted_timer broken{[] { throw std::runtime_error{"a fault"}; }};
  noted_timer whole{[&] { ++ran; }};
  s.timers().arm(broken, s.now());
  s.timers().arm(whole, s.now());
  ::testing::internal::CaptureStderr();
  EXPECT_TRUE(s.run_until([&] { return ran == 2; }));
  EXPECT_NE(::testing::internal::GetCapturedStderr().find("a fault of this program: a fault"),
            std::string::npos);
}

struct noted_errand final : errand {
  noted_errand(std::string of, std::string& to) : name{std::move(of)}, log{to} {}
  ~noted_errand() override { log += "-" + name; }
  void run() override {
    log += "+" + name;
    if (name == "a") throw std::bad_alloc{};
  }
  std::string name;
  std::string& log;
};

TEST(shard, runs_errands_of_any_thread_once_in_order_and_destroys_them) {
  std::string log;
  {
    shard s;
    s.post(std::make_unique<noted_errand>("a", log));
    std::thread other{[&] { s.post(std::make_unique<noted_errand>("b", log)); }};
    other.join();
    ASSERT_TRUE(s.run_until([&] { return log.ends_with("-b"); }));
    s.post(std::make_unique<noted_errand>("c", log));
  }
  EXPECT_EQ(log, "+a-a+b-b-c") << "the last one dies with its shard";
}

TEST(shard, measures_its_lag) {
  shard s;
  s.post([] {
    const instant end = tandem::now() + milliseconds{20};
    while (tandem::now() < end) {
    }
  });
  bool posted = false;
  s.post([&] { posted = true; });
  EXPECT_TRUE(s.run_until([&] { return posted; }));
  EXPECT_GE(s.lag(), milliseconds{20});
  noted_timer tick{[&] { s.timers().arm(tick, s.now() + milliseconds{50}); }};
  s.timers().arm(tick, s.now());
  EXPECT_TRUE(s.run_until([&] { return s.lag() < milliseconds{5}; }));
}

TEST(signal_watch, reports_signals_on_the_shard) {
  shard s;
  std::vector<int> seen;
  signal_watch watch{s, {SIGUSR1, SIGHUP}, [&](int signal) { seen.push_back(signal); }};
  raise(SIGUSR1);
  EXPECT_TRUE(s.run_until([&] { return seen.size() == 1; }));
  raise(SIGHUP);
  EXPECT_TRUE(s.run_until([&] { return seen.size() == 2; }));
  EXPECT_EQ(seen, (std::vector{SIGUSR1, SIGHUP}));
}

struct letter {
  std::uint16_t from = 0;
  int number = 0;
};

TEST(mailroom, keeps_the_order_of_each_pair_of_shards) {
  constexpr int letters = 20'000;
  constexpr std::uint16_t shards = 3;
  shard_group group{shards};
  std::array<std::map<std::uint16_t, int>, shards> last; // each touched by its own shard only
  std::array<int, shards> received{};
  std::atomic<int> done = 0;
  mailroom<letter> room{group.all(), [&](shard& to, letter& l) {
                          int& before = last[to.index()][l.from];
                          EXPECT_EQ(l.number, before + 1);
                          before = l.number;
                          if (++received[to.index()] == letters * shards) {
                            ++done;
                            group[0].post([] {}); // so that it looks again
                          }
                        }};
  std::array<std::function<void(int)>, shards> write;
  for (std::uint16_t i = 0; i < shards; ++i) {
    write[i] = [&, i](int next) {
      for (int n = 0; n < 7 && next <= letters; ++n, ++next)
        for (std::uint16_t to = 0; to < shards; ++to) room.send(group[i], to, letter{i, next});
      if (next <= letters) group[i].post([&, i, next] { write[i](next); });
    };
    group[i].post([&, i] { write[i](1); });
  }
  group.start();
  EXPECT_TRUE(group[0].run_until([&] { return received[0] == letters * shards; }, seconds{60}));
  EXPECT_TRUE(group[0].run_until([&] { return done == shards; }, seconds{60}));
  group.join();
}

TEST(mailroom, what_the_receiver_leaves_in_a_parcel_dies_on_the_thread_of_its_sender) {
  using on_death = std::function<void(int*)>;
  using parcel = std::unique_ptr<int, on_death>;
  shard_group group{2};
  std::atomic<int> at_the_sender = 0;
  std::atomic<int> elsewhere = 0;
  mailroom<parcel>* room_of = nullptr;
  const auto write = [&](shard& from) {
    const auto to = static_cast<std::uint16_t>(1 - from.index());
    room_of->send(from, to, parcel{new int{from.index()}, [&](int* writer) {
                                     const bool is_there =
                                         !shard::current() || shard::current()->index() == *writer;
                                     ++(is_there ? at_the_sender : elsewhere);
                                     delete writer;
                                   }});
  };
  mailroom<parcel> room{group.all(), [&](shard& here, parcel&) { write(here); }};
  room_of = &room;
  group.start();
  group[0].post([&] { write(group[0]); });
  EXPECT_TRUE(group[0].run_until([&] { return at_the_sender > 500; }, seconds{30}));
  group.join();
  EXPECT_EQ(elsewhere, 0);
}

#ifdef TANDEM_COUNTS_ALLOCATIONS
TEST(mailroom, a_warm_lane_allocates_nothing) {
  shard s;
  int arrived = 0, sent = 0;
  mailroom<int> room{{&s}, [&](shard&, int&) { ++arrived; }};
  const auto pass = [&](int parcels) {
    for (const int end = sent + parcels; sent < end;) {
      for (int i = 0; i < 10; ++i) room.send(s, 0, sent++);
      s.run_until([&] { return arrived == sent; });
    }
  };
  pass(100);
  const auto before = tandem::for_test::allocations;
  pass(1'000);
  const auto after = tandem::for_test::allocations;
  EXPECT_EQ(after, before);
  EXPECT_EQ(arrived, 1'100);
}
#endif

TEST(mailroom, a_parcel_that_memory_runs_out_for_takes_no_other_one_with_it) {
  shard s;
  std::vector<int> arrived;
  mailroom<int> room{{&s}, [&](shard&, int& parcel) {
                       if (parcel == 1) throw std::bad_alloc{};
                       arrived.push_back(parcel);
                     }};
  s.post([&] {
    for (int i = 0; i < 4; ++i) room.send(s, 0, i);
  });
  ASSERT_TRUE(s.run_until([&] { return !arrived.empty(); }));
  EXPECT_EQ(arrived, (std::vector<int>{0, 2, 3}));
}

TEST(mailroom, wakes_a_shard_that_sleeps) {
  shard_group group{2};
  int rounds = 0;
  mailroom<letter>* room_of = nullptr;
  mailroom<letter> room{group.all(), [&](shard& here, letter& l) {
                          if (here.index() == 0) ++rounds;
                          if (l.number > 0)
                            room_of->send(here, static_cast<std::uint16_t>(1 - here.index()),
                                          letter{here.index(), l.number - 1});
                        }};
  room_of = &room;
  group.start();
  group[0].post([&] { room.send(group[0], 1, letter{0, 999}); });
  EXPECT_TRUE(group[0].run_until([&] { return rounds == 500; }, seconds{30}));
  group.join();
}

} // namespace
} // namespace tandem::io
