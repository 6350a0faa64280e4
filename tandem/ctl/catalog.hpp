// SPDX-License-Identifier: Apache-2.0
// The commands that a running program has, as its `help` tells them: found by the words of a
// command line, declared with their arguments and their answer. One thread.
#pragma once

#include <tandem/control/declaration.hpp>
#include <tandem/control/rpc_client.hpp>

#include <boost/json/object.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tandem::ctl {

/// Asks the program; as control::rpc_client::ask does.
using asker = std::function<result<boost::json::value, control::rpc_failure>(
    std::string_view command, boost::json::object arguments)>;

/// A command as its program declares it.
struct declared_command {
  std::string name, help, role;
  std::vector<control::command_parameter> parameters;
  boost::json::object reply; ///< JSON Schema of its answer

  /// \return the declaration, or why it cannot be had
  [[nodiscard]] static result<declared_command, control::rpc_failure> fetch(const asker& ask,
                                                                            std::string_view name);
};

class catalog {
 public:
  /// \return all commands, or why they cannot be had
  [[nodiscard]] static result<catalog, control::rpc_failure> fetch(const asker& ask);

  /// Name and help of each, by name.
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& all() const noexcept {
    return all_;
  }
  [[nodiscard]] bool has(std::string_view name) const noexcept;

  struct match {
    std::string name;      ///< "ul.list"
    std::size_t words = 0; ///< that it took: 1 of `ul.list alice`, 2 of `ul list alice`
  };
  /// The command that words begin with: the longest name that they spell, with dots or as words of
  /// their own. \return it, or what is wrong, with what may have been meant
  [[nodiscard]] result<match, control::rpc_failure>
  find(const std::vector<std::string>& words) const;

 private:
  std::vector<std::pair<std::string, std::string>> all_;
};

/// "ul.list" as one types it: "ul list".
[[nodiscard]] std::string as_words(std::string_view name);

} // namespace tandem::ctl
