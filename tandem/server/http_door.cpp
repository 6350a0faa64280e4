// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/http_door.hpp>

#include <tandem/base/log.hpp>
#include <tandem/control/json_rpc.hpp>
#include <tandem/io/unique_fd.hpp>
#include <tandem/server/privileges.hpp>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tandem::server {

namespace {

constexpr std::size_t longest_token_file = 65'536;

[[noreturn]] void refuse(const std::string& path, std::string_view why) {
  throw start_error{fmt::format("http_tokens: '{}': {}", path, why)};
}

} // namespace

control::access_tokens read_tokens(const std::string& path) {
  const io::unique_fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  struct stat state {};
  if (!file || ::fstat(file.get(), &state) != 0) refuse(path, std::strerror(errno));
  if (!S_ISREG(state.st_mode)) refuse(path, "is not a regular file");
  if ((state.st_mode & S_IRWXO) != 0)
    refuse(path, "others may read it; say chmod o= and who may is in its group");
  std::string text;
  char part[4096];
  for (;;) {
    const ssize_t got = ::read(file.get(), part, sizeof part);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) refuse(path, std::strerror(errno));
    if (got == 0) break;
    text.append(part, static_cast<std::size_t>(got));
    if (text.size() > longest_token_file) refuse(path, "is longer than 64 KiB");
  }
  auto tokens = control::access_tokens::parse(text);
  explicit_bzero(text.data(), text.size());
  explicit_bzero(part, sizeof part);
  if (!tokens) refuse(path, tokens.error());
  return std::move(*tokens);
}

http_door::http_door(io::shard& loop, const socket_address& at, control::command_registry& commands,
                     control::access_tokens tokens, control::health_source health)
    : tokens_{std::move(tokens)}, server_{loop} {
  control::serve_health(server_, std::move(health));
  control::serve_json_rpc(server_, commands, tokens_);
  const auto open = server_.listen(at);
  if (!open) throw start_error{fmt::format("http_listen: {}", open.error())};
  log_notice("HTTP port at {}", open->to_string());
  if (!open->ip.is_loopback())
    log_warning("the HTTP port at {} can be reached by others, who see the metrics, and its tokens "
                "travel in the clear: let it listen at 127.0.0.1, behind a proxy that speaks HTTPS",
                open->to_string());
}

} // namespace tandem::server
