// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/privileges.hpp>

#include <tandem/base/text.hpp>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <string_view>
#include <system_error>
#include <unistd.h>

namespace tandem::server {

namespace {

[[noreturn]] void fail_start(const std::string& what) {
  throw start_error{fmt::format("{}: {}", what, std::strerror(errno))};
}

} // namespace

account find_account(const identity& who) {
  account found;
  if (who.group) {
    if (const auto number = parse_number<gid_t>(*who.group))
      found.gid = number;
    else if (const group* g = ::getgrnam(who.group->c_str()))
      found.gid = g->gr_gid;
    else
      throw start_error{fmt::format("there is no group '{}'", *who.group)};
  }
  if (who.user) {
    const auto number = parse_number<uid_t>(*who.user);
    const passwd* p = number ? ::getpwuid(*number) : ::getpwnam(who.user->c_str());
    if (!p && !number) throw start_error{fmt::format("there is no user '{}'", *who.user)};
    found.uid = p ? p->pw_uid : *number;
    if (!found.gid && p) found.gid = p->pw_gid;
    if (!found.gid)
      throw start_error{fmt::format("the system does not know user {}, nor its group; name a group "
                                    "too (-g, or group= in the script)",
                                    *who.user)};
  }
  return found;
}

std::optional<std::string> default_user() {
  if (::geteuid() != 0) return std::nullopt;
  return ::getpwnam("tandem") ? "tandem" : "nobody";
}

void check_folders(const identity& who) {
  namespace fs = std::filesystem;
  const auto check = [](std::string_view what, const fs::path& folder) {
    std::error_code error;
    if (fs::is_directory(folder, error)) return;
    throw start_error{fmt::format("{} '{}' is not a folder{}", what, folder.string(),
                                  error ? ": " + error.message() : "")};
  };
  if (who.root) check("the root", *who.root);
  if (!who.work_folder) return;
  // With a root of its own the server starts at its top.
  const fs::path within = who.root ? fs::path{*who.root} : fs::path{};
  const fs::path folder = *who.work_folder;
  check("the work folder", who.root ? within / folder.relative_path() : folder);
}

void assume(const identity& who) {
  // Names are looked up before chroot hides the files that know them.
  const auto [uid, gid] = find_account(who);
  if (who.root) {
    if (::chroot(who.root->c_str()) != 0 || ::chdir("/") != 0)
      fail_start(fmt::format("cannot change the root to '{}' (it needs to be started as root)",
                             *who.root));
  }
  if (who.work_folder && ::chdir(who.work_folder->c_str()) != 0)
    fail_start(fmt::format("cannot change to folder '{}'", *who.work_folder));
  if (gid) {
    if (::setgroups(0, nullptr) != 0 || ::setresgid(*gid, *gid, *gid) != 0)
      fail_start(fmt::format("cannot become group {} (it needs to be started as root)", *gid));
  }
  if (uid) {
    if (::setresuid(*uid, *uid, *uid) != 0)
      fail_start(fmt::format("cannot become user {} (it needs to be started as root)", *uid));
    if (*uid != 0 && ::setresuid(0, 0, 0) == 0)
      throw start_error{"the user was changed, but the way back to root is open; not starting"};
  }
}

} // namespace tandem::server
