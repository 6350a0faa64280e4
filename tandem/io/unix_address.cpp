// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/unix_address.hpp>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>

namespace tandem::io {

result<unix_address, std::string> unix_address::of(const std::string& path) {
  const auto slash = path.rfind('/');
  const std::string folder = slash == path.npos ? "." : (slash == 0 ? "/" : path.substr(0, slash));
  unix_address made;
  made.name_ = slash == path.npos ? path : path.substr(slash + 1);
  if (made.name_.empty() || path.find('\0') != path.npos)
    return fail(fmt::format("'{}' is not the path of a file", path));
  made.folder_ = unique_fd{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!made.folder_) return fail(fmt::format("'{}': {}", folder, std::strerror(errno)));
  std::string reached = path;
  if (reached.size() >= sizeof made.address_.sun_path)
    reached = fmt::format("/proc/self/fd/{}/{}", made.folder_.get(), made.name_);
  if (reached.size() >= sizeof made.address_.sun_path)
    return fail(fmt::format("the name '{}' is too long for a socket", made.name_));
  made.address_.sun_family = AF_UNIX;
  std::memcpy(made.address_.sun_path, reached.data(), reached.size());
  return made;
}

} // namespace tandem::io
