// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/server.hpp>

#include <tandem/base/log.hpp>
#include <tandem/io/service.hpp>
#include <tandem/process/spawner.hpp>
#include <tandem/server/application_fifo.hpp>
#include <tandem/server/control_socket.hpp>
#include <tandem/server/core_settings.hpp>
#include <tandem/server/listen_settings.hpp>
#include <tandem/server/path_in_root.hpp>
#include <tandem/server/privileges.hpp>
#include <tandem/server/running_server.hpp>
#include <tandem/server/tls_settings.hpp>

#include <fmt/format.h>
#include <iostream>
#include <memory>
#include <optional>
#include <unistd.h>

namespace tandem::server {

namespace {

/// What the command line says, else what the script says, else nothing.
std::optional<std::string> choose(const std::optional<std::string>& wanted,
                                  const std::string& in_script) {
  if (wanted) return wanted;
  return in_script.empty() ? std::nullopt : std::optional{in_script};
}

void open_log_for(const options& wanted, const core_settings& set, bool is_daemon) {
  open_log({.to_stderr = wanted.log_to_stderr.value_or(!is_daemon || set.log_stderror),
            .level = level_for(wanted, set),
            .name = "tandemd",
            .facility = set.log_facility});
}

/// Who the server becomes. Root only serves where somebody has asked for it (-u root).
identity identity_for(const options& wanted, const core_settings& set) {
  identity who{.user = choose(wanted.user, set.user),
               .group = choose(wanted.group, set.group),
               .root = choose(wanted.root, set.chroot),
               .work_folder = choose(wanted.work_folder, set.workdir)};
  if (!who.user) who.user = default_user();
  return who;
}

/// Programs that a script runs are what the server becomes, unless a module names another user.
process::spawner_options children_of(const identity& who) {
  process::spawner_options made;
  const auto [uid, gid] = find_account(who);
  if (uid || gid)
    made.user = {.uid = uid.value_or(::getuid()), .gid = gid.value_or(::getgid()), .groups = {}};
  made.server = made.user;
  made.root = who.root.value_or("");
  made.work_folder = who.work_folder.value_or("");
  return made;
}

} // namespace

script::diagnostics check(const options& wanted, std::span<const module_entry> modules) {
  const script_loader loader{modules};
  auto checked = loader.check(wanted.script);
  if (!checked.made) return std::move(checked.found);
  services shared;
  const core_settings set = core_settings::of(*checked.made);
  const identity who = identity_for(wanted, set);
  check_folders(who);
  process::spawner_options children = children_of(who);
  loader.prepare_children(*checked.made, shared, children);
  // Whether a host name has an address is for the start to find out: a check asks no DNS.
  const auto points = listen_points(wanted, *checked.made, [](const std::string&) {
    return std::vector{ip_address::v4(127, 0, 0, 1)};
  });
  collect_own_names(shared.names, transport::listener_table{points}, points, *checked.made);
  if (need_tls(points)) (void)read_tls(*checked.made, [](const std::string& path) { return path; });
  (void)loader.load(checked.made, shared);
  (void)http_address(*checked.made);
  (void)control_access(*checked.made, find_account(who));
  (void)fifo_settings::of(*checked.made, find_account(who), path_in_root{who.root});
  if (!set.http_tokens.empty()) (void)read_tokens(set.http_tokens);
  return std::move(checked.found);
}

int serve(const options& wanted, std::span<const module_entry> modules) {
  const script_loader loader{modules};
  const auto checked = loader.check(wanted.script);
  if (const std::string text = checked.found.to_string(); !text.empty()) std::cerr << text;
  if (!checked.made) throw start_error{fmt::format("the script '{}' has errors", wanted.script)};
  const core_settings set = core_settings::of(*checked.made);

  // Services and containers want a program that stays; `fork=yes` in the script, or --daemonize,
  // asks for one that goes into the background.
  const bool is_daemon = wanted.daemonize.value_or(set.fork);
  std::optional<io::background> daemon;
  if (is_daemon) daemon.emplace();
  open_log_for(wanted, set, is_daemon);

  const identity who = identity_for(wanted, set);
  services shared;
  process::spawner_options children = children_of(who);
  loader.prepare_children(*checked.made, shared, children);
  process::spawner spawner{std::move(children)}; // before any thread
  const log_thread writer;
  const path_in_root paths{who.root};
  running_server server{wanted, loader, checked.made, paths, find_account(who), spawner, shared};
  std::optional<io::pid_file> pid;
  if (wanted.pid_file) pid.emplace(*wanted.pid_file);
  assume(who);
  server.run([&] {
    if (daemon) daemon->ready();
  });
  return 0;
}

} // namespace tandem::server
