// SPDX-License-Identifier: Apache-2.0
// What scripts can call: functions, pseudo-variables and parameters declare themselves here, those
// of the core and of each module. Filled at start-up by one thread, then immutable and shared.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tandem/script/source.hpp>

namespace tandem::script {

class call;
class check;
class variable_read;

/// The kinds of route block; as bits, the blocks in which a function may be called.
enum class block_kind : std::uint8_t { request = 1, failure = 2, onreply = 4 };

using block_mask = std::uint8_t;
inline constexpr block_mask in_request = static_cast<block_mask>(block_kind::request);
inline constexpr block_mask in_failure = static_cast<block_mask>(block_kind::failure);
inline constexpr block_mask in_onreply = static_cast<block_mask>(block_kind::onreply);
inline constexpr block_mask anywhere = in_request | in_failure | in_onreply;

/// "route", "failure_route", "onreply_route".
[[nodiscard]] std::string_view to_string(block_kind kind) noexcept;

/// What a function answers: >0 true, <0 false, 0 leaves the route block, or "later".
class outcome {
 public:
  constexpr explicit outcome(int value) noexcept : value_(value) {}

  [[nodiscard]] static constexpr outcome yes() noexcept { return outcome(1); }
  [[nodiscard]] static constexpr outcome no() noexcept { return outcome(-1); }
  [[nodiscard]] static constexpr outcome of(bool value) noexcept { return outcome(value ? 1 : -1); }
  /// Leaves the route block, as `break` does.
  [[nodiscard]] static constexpr outcome leave() noexcept { return outcome(0); }
  /// The function goes on elsewhere; execution::resume() brings its value. Before it returns this
  /// the function must have copied whatever it still needs of its arguments.
  [[nodiscard]] static constexpr outcome suspended() noexcept { return outcome(); }

  [[nodiscard]] constexpr bool is_suspended() const noexcept { return suspended_; }
  [[nodiscard]] constexpr int value() const noexcept { return value_; }

 private:
  constexpr outcome() noexcept : suspended_(true) {}

  int value_ = 0;
  bool suspended_ = false;
};

/// What an argument may be written as, bits that can be combined. The callback sees which one it
/// was.
enum class argument_kind : std::uint16_t {
  string = 1,          ///< "text", taken as it stands; a number is taken as its digits
  text = 2,            ///< "text with $variables", evaluated for each call
  integer = 4,         ///< 12, or a string of digits ("12")
  flag = 8,            ///< 0 to 31
  size = 16,           ///< a number or max_len (65535)
  host = 32,           ///< a bare name or address: foo.bar, 192.0.2.1, [2001:db8::1]
  uri_part = 64,       ///< uri:host or uri:port
  route = 128,         ///< number or name of a route block
  failure_route = 256, ///< number or name of a failure_route block, "0" for none
  onreply_route = 512, ///< number or name of an onreply_route block, "0" for none
  array = 1024,        ///< ["a", "b $ru"]: texts with variables
};

using argument_mask = std::uint16_t;
[[nodiscard]] constexpr argument_mask operator|(argument_kind a, argument_kind b) noexcept {
  return static_cast<argument_mask>(static_cast<argument_mask>(a) | static_cast<argument_mask>(b));
}
[[nodiscard]] constexpr argument_mask operator|(argument_mask a, argument_kind b) noexcept {
  return static_cast<argument_mask>(a | static_cast<argument_mask>(b));
}
[[nodiscard]] constexpr bool accepts(argument_mask mask, argument_kind kind) noexcept {
  return (mask & static_cast<argument_mask>(kind)) != 0;
}

struct argument_info {
  std::string name; ///< for the docs: "code", "reason"
  argument_mask kinds = 0;

  argument_info(std::string label, argument_kind kind)
      : name(std::move(label)), kinds(static_cast<argument_mask>(kind)) {}
  argument_info(std::string label, argument_mask mask) : name(std::move(label)), kinds(mask) {}
};

/// Runs the function. Called on the shard of the message; must not block, must not throw.
using function_callback = std::function<outcome(call&)>;
/// Looks at the arguments once, when the script is checked; complains through the check, and
/// returns what the callback will find in call::prepared() (a compiled regular expression, ...).
using prepare_callback = std::function<std::shared_ptr<const void>(check&)>;

/// One function of scripts. Two of one name with different numbers of arguments are two functions.
struct function_info {
  std::string name;
  std::vector<argument_info> arguments = {}; ///< at most max_arguments
  std::size_t required = all_required;       ///< the first so many must be there
  block_mask blocks = in_request;
  bool may_suspend = false; ///< it may return outcome::suspended(), which is "no" of any other
  std::string help = {};    ///< one line
  function_callback run = {};
  prepare_callback prepare = {};          ///< may be empty
  std::vector<std::string> synonyms = {}; ///< other names, equally good (sethost, seth)

  static constexpr std::size_t all_required = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_arguments = 8;

  [[nodiscard]] std::size_t min_count() const noexcept {
    return required == all_required ? arguments.size() : required;
  }
  [[nodiscard]] std::size_t max_count() const noexcept { return arguments.size(); }
};

/// A name of the past: accepted with a warning, stands for `name`.
struct alias_info {
  std::string old_name;
  std::string name;
};

/// Appends the value to the read's output, or returns false when there is none (then it is empty).
using variable_callback = std::function<bool(variable_read&)>;

/// One pseudo-variable: $name, or $name(argument) when it takes one, $(name(argument)[index]).
struct variable_info {
  enum class argument { none, required };

  std::string name; ///< without the dollar sign
  argument takes = argument::none;
  std::string help;
  variable_callback read;
  bool is_case_sensitive = false; ///< its comparisons do not ignore letter case (a method)
};

enum class parameter_kind : std::uint8_t {
  integer, ///< a decimal number, may be negative
  boolean, ///< yes no on off true false enable disable 1 0
  string,  ///< "text"; of the core also a bare word
  list,    ///< of the core only: addresses or names, several; a second assignment adds
};

/// When a parameter takes effect.
enum class read_when : std::uint8_t {
  reload, ///< at the start and at each reload
  start,  ///< at the start only; a reload that finds another value says so
};

/// One parameter: of the core, set by `name=value`, or of a module, set by modparam. All that is
/// known of it: what checks scripts, fills the documentation and compares at a reload.
struct parameter_info {
  std::string name;
  parameter_kind kind = parameter_kind::integer;
  std::string default_value = {}; ///< as text: "3600", "1", "location"; "0" or "1" of a boolean
  std::string help = {};
  std::int64_t min = std::numeric_limits<std::int32_t>::min(); ///< of an integer
  std::int64_t max = std::numeric_limits<std::int32_t>::max();
  /// Not empty: the value is accepted and has no effect; the text says why, in a warning.
  std::string without_effect = {};
  std::string unit = {}; ///< of an integer: "s", "ms", "bytes"
  read_when when = read_when::reload;
  std::vector<std::string> words = {};    ///< the only values of a string; none: any
  std::vector<std::string> synonyms = {}; ///< other names of it
};

/// Finds a parameter by its name or a synonym; null when there is none.
[[nodiscard]] const parameter_info* find_parameter(std::span<const parameter_info> in,
                                                   std::string_view name) noexcept;

/// A module: everything that `loadmodule` brings.
struct module_info {
  std::string name;
  std::string help;
  std::vector<function_info> functions = {};
  std::vector<variable_info> variables = {};
  std::vector<parameter_info> parameters = {};
  std::vector<alias_info> aliases = {};      ///< old names of its functions
  std::vector<std::string> other_names = {}; ///< that modparam knows too ("sl_module")
  /// Not empty: the module is known but does nothing; the text says why, in a warning. Parameters
  /// that it does not declare are ignored with a warning; functions are not: a guard with a typing
  /// error would let everybody pass.
  std::string stub = {};
};

/// All that scripts may name. The core is the module named "core", present in every program.
class registry {
 public:
  /// With the functions of the language's own core (setflag, len_gt, log ...).
  registry();

  /// Adds to the core: what the server declares for every script, parameters too.
  void add_core(module_info declared);
  /// Adds a module. Throws std::invalid_argument when it cannot be right: a name twice, too many
  /// arguments, a default that does not fit its kind.
  void add(module_info declared);

  [[nodiscard]] const module_info& core() const noexcept { return core_; }
  /// Finds a parameter of the core by its name or a synonym; null when there is none.
  [[nodiscard]] const parameter_info* find_parameter(std::string_view name) const noexcept;
  /// Finds by name; null when there is none.
  [[nodiscard]] const module_info* find_module(std::string_view name) const noexcept;
  [[nodiscard]] std::span<const std::unique_ptr<module_info>> modules() const noexcept {
    return modules_;
  }

  /// A text table of all functions: module, usage, blocks, help (`tandemd --list-functions`).
  [[nodiscard]] std::string list_functions() const;
  /// A text table of all parameters (`tandemd --list-parameters`).
  [[nodiscard]] std::string list_parameters() const;
  /// All that scripts can name, as a page of the documentation.
  [[nodiscard]] std::string functions_as_markdown() const;

 private:
  module_info core_;
  std::vector<std::unique_ptr<module_info>> modules_;
};

/// "t_reply(code, reason)", optional arguments in brackets.
[[nodiscard]] std::string usage_of(const function_info& function);

} // namespace tandem::script
