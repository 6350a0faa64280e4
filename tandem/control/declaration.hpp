// SPDX-License-Identifier: Apache-2.0
// What a command says of itself: its parameters and its reply, with types. Arguments are checked by
// it, words of a command line are converted by it, and help tells it as JSON Schema. Any thread.
#pragma once

#include <tandem/base/result.hpp>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::control {

enum class value_type : std::uint8_t {
  text,    ///< one line: no CR, LF or NUL
  lines,   ///< a text of several lines, as a body is
  integer, ///< 64 bits, signed
  flag,    ///< true or false
  list,    ///< texts; of a reply also rows that have fields
  object,  ///< of a reply only
};

struct command_parameter {
  std::string name;
  value_type type = value_type::text;
  bool is_required = true;
  std::string help = {};
};

/// One field of what a command answers.
struct reply_field {
  std::string name; ///< "*" for names that only the answer knows, such as those of metrics
  value_type type = value_type::text;
  std::string help = {};
  std::vector<reply_field> fields = {}; ///< of an object, or of each row of a list; none: any
};

/// The arguments of one call. All of them have the types that the command declares.
class arguments {
 public:
  arguments() = default;

  /// Arguments as JSON: an object by name, an array by position, or null. An optional one that is
  /// null counts as absent.
  /// \return or what is wrong, for its writer
  [[nodiscard]] static result<arguments, std::string>
  from_json(const std::vector<command_parameter>& declared, const boost::json::value& given);

  /// Arguments as words of a command line: NAME=VALUE, or values alone for the parameters in their
  /// order. Numbers, flags (true, yes, 1) and lists (with commas) are read as they are declared.
  [[nodiscard]] static result<arguments, std::string>
  from_words(const std::vector<command_parameter>& declared, const std::vector<std::string>& words);

  /// An argument; nothing when it is optional and was not given. The name must be declared, with
  /// that type; a text is one of lines too. Views live as long as this.
  [[nodiscard]] std::optional<std::string_view> text(std::string_view name) const;
  [[nodiscard]] std::optional<std::int64_t> integer(std::string_view name) const;
  [[nodiscard]] std::optional<bool> flag(std::string_view name) const;
  [[nodiscard]] std::vector<std::string_view> list(std::string_view name) const;

  [[nodiscard]] const boost::json::object& as_json() const noexcept { return values_; }

 private:
  explicit arguments(boost::json::object values) : values_{std::move(values)} {}

  boost::json::object values_;
};

/// A word as the type that a parameter is declared with; a text where it is none of that type.
[[nodiscard]] boost::json::value read_word(value_type type, std::string_view word);

/// "add a [b] [loud]".
[[nodiscard]] std::string usage_of(std::string_view command,
                                   const std::vector<command_parameter>& declared);

/// The JSON Schema of an object with these parameters, and the parameters of such a schema again,
/// which is what clients do with the answer of help.
[[nodiscard]] boost::json::object schema_of(const std::vector<command_parameter>& declared);
[[nodiscard]] std::vector<command_parameter> parameters_of(const boost::json::object& schema);

/// The JSON Schema of a reply.
[[nodiscard]] boost::json::object schema_of(const std::vector<reply_field>& declared);

/// The reply has the declared fields, of the declared types, and no others.
[[nodiscard]] bool fits(const std::vector<reply_field>& declared,
                        const boost::json::value& reply) noexcept;

} // namespace tandem::control
