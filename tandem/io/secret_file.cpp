// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/secret_file.hpp>

#include <tandem/io/unique_fd.hpp>

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace tandem::io {

namespace {

/// Wiped at the end.
struct secret_bytes {
  explicit secret_bytes(std::size_t size) : bytes(size) {}
  secret_bytes(const secret_bytes&) = delete;
  secret_bytes& operator=(const secret_bytes&) = delete;
  ~secret_bytes() {
    if (!bytes.empty()) explicit_bzero(bytes.data(), bytes.size());
  }
  std::vector<char> bytes;
};

secret_file_error by_errno(int error) {
  return {std::generic_category().message(error), error == ENOENT};
}

} // namespace

result<secret, secret_file_error> read_secret_file(const std::string& path,
                                                   std::size_t most_bytes) {
  // Not to wait for the other end of a pipe: it is refused below.
  const unique_fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  struct ::stat about {};
  if (!file || ::fstat(file.get(), &about) != 0) return fail(by_errno(errno));
  if (!S_ISREG(about.st_mode)) return fail(secret_file_error{"not a regular file"});
  if ((about.st_mode & (S_IWGRP | S_IXGRP | S_IRWXO)) != 0)
    return fail(
        secret_file_error{"others may read it or change it; chmod 600 it, or 640 for its group"});
  if (about.st_size < 0 || static_cast<std::size_t>(about.st_size) > most_bytes)
    return fail(secret_file_error{fmt::format("larger than {} bytes", most_bytes)});
  secret_bytes all{static_cast<std::size_t>(about.st_size)};
  std::size_t size = 0;
  while (size < all.bytes.size()) {
    const ssize_t got = ::read(file.get(), all.bytes.data() + size, all.bytes.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(by_errno(errno));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  return secret{std::string_view{all.bytes.data(), size}};
}

} // namespace tandem::io
