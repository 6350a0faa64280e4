// SPDX-License-Identifier: Apache-2.0
// Where the server finds a file once it has another root and another folder. Any thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace tandem::server {

/// Paths are those of the start: relative ones begin at the folder that the server was started in.
class path_in_root {
 public:
  /// Made before the root changes. \param root that it will have; nothing: as it is.
  explicit path_in_root(const std::optional<std::string>& root);

  /// The path by which the server finds the file from then on; nothing when it lies outside of the
  /// root. Symbolic links are followed before the root has changed, and not any more afterwards.
  [[nodiscard]] std::optional<std::string> inside(const std::string& path) const;

  /// The same. Throws start_error when the file lies outside.
  [[nodiscard]] std::string find(const std::string& path) const;

 private:
  std::filesystem::path start_folder_;
  std::optional<std::filesystem::path> root_;
};

} // namespace tandem::server
