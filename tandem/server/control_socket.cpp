// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/control_socket.hpp>

#include <tandem/base/log.hpp>
#include <tandem/server/core_settings.hpp>
#include <tandem/server/module.hpp>

#include <filesystem>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tandem::server {

namespace {

/// The usual folder is made where root starts the server: it is gone after each boot.
void make_folder_of(const std::string& socket, const account& becomes) {
  if (::geteuid() != 0) return;
  const std::string folder = std::filesystem::path{socket}.parent_path().string();
  if (::mkdir(folder.c_str(), 0755) != 0) return;
  (void)!::lchown(folder.c_str(), becomes.uid.value_or(0), becomes.gid.value_or(0));
}

} // namespace

control::socket_access control_access(const script::program& program, const account& becomes) {
  const core_settings set = core_settings::of(program);
  control::socket_access made{.own = becomes.uid.value_or(::geteuid())};
  if (set.control_group.empty()) return made;
  identity members;
  members.group = set.control_group;
  try {
    made.group = find_account(members).gid;
  } catch (const start_error& error) {
    parameter_values{program, program.core()}.refuse("control_group", error.what());
  }
  if (const auto gives = control::parse_role(set.control_group_role)) made.group_gives = *gives;
  return made;
}

std::unique_ptr<control::socket_door> open_control_socket(io::shard& loop,
                                                          control::command_registry& commands,
                                                          const script::program& program,
                                                          const account& becomes,
                                                          const path_in_root& paths) {
  const std::string path = core_settings::of(program).control_socket;
  if (path.empty()) return nullptr;
  const parameter_values given{program, program.core()};
  const bool is_chosen = given.is_set("control_socket");
  if (!is_chosen) make_folder_of(path, becomes);
  const auto access = control_access(program, becomes);
  auto door = control::socket_door::open(loop, commands,
                                         {.path = path,
                                          .owner = becomes.uid,
                                          .group = access.group ? access.group : becomes.gid,
                                          .path_later = paths.inside(path).value_or(path)},
                                         access);
  if (door) {
    log_notice("control socket at {}", path);
    return std::move(*door);
  }
  if (is_chosen) given.refuse("control_socket", door.error());
  log_notice("there is no control socket: {}; control_socket in the script chooses another place",
             door.error());
  return nullptr;
}

} // namespace tandem::server
