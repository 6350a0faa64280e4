// SPDX-License-Identifier: Apache-2.0
// Files that are doors of a running program, sockets and named pipes: whose they are, that nobody
// else can put one of his in their place, and that they are gone with the program. At start-up and
// at the end; blocks.
#pragma once

#include <optional>
#include <string>
#include <sys/stat.h>
#include <sys/types.h>

namespace tandem::io {

/// Where it is and whom it belongs to. Without an owner or a group: as the process makes it.
struct placed_file {
  std::string path;
  std::optional<uid_t> owner = {};
  std::optional<gid_t> group = {};
  mode_t mode = 0660;
  std::string path_later = {}; ///< by which it is removed; empty: `path`
};

/// Why somebody else could put a file of his in the place of ours; empty when nobody can: the
/// folder belongs to root, to this user or to the owner of the file, and nobody else may replace
/// files in it: it is sticky, or writable for its owner alone, or for a group that is root's, this
/// process's or the file's, too.
[[nodiscard]] std::string why_unsafe(int folder, const placed_file& file);

/// Gives a file that is there its owner, group and mode. No link is followed.
/// \param type as S_IFSOCK; any other one is refused \param made what was found
/// \return why it could not be done, or nothing
[[nodiscard]] std::optional<std::string> hand_over(int folder, const std::string& name, mode_t type,
                                                   const placed_file& file, struct stat& made);

/// Removes the file in the end if it is still the same one. Does nothing in a child process.
class removal {
 public:
  removal() = default;
  removal(const placed_file& file, const struct stat& made);
  removal(removal&& other) noexcept;
  removal& operator=(removal&& other) noexcept;
  ~removal();

 private:
  void remove() const noexcept;

  std::string path_; ///< empty: there is nothing to remove
  dev_t device_ = 0;
  ino_t inode_ = 0;
  pid_t made_by_ = 0;
};

} // namespace tandem::io
