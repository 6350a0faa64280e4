// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/path_in_root.hpp>

#include <tandem/server/privileges.hpp>

#include <fmt/format.h>

namespace tandem::server {

path_in_root::path_in_root(const std::optional<std::string>& root)
    : start_folder_{std::filesystem::current_path()} {
  if (root) root_ = std::filesystem::weakly_canonical(*root);
}

std::optional<std::string> path_in_root::inside(const std::string& path) const {
  const auto whole = std::filesystem::weakly_canonical(start_folder_ / path);
  if (!root_) return whole.string();
  const auto relative = whole.lexically_relative(*root_);
  if (relative.empty() || *relative.begin() == "..") return std::nullopt;
  return (std::filesystem::path{"/"} / relative).string();
}

std::string path_in_root::find(const std::string& path) const {
  if (auto found = inside(path)) return std::move(*found);
  throw start_error{fmt::format("'{}' lies outside of the server's root", path)};
}

} // namespace tandem::server
