// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/http_door.hpp>

#include <tandem/base/log.hpp>
#include <tandem/control/json_rpc.hpp>
#include <tandem/io/secret_file.hpp>
#include <tandem/server/privileges.hpp>

#include <fmt/format.h>

namespace tandem::server {

namespace {

constexpr std::size_t longest_token_file = 65'536;

} // namespace

control::access_tokens read_tokens(const std::string& path) {
  const auto refuse = [&path](std::string_view why) {
    throw start_error{fmt::format("http_tokens: '{}': {}", path, why)};
  };
  const auto text = io::read_secret_file(path, longest_token_file);
  if (!text) refuse(text.error().why);
  auto tokens = control::access_tokens::parse(text->reveal());
  if (!tokens) refuse(tokens.error());
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
