// SPDX-License-Identifier: Apache-2.0
// How a command looks over the application FIFO: its name and its texts there, which old scripts
// read byte for byte. A command without a form is called by its own name, and answers with JSON.
// Any thread.
#pragma once

#include <tandem/control/command_error.hpp>
#include <tandem/control/declaration.hpp>

#include <boost/json/object.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::control {

/// Makes the text of a list, row by row.
class fifo_list {
 public:
  fifo_list() = default;
  fifo_list(const fifo_list&) = delete;
  fifo_list& operator=(const fifo_list&) = delete;
  virtual ~fifo_list() = default;

  /// The first line and what stands before the rows.
  [[nodiscard]] virtual std::string begin() = 0;
  [[nodiscard]] virtual std::string row(const boost::json::object& row) = 0;
  /// \param rest the other fields of the reply
  [[nodiscard]] virtual std::string end(const boost::json::object& rest) = 0;
};

struct fifo_form {
  /// What a parameter is called when it is missing ("table name") or cannot be read ("expires").
  struct parameter {
    std::string expected;
    std::string format = {};
  };

  std::string name;
  std::vector<parameter> parameters = {}; ///< as the command declares them
  /// The whole reply with its first line. Null: the first line, and the reply as JSON.
  std::function<std::string(const boost::json::object& reply)> text = {};
  /// For a reply that is a list. Null: a line of JSON for each row.
  std::function<std::unique_ptr<fifo_list>()> list = {};
};

/// "200 ok", and each text on a line of its own.
[[nodiscard]] std::string fifo_ok(const std::vector<std::string>& lines);

/// A text of a reply for a line of the FIFO's: printable, whatever a peer has brought into it.
[[nodiscard]] std::string fifo_text(const boost::json::object& reply, std::string_view field);

/// The reply of a command that failed: a code of three digits as the FIFO has them, and why.
[[nodiscard]] std::string fifo_failure(const command_error& why);

/// What a command with that form answers; of no form when it has none.
[[nodiscard]] std::string fifo_answer(const fifo_form* form, const boost::json::value& reply);

/// The list of a command with that form.
[[nodiscard]] std::unique_ptr<fifo_list> make_fifo_list(const fifo_form* form);

/// Lines as the arguments of a command.
/// \param name by which it was called
/// \return by name, or the reply that says what is wrong
[[nodiscard]] result<boost::json::object, std::string>
fifo_arguments(std::string_view name, const fifo_form* form,
               const std::vector<command_parameter>& declared,
               const std::vector<std::string>& lines);

} // namespace tandem::control
