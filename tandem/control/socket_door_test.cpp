// SPDX-License-Identifier: Apache-2.0
#include <tandem/control/socket_door.hpp>

#include <tandem/base/folder_for_test.hpp>
#include <tandem/io/unix_address.hpp>

#include <boost/json.hpp>
#include <cerrno>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tandem::control {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using testing::HasSubstr;

/// A client that never blocks: its test runs the loop between.
class raw_client {
 public:
  explicit raw_client(const fs::path& to)
      : fd_{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)} {
    const auto at = io::unix_address::of(to.string());
    if (!at || ::connect(fd_.get(), at->get(), io::unix_address::size()) != 0) fd_.reset();
  }

  bool send(std::string_view bytes) {
    return ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
  }
  void finish() { ::shutdown(fd_.get(), SHUT_WR); }
  /// Reads what is there. \return false at the end of the connection
  bool read() {
    char part[65'536];
    for (;;) {
      const ssize_t got = ::recv(fd_.get(), part, sizeof part, 0);
      if (got < 0) return errno == EAGAIN;
      if (got == 0) return false;
      text += std::string_view{part, static_cast<std::size_t>(got)};
    }
  }
  /// The next line, without its end; what follows stays.
  std::optional<std::string> line() {
    (void)read();
    const auto end = text.find('\n');
    if (end == text.npos) return std::nullopt;
    std::string one = text.substr(0, end);
    text.erase(0, end + 1);
    return one;
  }

  std::string text;

 private:
  io::unique_fd fd_;
};

/// A list without end, which counts what was asked of it.
class endless final : public row_source {
 public:
  explicit endless(int& asked) : asked_{asked} {}
  void next(taker brought) override {
    ++asked_;
    row_piece piece;
    for (int i = 0; i < 100; ++i) piece.rows.emplace_back(std::string(1'000, 'x'));
    brought(std::move(piece));
  }

 private:
  int& asked_;
};

class socket_door_test : public testing::Test {
 public:
  socket_door_test() {
    commands.add({.name = "role",
                  .help = "h",
                  .needs = role::user,
                  .reply = {{"role", value_type::text}},
                  .run = [](command_call call) {
                    call.answer({{"role", to_string(call.by().may)}});
                  }});
    commands.add({.name = "later",
                  .help = "h",
                  .needs = role::user,
                  .reply = {{"done", value_type::flag}},
                  .run = [this](command_call call) { waiting.push_back(std::move(call)); }});
    commands.add({.name = "endless",
                  .help = "h",
                  .needs = role::user,
                  .reply = {{"rows", value_type::list}},
                  .run = [this](command_call call) {
                    call.answer_rows("rows", std::make_shared<endless>(asked));
                  }});
  }
  ~socket_door_test() override { door.reset(); }

  void open(const socket_access& access) {
    auto made = socket_door::open(loop, commands, {.path = (folder / "s").string()}, access);
    ASSERT_TRUE(made) << made.error();
    door = std::move(*made);
  }
  raw_client connect() { return raw_client{folder / "s"}; }
  std::string next_line(raw_client& of) {
    std::optional<std::string> line;
    loop.run_until([&] { return (line = of.line()).has_value(); });
    return line.value_or("no line");
  }
  /// One turn of the loop, if there is anything to do.
  void turn() {
    const auto before = loop.turns();
    loop.run_until([&] { return loop.turns() > before; }, milliseconds{20});
  }
  bool is_closed(raw_client& one) {
    return loop.run_until([&] { return !one.read(); });
  }

  static std::string request(std::string_view method, int id = 1) {
    return make_request(method, id) + "\n";
  }
  static std::string make_request(std::string_view method, int id) {
    return json::serialize(json::object{{"jsonrpc", "2.0"}, {"method", method}, {"id", id}});
  }

  io::shard loop;
  command_registry commands;
  tandem::for_test::own_folder folder;
  std::vector<command_call> waiting;
  int asked = 0;
  std::unique_ptr<socket_door> door;
};

TEST_F(socket_door_test, the_role_is_that_of_who_connects) {
  const io::unix_peer root{.uid = 0, .groups = {0}};
  const io::unix_peer member{.uid = 5, .groups = {6, 7}};
  const socket_access access{.own = 4, .group = 7, .group_gives = role::change};
  EXPECT_EQ(access.role_of(root), role::admin);
  EXPECT_EQ(access.role_of({.uid = 4, .groups = {9}}), role::admin);
  EXPECT_EQ(access.role_of(member), role::change);
  EXPECT_EQ(access.role_of({.uid = 5, .groups = {6}}), role::user);
  EXPECT_EQ(socket_access{.own = 4}.role_of(member), role::user);

  open({.own = ::geteuid()});
  auto me = connect();
  ASSERT_TRUE(me.send(request("role")));
  EXPECT_THAT(next_line(me), HasSubstr(R"("role":"admin")"));
}

TEST_F(socket_door_test, requests_of_one_line_are_answered_by_one_line_in_their_order) {
  open({});
  auto one = connect();
  ASSERT_TRUE(one.send("\r\n" + request("role", 1) + make_request("role", 2) + "\r\n" +
                       R"([{"jsonrpc":"2.0","method":"role","id":3}])" + "\nnot json\n" +
                       R"({"jsonrpc":"2.0","method":"role"})" + "\n" + request("none", 4)));
  EXPECT_THAT(next_line(one), HasSubstr(R"("id":1)"));
  EXPECT_THAT(next_line(one), HasSubstr(R"("id":2)"));
  EXPECT_THAT(next_line(one), testing::StartsWith("[{"));
  EXPECT_THAT(next_line(one), HasSubstr("-32700"));
  EXPECT_THAT(next_line(one), HasSubstr("-32601")) << "the notification before has no answer";
}

TEST_F(socket_door_test, a_request_may_come_in_pieces_and_the_next_waits_for_the_answer) {
  open({});
  auto one = connect();
  for (const char byte : request("later")) {
    ASSERT_TRUE(one.send({&byte, 1}));
    turn();
  }
  ASSERT_TRUE(loop.run_until([&] { return waiting.size() == 1; }));
  ASSERT_TRUE(one.send(request("role", 2)));
  auto other = connect();
  ASSERT_TRUE(other.send(request("role", 3)));
  EXPECT_THAT(next_line(other), HasSubstr(R"("id":3)"));
  EXPECT_FALSE(one.line());
  waiting.front().answer({{"done", true}});
  EXPECT_THAT(next_line(one), HasSubstr("done"));
  EXPECT_THAT(next_line(one), HasSubstr(R"("id":2)"));
}

TEST_F(socket_door_test, what_was_asked_before_a_half_close_is_still_answered) {
  open({});
  auto one = connect();
  ASSERT_TRUE(one.send(request("later") + request("role", 2)));
  one.finish();
  ASSERT_TRUE(loop.run_until([&] { return waiting.size() == 1; }));
  waiting.front().answer({{"done", true}});
  EXPECT_THAT(next_line(one), HasSubstr("done"));
  EXPECT_THAT(next_line(one), HasSubstr(R"("id":2)"));
  EXPECT_TRUE(is_closed(one));
  EXPECT_TRUE(loop.run_until([&] { return door->clients() == 0; }));
}

TEST_F(socket_door_test, a_client_that_does_not_read_is_sent_what_its_socket_holds_and_no_more) {
  open({});
  auto stuck = connect();
  ASSERT_TRUE(stuck.send(request("endless")));
  auto other = connect();
  int before = -1;
  for (int i = 0; i < 50 && before != asked; ++i) { // until nothing more is asked for
    before = asked;
    for (int n = 0; n < 4; ++n) {
      ASSERT_TRUE(other.send(request("role")));
      ASSERT_THAT(next_line(other), HasSubstr("role"));
    }
  }
  EXPECT_EQ(before, asked);
  EXPECT_LT(asked, 40) << "100 kB each";
  const int then = asked;
  ASSERT_TRUE(loop.run_until([&] { return stuck.read() && asked > then + 100; }))
      << "it goes on when the client reads";
}

TEST_F(socket_door_test, a_request_without_end_is_refused) {
  open({});
  auto one = connect();
  const std::string part(60'000, 'x');
  for (int i = 0; i < 10 && one.send(part); ++i) turn();
  EXPECT_THAT(next_line(one), HasSubstr("at most 262144 bytes"));
  EXPECT_TRUE(is_closed(one));
}

TEST_F(socket_door_test, requests_without_an_answer_leave_turns_for_others) {
  open({});
  auto one = connect();
  std::string many(20'000, '\n');
  for (int i = 0; i < 100; ++i)
    many += R"({"jsonrpc":"2.0","method":"later"})"
            "\n\r\n";
  ASSERT_TRUE(one.send(many));
  ASSERT_TRUE(loop.run_until([&] { return waiting.size() == 1; }));
  for (std::size_t i = 0; i < 100; ++i) {
    const auto before = loop.turns();
    waiting.back().answer({{"done", true}});
    EXPECT_EQ(waiting.size(), i + 1) << "not from inside";
    if (i == 99) break;
    ASSERT_TRUE(loop.run_until([&] { return waiting.size() == i + 2; }));
    EXPECT_GT(loop.turns(), before);
  }
  ASSERT_TRUE(one.send(request("role")));
  EXPECT_THAT(next_line(one), HasSubstr("role"));
}

TEST_F(socket_door_test, a_client_that_leaves_takes_its_answer_with_it) {
  open({});
  {
    auto one = connect();
    ASSERT_TRUE(one.send(request("later")));
    ASSERT_TRUE(loop.run_until([&] { return waiting.size() == 1; }));
  }
  ASSERT_TRUE(loop.run_until([&] { return door->clients() == 0; }));
  waiting.front().answer({{"done", true}});
}

TEST_F(socket_door_test, idle_clients_give_their_place_up) {
  open({});
  std::vector<raw_client> idle;
  for (std::size_t i = 0; i < socket_door::most_clients_of_user; ++i) {
    idle.push_back(connect());
    loop.run_until([&] { return door->clients() == i + 1; });
  }
  auto one = connect();
  ASSERT_TRUE(one.send(request("role")));
  EXPECT_THAT(next_line(one), HasSubstr("role"));
  EXPECT_TRUE(is_closed(idle.front()));
  EXPECT_EQ(door->clients(), socket_door::most_clients_of_user);
}

TEST_F(socket_door_test, when_all_places_are_in_use_one_more_is_told_so) {
  open({});
  std::vector<raw_client> busy;
  for (std::size_t i = 0; i < socket_door::most_clients_of_user; ++i) {
    busy.push_back(connect());
    ASSERT_TRUE(busy.back().send(request("later")));
    ASSERT_TRUE(loop.run_until([&] { return waiting.size() == i + 1; }));
  }
  auto one = connect();
  EXPECT_THAT(next_line(one), HasSubstr("too many clients"));
}

} // namespace
} // namespace tandem::control
