// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/exec/children.hpp>

#include <tandem/base/log.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <unistd.h>

namespace tandem::modules {

namespace {

constexpr uid_t nobody_number = 65534; // where no user has that name
constexpr const char* separators = ", \t";

bool is_named(std::string_view variable, std::string_view names) {
  const std::string_view name = variable.substr(0, variable.find('='));
  while (!names.empty()) {
    const auto begin = std::min(names.find_first_not_of(separators), names.size());
    names.remove_prefix(begin);
    const auto end = std::min(names.find_first_of(separators), names.size());
    const std::string_view one = names.substr(0, end);
    names.remove_prefix(end);
    if (one.ends_with('*') ? name.starts_with(one.substr(0, one.size() - 1)) : name == one)
      return !one.empty();
  }
  return false;
}

process::child_user nobody() {
  if (auto found = process::find_user("nobody")) return *std::move(found);
  return {.uid = nobody_number, .gid = nobody_number, .groups = {}};
}

} // namespace

std::vector<std::string> inherited_variables(const std::vector<std::string>& environment,
                                             std::string_view names) {
  std::vector<std::string> kept;
  std::copy_if(environment.begin(), environment.end(), std::back_inserter(kept),
               [&](const std::string& variable) { return is_named(variable, names); });
  return kept;
}

void check_user(const server::module_setup& setup) {
  const std::string name = setup.text("user");
  if (name.empty()) return;
  const auto user = process::find_user(name);
  if (!user) setup.refuse("user", fmt::format("there is no user '{}'", name));
  if (::geteuid() != 0 && user->uid != ::geteuid())
    setup.refuse("user", fmt::format("programs cannot be '{}', since the server is not started by "
                                     "root",
                                     name));
}

void prepare_children(const server::module_setup& setup, process::spawner_options& children) {
  check_user(setup);
  const uid_t server = children.user ? children.user->uid : ::geteuid();
  if (const std::string name = setup.text("user"); !name.empty()) {
    children.user = process::find_user(name);
  } else if (server == 0) {
    children.user = nobody();
    log_info("programs that the script runs are nobody, since the server is root; "
             "modparam(\"exec\", \"user\", ...) names another user");
  }
  children.limits.niceness = static_cast<int>(setup.number("nice"));
  children.environment = inherited_variables(children.environment, setup.text("environment"));
  // Whose home it is has changed.
  if (children.user && children.user->uid != ::geteuid())
    std::erase_if(children.environment, [](const std::string& variable) {
      return is_named(variable, "HOME,USER,LOGNAME");
    });
}

} // namespace tandem::modules
