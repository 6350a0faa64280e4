// SPDX-License-Identifier: Apache-2.0
// The commands of a running program: each is declared in one place, with its parameters, its reply,
// its help and who may use it, and reached through every door: JSON-RPC, the FIFO. It runs on the
// thread of its shard, or on each shard of a program that has several. Used on one thread, that of
// shard 0.
//
//   commands.add({.name = "terminal.kick",
//                 .help = "Closes a terminal's connection.",
//                 .needs = role::change,
//                 .parameters = {{.name = "id", .help = "as terminal.list shows it"}},
//                 .reply = {{"kicked", value_type::flag}},
//                 .run = [&](command_call call) { ... call.answer({{"kicked", true}}); }});
#pragma once

#include <tandem/base/counter.hpp>
#include <tandem/base/result.hpp>
#include <tandem/control/command_error.hpp>
#include <tandem/control/declaration.hpp>
#include <tandem/control/fifo_form.hpp>
#include <tandem/control/role.hpp>
#include <tandem/control/row_source.hpp>
#include <tandem/control/shard_rows.hpp>
#include <tandem/io/gather.hpp>

#include <boost/json/value.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace tandem::control {

using command_reply = result<boost::json::value, command_error>;

/// Where the reply of a command goes: a function for whole replies, and perhaps one for lists.
/// Either is called once.
class reply_taker {
 public:
  /// For a door that can send one text only: a list is collected for it, and refused where it has
  /// more than most_collected rows.
  template <typename F>
  requires(std::is_invocable_v<F&, command_reply>) reply_taker(F taker) : whole{std::move(taker)} {}
  /// \param lists gets a list that has more rows than the first piece
  reply_taker(std::function<void(command_reply)> taker, std::function<void(list_reply)> lists)
      : whole{std::move(taker)}, in_pieces{std::move(lists)} {}

  static constexpr std::size_t most_collected = 1'000;

  std::function<void(command_reply)> whole;
  std::function<void(list_reply)> in_pieces;
};

/// Who calls.
struct caller {
  std::string name; ///< for the log: "json-rpc 192.0.2.1:5000"
  role may = role::user;
};

/// One call on its way: its checked arguments, and the place for its answer. Movable; the answer
/// may come later, on the same thread. Dropped without one, it answers internal_error.
class command_call {
 public:
  command_call(arguments given, caller by, reply_taker done);
  command_call(command_call&& other) noexcept;
  command_call& operator=(command_call&&) = delete;
  ~command_call();

  /// As arguments has them; views live as long as the call.
  [[nodiscard]] const arguments& given() const noexcept { return given_; }
  [[nodiscard]] std::optional<std::string_view> text(std::string_view name) const {
    return given_.text(name);
  }
  [[nodiscard]] std::optional<std::int64_t> integer(std::string_view name) const {
    return given_.integer(name);
  }
  [[nodiscard]] std::optional<bool> flag(std::string_view name) const { return given_.flag(name); }

  [[nodiscard]] const caller& by() const noexcept { return by_; }

  /// The first answer counts.
  void answer(boost::json::value value);
  /// With a list that is too long for memory: a reply whose field `field` has the rows, and whose
  /// other fields come with the last of them.
  void answer_rows(std::string field, std::shared_ptr<row_source> rows);
  void refuse(int code, std::string message);

 private:
  arguments given_;
  caller by_;
  std::optional<reply_taker> done_;
};

/// A command is one of three kinds: `run` runs on shard 0; `on_shard` runs on every shard, and
/// `merge` on shard 0 makes one reply of what they returned; `rows_on_shard` runs on every shard
/// for each piece of a list.
struct command {
  std::string name; ///< subject.verb, lower case
  std::string help; ///< one sentence
  role needs = role::admin;
  std::vector<command_parameter> parameters = {};
  std::vector<reply_field> reply = {}; ///< an object of these
  std::function<void(command_call)> run = {};
  std::function<boost::json::value(io::shard& at, const arguments& given)> on_shard = {};
  /// \param parts by shard; all of them: a shard that is late makes the command fail
  std::function<command_reply(std::vector<boost::json::value> parts, const arguments& given)>
      merge = {};
  /// See shard_rows, which brings the rows of field `list` and `count`; the argument `limit`, where
  /// it is declared and given, is the most rows of the list.
  std::function<shard_page(io::shard& at, const arguments& given, std::uint64_t from,
                           std::size_t most)>
      rows_on_shard = {};
  std::string list = {};
  /// How it looks over the FIFO, when it has a name and texts of its own there.
  std::optional<fifo_form> fifo = {};
};

class command_registry {
 public:
  /// How long a command waits for the slowest shard.
  static constexpr duration shard_limit = seconds{5};

  /// Has one command from the start: help.
  /// \param shards for commands that run on all of them; outlives this. Null: there are none.
  explicit command_registry(io::gather* shards = nullptr);
  command_registry(const command_registry&) = delete;
  command_registry& operator=(const command_registry&) = delete;

  /// Adds a command; a name that is taken is replaced.
  void add(command c);

  /// Checks the role and the arguments and runs a command; `done` is called once, perhaps before
  /// this returns. A command that throws answers internal_error.
  /// \param given an object by name, an array by position, or null.
  void call(std::string_view name, const boost::json::value& given, caller by, reply_taker done);

  /// The same with the words of a command line (arguments::from_words).
  void call_in_words(std::string_view name, const std::vector<std::string>& words, caller by,
                     reply_taker done);

  /// A command by the name that it has over the FIFO, or by its own, in any letter case; null:
  /// there is none.
  [[nodiscard]] std::shared_ptr<const command> find_for_fifo(std::string_view name) const;
  /// Calls f(const command&) for each, the last that was added first.
  template <typename F>
  void for_each(F&& f) const {
    for (auto it = order_.rbegin(); it != order_.rend(); ++it) f(*commands_.find(*it)->second);
  }

  /// What help answers: of all commands {name: help}, of one its parameters and its reply as JSON
  /// Schema too.
  [[nodiscard]] boost::json::value describe() const;
  [[nodiscard]] command_reply describe(std::string_view name) const;

  /// Commands that have thrown.
  [[nodiscard]] const counter& faults() const noexcept { return faults_; }

 private:
  using read_arguments =
      std::function<result<arguments, std::string>(const std::vector<command_parameter>&)>;

  void start(std::string_view name, const read_arguments& read, caller by, reply_taker done);
  void run(const std::shared_ptr<const command>& what, command_call call);
  void run_on_shards(const std::shared_ptr<const command>& what, command_call call);
  void list_of_shards(const std::shared_ptr<const command>& what, command_call call);
  template <typename F>
  void guard(const command& what, F&& f);
  [[nodiscard]] command_error unknown(std::string_view name) const;

  io::gather* shards_;
  counter faults_;
  /// Shared with calls in progress: a command may be replaced meanwhile.
  std::map<std::string, std::shared_ptr<const command>, std::less<>> commands_;
  std::vector<std::string> order_; ///< in which they were added
};

} // namespace tandem::control
