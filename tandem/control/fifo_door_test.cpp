// SPDX-License-Identifier: Apache-2.0
#include <tandem/control/fifo_door.hpp>

#include <tandem/base/folder_for_test.hpp>
#include <tandem/io/named_pipe.hpp>

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tandem::control {
namespace {

namespace fs = std::filesystem;

/// A text of many pieces, each brought in a turn of its own.
class many_pieces final : public fifo_text_source {
 public:
  many_pieces(io::shard& loop, int pieces, int& asked)
      : loop_{loop}, left_{pieces}, asked_{asked} {}
  void next(std::function<void(std::optional<piece>)> brought) override {
    ++asked_;
    loop_.post([this, brought = std::move(brought)] {
      brought(piece{std::string(10'000, 'x'), --left_ == 0});
    });
  }

 private:
  io::shard& loop_;
  int left_;
  int& asked_;
};

class fifo_door_test : public testing::Test {
 public:
  fifo_door_test() {
    ::signal(SIGPIPE, SIG_IGN); // as the server does
    auto pipe = io::open_named_pipe({.path = (folder / "fifo").string()});
    EXPECT_TRUE(pipe) << pipe.error();
    file.emplace(std::move(pipe->file));
    door.emplace(
        loop, std::move(pipe->fd), folder.string(),
        [](std::string_view name) -> std::optional<fifo_reader::line_count> {
          if (name == "echo") return fifo_reader::line_count{1, 1};
          if (name == "long" || name == "later") return fifo_reader::line_count{0, 0};
          return std::nullopt;
        },
        [this](fifo_request request, std::function<void(fifo_door::answer)> done) {
          if (request.command == "later") return waiting.push_back(std::move(done));
          if (request.command == "long")
            return done({"200 ok\n", std::make_shared<many_pieces>(loop, 1'000, asked)});
          const bool is_whole = request.what == fifo_request::problem::none;
          done({is_whole ? "200 ok\n" + request.lines[0] + "\n" : "400 line expected\n"});
        });
  }
  ~fifo_door_test() override {
    door.reset();
    file.reset();
  }

  /// A reader's end of a reply pipe.
  io::unique_fd make_reply(const std::string& name) {
    EXPECT_EQ(::mkfifo((folder / name).c_str(), 0600), 0);
    return open_reply(name);
  }
  io::unique_fd open_reply(const std::string& name) {
    return io::unique_fd{::open((folder / name).c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
  }
  void write(std::string_view text) {
    const io::unique_fd to{::open((folder / "fifo").c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC)};
    ASSERT_EQ(::write(to.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  /// All that comes until the writer ends.
  std::string read_all(const io::unique_fd& from) {
    std::string text;
    loop.run_until([&] {
      for (char part[65'536];;) { // all that is there: nothing wakes the loop for the rest
        const ssize_t got = ::read(from.get(), part, sizeof part);
        if (got <= 0) return got == 0 && !text.empty();
        text.append(part, static_cast<std::size_t>(got));
      }
    });
    return text;
  }
  /// One turn of the loop, if there is anything to do.
  void turn() {
    const auto before = loop.turns();
    loop.run_until([&] { return loop.turns() > before; }, milliseconds{20});
  }
  bool has_lost(std::uint64_t n) {
    return loop.run_until([&] { return door->counted().lost == n; });
  }

  io::shard loop;
  tandem::for_test::own_folder own;
  const fs::path& folder = own.path();
  std::optional<io::removal> file;
  std::vector<std::function<void(fifo_door::answer)>> waiting;
  int asked = 0;
  std::optional<fifo_door> door;
};

TEST_F(fifo_door_test, writes_the_reply_to_the_pipe_of_its_reader_and_ends_it) {
  const auto reader = make_reply("r");
  write(":echo:r\nhello\n\n");
  EXPECT_EQ(read_all(reader), "200 ok\nhello\n");
  write(":nothing:r\n\n");
  EXPECT_EQ(read_all(reader), "500 command 'nothing' not available\n");
}

TEST_F(fifo_door_test, waits_a_moment_for_a_reader_that_comes_late) {
  write(":echo:late\nhello\n\n");
  const instant end = loop.now() + milliseconds{150};
  loop.run_until([&] { return tandem::now() >= end; });
  const auto reader = make_reply("late");
  EXPECT_EQ(read_all(reader), "200 ok\nhello\n");
  write(":echo:never\nhello\n\n");
  EXPECT_TRUE(has_lost(1));
  EXPECT_FALSE(fs::exists(folder / "never")) << "nothing is created";
}

TEST_F(fifo_door_test, overwrites_a_regular_file_from_its_beginning) {
  std::ofstream{folder / "file"} << "0123456789012345678901234567890";
  write(":echo:file\nhello\n\n");
  ASSERT_TRUE(loop.run_until([&] { return door->counted().requests == 1 && door->is_idle(); }));
  std::string text;
  std::getline(std::ifstream{folder / "file"}, text, '\0');
  EXPECT_EQ(text, "200 ok\nhello\n345678901234567890");
}

TEST_F(fifo_door_test, follows_no_link_and_writes_to_no_file_with_another_name) {
  std::ofstream{folder / "target"} << "kept";
  fs::create_symlink(folder / "target", folder / "link");
  write(":echo:link\nhello\n\n");
  EXPECT_TRUE(has_lost(1));
  fs::create_hard_link(folder / "target", folder / "second");
  write(":echo:second\nhello\n\n");
  EXPECT_TRUE(has_lost(2));
  fs::create_directory(folder / "folder");
  write(":echo:folder\nhello\n\n");
  EXPECT_TRUE(has_lost(3));
  write(":echo:../target\nhello\n\n");
  EXPECT_TRUE(loop.run_until([&] { return door->counted().junk == 1; }));
  EXPECT_EQ(fs::file_size(folder / "target"), 4U);
}

TEST_F(fifo_door_test, a_reader_that_takes_nothing_holds_nobody_up) {
  const auto stuck = make_reply("stuck");
  write(":long:stuck\n");
  const auto other = make_reply("other");
  for (int i = 0; i < 20; ++i) {
    write(":echo:other\nhello\n\n");
    ASSERT_EQ(read_all(other), "200 ok\nhello\n");
  }
  EXPECT_LT(asked, 20) << "a pipe holds 64 KiB, and pieces have 10,000 bytes";
  EXPECT_EQ(read_all(stuck).size(), 7U + 10'000'000U) << "and what it takes late is whole";
}

/// Pieces of such sizes, then as many of the last.
class sized_pieces final : public fifo_text_source {
 public:
  sized_pieces(io::shard& loop, std::vector<std::size_t> sizes)
      : loop_{loop}, sizes_{std::move(sizes)} {}
  void next(std::function<void(std::optional<piece>)> brought) override {
    const std::size_t size = sizes_[std::min(at_++, sizes_.size() - 1)];
    loop_.post([brought = std::move(brought), size] {
      brought(piece{std::string(size, 'x'), false});
    });
  }

 private:
  io::shard& loop_;
  std::vector<std::size_t> sizes_;
  std::size_t at_ = 0;
};

TEST_F(fifo_door_test, a_reader_that_takes_nothing_is_given_up_wherever_its_reply_stands) {
  constexpr int page = 4'096;
  const auto reader = make_reply("full");
  ASSERT_EQ(::fcntl(reader.get(), F_SETPIPE_SZ, page), page);
  std::optional<fifo_reply::outcome> ended;
  // 5,000 bytes wait for room; what follows them fills the pipe to its last byte, and then nothing
  // of the next piece is taken.
  fifo_reply reply{loop,
                   (folder / "full").string(),
                   std::string(5'000, 'x'),
                   std::make_shared<sized_pieces>(loop, std::vector<std::size_t>{3'192, 100}),
                   [&](const fifo_reply&, fifo_reply::outcome how) { ended = how; },
                   milliseconds{200}};
  reply.begin();
  char part[page];
  ASSERT_EQ(::read(reader.get(), part, sizeof part), page);
  EXPECT_TRUE(loop.run_until([&] { return ended.has_value(); }));
  EXPECT_EQ(ended, fifo_reply::outcome::lost);
  EXPECT_EQ(reply.why(), "its reader takes nothing");
}

TEST_F(fifo_door_test, a_reader_that_leaves_ends_its_reply_alone) {
  auto leaving = make_reply("leaving");
  write(":long:leaving\n");
  ASSERT_TRUE(loop.run_until([&] { return asked > 3; }));
  leaving.reset();
  EXPECT_TRUE(has_lost(1));
  EXPECT_TRUE(door->is_idle());
}

TEST_F(fifo_door_test, half_a_request_is_refused_after_a_while_and_harms_no_other) {
  const auto half = make_reply("half");
  const auto other = make_reply("other");
  write(":echo:half\n\n");
  write(":echo:other\nhello\n\n");
  EXPECT_EQ(read_all(half), "400 line expected\n");
  EXPECT_EQ(read_all(other), "200 ok\nhello\n");
  const auto again = open_reply("half");
  write(":echo:half\n");
  EXPECT_EQ(read_all(again), "400 line expected\n");
}

TEST_F(fifo_door_test, a_bounded_number_runs_and_the_rest_waits_in_the_pipe) {
  for (std::size_t i = 0; i < fifo_door::most_running + 10; ++i) {
    write(":later:\n");
    turn();
  }
  EXPECT_EQ(waiting.size(), fifo_door::most_running);
  while (!waiting.empty()) {
    const auto done = std::move(waiting.back());
    waiting.pop_back();
    done({"200 ok\n"});
    turn();
  }
  ASSERT_TRUE(loop.run_until([&] {
    for (const auto& done : std::exchange(waiting, {})) done({"200 ok\n"});
    return door->counted().requests == fifo_door::most_running + 10;
  }));
}

TEST_F(fifo_door_test, five_hundred_clients_get_what_they_have_asked_for) {
  std::vector<io::unique_fd> readers;
  constexpr int clients = 500; // each has two descriptors here
  for (int i = 0; i < clients; ++i) {
    readers.push_back(make_reply(fmt::format("r{}", i)));
    write(fmt::format(":echo:r{}\n{}\n\n:nothing:\n", i, i));
    if (i % 50 == 0) turn();
    while (door->counted().requests < static_cast<std::uint64_t>(i)) // a pipe holds 64 KiB
      turn();
  }
  for (int i = 0; i < clients; ++i)
    ASSERT_EQ(read_all(readers[static_cast<std::size_t>(i)]), fmt::format("200 ok\n{}\n", i));
  EXPECT_EQ(door->counted().lost, 0U);
}

TEST_F(fifo_door_test, junk_is_counted_and_the_next_request_is_served) {
  const auto reader = make_reply("r");
  write(std::string(4'096, '\xff'));
  write(std::string("\0\x01\n", 3) + ":::\n:echo:r\nhello\n\n");
  EXPECT_EQ(read_all(reader), "200 ok\nhello\n");
  EXPECT_GE(door->counted().junk, 1U);
}

} // namespace
} // namespace tandem::control
