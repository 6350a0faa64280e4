// SPDX-License-Identifier: Apache-2.0
// The commands of a running program: each is declared in one place, with its parameters and its
// help, and reached through every door (JSON-RPC now). One thread, that of its shard.
//
//   commands.add({.name = "terminal.kick", .help = "Closes a terminal's connection.",
//                 .parameters = {{.name = "session", .help = "as terminal.list shows it"}},
//                 .run = [&](command_call call) { ... call.answer(true); }});
#pragma once

#include <tandem/base/result.hpp>

#include <boost/json/value.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::control {

enum class parameter_type : std::uint8_t { text, integer, flag };

struct command_parameter {
  std::string name;
  parameter_type type = parameter_type::text;
  bool is_required = true;
  std::string help = {};
};

/// Why a command gave no result. The codes below -32000 are those of JSON-RPC 2.0, section 5.1.
struct command_error {
  static constexpr int parse_error = -32700;
  static constexpr int invalid_request = -32600;
  static constexpr int unknown_command = -32601;
  static constexpr int invalid_parameters = -32602;
  static constexpr int internal_error = -32603;
  static constexpr int failed = -32000; ///< the command itself says no
  static constexpr int not_found = -32001;

  int code = failed;
  std::string message = {};
};

using command_reply = result<boost::json::value, command_error>;

/// One call on its way: its checked arguments, and the place for its answer. Movable; the answer
/// may come later, on the same thread. Dropped without one, it answers internal_error.
class command_call {
 public:
  command_call(boost::json::object arguments, std::string caller,
               std::function<void(command_reply)> done);
  command_call(command_call&& other) noexcept;
  command_call& operator=(command_call&&) = delete;
  ~command_call();

  /// An argument; nothing when it is optional and was not given. The name and type must be those of
  /// a declared parameter. A text lives as long as the call.
  [[nodiscard]] std::optional<std::string_view> text(std::string_view name) const;
  [[nodiscard]] std::optional<std::int64_t> integer(std::string_view name) const;
  [[nodiscard]] std::optional<bool> flag(std::string_view name) const;

  /// Who calls, for the log: "json-rpc 192.0.2.1:5000".
  [[nodiscard]] const std::string& caller() const noexcept { return caller_; }

  /// The first answer counts.
  void answer(boost::json::value value);
  void refuse(int code, std::string message);

 private:
  boost::json::object arguments_;
  std::string caller_;
  std::function<void(command_reply)> done_;
};

struct command {
  std::string name; ///< subject.verb, lower case
  std::string help; ///< one sentence
  std::vector<command_parameter> parameters = {};
  std::function<void(command_call)> run;
};

class command_registry {
 public:
  /// Has one command from the start: help.
  command_registry();
  command_registry(const command_registry&) = delete;
  command_registry& operator=(const command_registry&) = delete;

  /// Adds a command; a name that is taken is replaced.
  void add(command c);

  /// Checks the arguments and runs a command; `done` is called once, perhaps before this returns.
  /// \param arguments an object by name, an array by position, or null.
  void call(std::string_view name, const boost::json::value& arguments, std::string caller,
            std::function<void(command_reply)> done);

  /// What help answers: of all commands {name: help}, of one its parameters as a JSON Schema too.
  [[nodiscard]] boost::json::value describe() const;
  [[nodiscard]] command_reply describe(std::string_view name) const;

 private:
  [[nodiscard]] command_error unknown(std::string_view name) const;

  std::map<std::string, command, std::less<>> commands_;
};

} // namespace tandem::control
