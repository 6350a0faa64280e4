// SPDX-License-Identifier: Apache-2.0
#include <tandem/process/child_command.hpp>
#include <tandem/process/plain_command.hpp>
#include <tandem/process/spawn_wire.hpp>

#include <utility>

namespace tandem::process {

child_command child_command::shell(std::string_view text, std::vector<std::string> parameters) {
  child_command made;
  made.direct = plain_command(text, parameters);
  made.arguments = {"/bin/sh", "-c", std::string{text}, "sh"};
  for (std::string& parameter : parameters) made.arguments.push_back(std::move(parameter));
  return made;
}

std::optional<std::string> pack(const child_command& command) {
  if (command.arguments.empty() || command.arguments.size() > most_child_arguments ||
      command.direct.size() > most_child_arguments)
    return std::nullopt;
  std::string packed;
  for (const auto* list : {&command.direct, &command.arguments})
    for (const std::string& string : *list) {
      if (string.find('\0') != std::string::npos) return std::nullopt;
      packed.append(string.c_str(), string.size() + 1);
    }
  packed += command.environment;
  if (packed.back() != '\0' || packed.size() + sizeof(spawn_request) > most_request_text)
    return std::nullopt;
  return packed;
}

} // namespace tandem::process
