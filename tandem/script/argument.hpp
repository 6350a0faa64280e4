// SPDX-License-Identifier: Apache-2.0
// Arguments of functions: as compiled into a program (immutable), and as a callback sees them in
// one call. Views of a call live until the callback returns.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tandem/script/context.hpp>
#include <tandem/script/diagnostics.hpp>
#include <tandem/script/registry.hpp>

namespace tandem::script {

class execution;
class program;

/// A pseudo-variable where a script names it.
struct variable_use {
  const variable_info* info = nullptr;
  std::string argument;   ///< the Name of $hdr(Name), else empty
  int index = 0;          ///< of $(hdr(Via)[1]); negative counts from the end, -1 is the last
  bool has_index = false; ///< else the first value
};

/// Text before a variable, then the variable; the last piece may have none.
struct text_piece {
  std::string literal;
  variable_use variable; ///< info is null when there is none
};

enum class uri_part : std::uint8_t { host, port };

/// One argument as compiled.
struct argument {
  argument_kind kind = argument_kind::string;
  span where;
  std::string text;        ///< string, host, constant text; the name of a route
  std::int64_t number = 0; ///< integer, flag, size; the block's number in its program; uri_part
  std::vector<text_piece> pieces; ///< of a text that has variables, else empty
  std::vector<argument> items;    ///< of an array
};

/// No block: t_on_failure("0") disarms.
inline constexpr std::int64_t no_block = -1;

/// What a variable's callback is given.
class variable_read {
 public:
  variable_read(context& message, const variable_use& what, std::string& to, int last) noexcept
      : context_(message), use_(what), out_(to), last_value_(last) {}

  /// The message, as what the server made it.
  template <typename Context>
  [[nodiscard]] Context& as() const noexcept {
    return static_cast<Context&>(context_);
  }
  [[nodiscard]] std::string_view argument() const noexcept { return use_.argument; }
  [[nodiscard]] bool has_index() const noexcept { return use_.has_index; }
  [[nodiscard]] int index() const noexcept { return use_.index; }
  /// What the last function returned ($rc).
  [[nodiscard]] int last_value() const noexcept { return last_value_; }
  /// Append the value here.
  [[nodiscard]] std::string& out() const noexcept { return out_; }
  void append(std::string_view text) const { out_.append(text); }

 private:
  context& context_;
  const variable_use& use_;
  std::string& out_;
  int last_value_;
};

/// What a function's callback is given: the message, its arguments with their variables filled in,
/// and the execution that it may suspend.
class call {
 public:
  call(context& message, execution& runner, const function_info& function, block_kind block,
       std::span<const argument> arguments, std::span<const std::string_view> texts,
       const void* prepared, const span& where) noexcept
      : context_(message), execution_(runner), function_(function), block_(block),
        arguments_(arguments), texts_(texts), prepared_(prepared), where_(where) {}

  /// The message, as what the server made it.
  template <typename Context>
  [[nodiscard]] Context& as() const noexcept {
    return static_cast<Context&>(context_);
  }
  [[nodiscard]] context& message() const noexcept { return context_; }
  [[nodiscard]] execution& runner() const noexcept { return execution_; }
  [[nodiscard]] const function_info& function() const noexcept { return function_; }
  /// The kind of block in which the run began (of a route called from a failure_route: failure).
  [[nodiscard]] block_kind block() const noexcept { return block_; }
  [[nodiscard]] span where() const noexcept { return where_; }

  [[nodiscard]] std::size_t count() const noexcept { return arguments_.size(); }
  [[nodiscard]] bool has(std::size_t i) const noexcept { return i < arguments_.size(); }
  [[nodiscard]] argument_kind kind(std::size_t i) const noexcept { return arguments_[i].kind; }

  /// Argument `i` as text, variables filled in: string, text, host. Empty when it is not there.
  [[nodiscard]] std::string_view text(std::size_t i) const noexcept;
  /// Argument `i` as number: integer, flag, size; of a route, its number for execution::start or
  /// no_block. 0 when it is not there.
  [[nodiscard]] std::int64_t number(std::size_t i) const noexcept;
  [[nodiscard]] uri_part part(std::size_t i) const noexcept {
    return static_cast<uri_part>(arguments_[i].number);
  }
  /// The items of array `i`, variables filled in.
  [[nodiscard]] std::span<const std::string_view> items(std::size_t i) const noexcept;

  /// What the function's prepare callback made of this call, null without one.
  template <typename T>
  [[nodiscard]] const T* prepared() const noexcept {
    return static_cast<const T*>(prepared_);
  }

 private:
  [[nodiscard]] std::size_t first_text(std::size_t i) const noexcept;

  context& context_;
  execution& execution_;
  const function_info& function_;
  block_kind block_;
  std::span<const argument> arguments_;
  std::span<const std::string_view> texts_;
  const void* prepared_;
  const span& where_; ///< of the program: looked at only when somebody asks
};

/// What a function's prepare callback is given: the arguments as written, and a way to complain.
class check {
 public:
  check(std::span<const argument> arguments, span where, diagnostics& found) noexcept
      : arguments_(arguments), where_(where), found_(found) {}

  [[nodiscard]] std::size_t count() const noexcept { return arguments_.size(); }
  [[nodiscard]] const argument& at(std::size_t i) const noexcept { return arguments_[i]; }
  /// The text of argument `i` when it has no variables (then is_constant), else empty.
  [[nodiscard]] std::string_view text(std::size_t i) const noexcept;
  [[nodiscard]] bool is_constant(std::size_t i) const noexcept;

  /// Complains about argument `i`; the script is then refused.
  void error(std::size_t i, std::string text, std::string hint = {});
  void warning(std::size_t i, std::string text, std::string hint = {});

 private:
  [[nodiscard]] span place(std::size_t i) const noexcept;

  std::span<const argument> arguments_;
  span where_;
  diagnostics& found_;
};

} // namespace tandem::script
