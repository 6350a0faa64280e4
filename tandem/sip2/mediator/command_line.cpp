// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/command_line.hpp>

#include <fmt/format.h>

namespace tandem::sip2 {
namespace {

using fault = std::string; // empty: none

fault apply_listener(const command_line& flags, mediator_config& config) {
  if (!config.listeners.empty() && !flags.sip_address && !flags.sip_port) return {};
  const auto text = flags.sip_address.value_or("127.0.0.1");
  const auto ip = ip_address::parse(text == "localhost" ? "127.0.0.1" : text);
  if (!ip)
    return fmt::format("--sip-address: '{}' is not an IP address; give one of this machine, or "
                       "0.0.0.0 for all of them",
                       text);
  listener_options l;
  l.address = {*ip, flags.sip_port.value_or(6001), 0};
  l.name = "sip";
  config.listeners = {l};
  return {};
}

fault apply_backend(const command_line& flags, mediator_config& config) {
  if (!flags.http_host && !flags.http_port && !flags.http_proto && !flags.http_path) return {};
  const auto name = flags.http_host.value_or("127.0.0.1");
  const auto literal = ip_address::parse(name);
  const bool is_v6 = literal && literal->is_v6();
  if (!is_v6 && name.find_first_of(":/") != std::string::npos)
    return fmt::format("--http-host: '{}' is not a host name; give the name alone, https by "
                       "--http-proto https, the rest by --http-port and --http-path",
                       name);
  const auto scheme = flags.http_proto.value_or("http") == "http" ? "http" : "https";
  const auto path = flags.http_path.value_or("/sip2-mediator");
  const auto text =
      fmt::format("{}://{}:{}{}{}", scheme, is_v6 ? '[' + name + ']' : name,
                  flags.http_port.value_or(80), path.starts_with('/') ? "" : "/", path);
  const auto url = http::url::parse(text);
  if (!url) return fmt::format("--http-host, --http-port, --http-path: '{}' is not a URL", text);
  config.backend.urls = {*url};
  return {};
}

fault apply_log(const command_line& flags, mediator_config& config) {
  if (flags.syslog_facility && !is_log_facility(*flags.syslog_facility))
    return fmt::format("--syslog-facility: '{}' must be one of LOCAL0 to LOCAL7, DAEMON, USER",
                       *flags.syslog_facility);
  if (flags.syslog_facility) config.log_facility = *flags.syslog_facility;
  if (flags.syslog_level)
    config.level = find_log_level(*flags.syslog_level).value_or(log_level::info);
  if (flags.logs_passwords) config.server.privacy = log_privacy::unsafe;
  return {};
}

fault apply_http_port(const command_line& flags, mediator_config& config) {
  if (!flags.admin_address.empty()) {
    config.http.address = socket_address::parse(flags.admin_address, 6080);
    if (!config.http.address)
      return fmt::format("--admin-address: '{}' is not address:port", flags.admin_address);
  }
  if (!flags.admin_token.empty()) config.http.token = secret{flags.admin_token};
  return {};
}

void answer_in_ascii(terminal_rules& rules) {
  for (auto& [name, p] : rules.profiles) {
    auto changed = *p;
    changed.wire.text = charset::ascii;
    p = std::make_shared<const profile>(std::move(changed));
  }
}

} // namespace

result<mediator_config, std::string> load_config(const command_line& flags) {
  mediator_config config;
  auto file = flags.config_file.empty() ? config_document::parse("", "no file")
                                        : config_document::read(flags.config_file);
  read_mediator_config(file, config);
  if (!file.finish()) return fail(file.explain());
  for (const auto apply : {apply_listener, apply_backend, apply_log, apply_http_port})
    if (auto wrong = apply(flags, config); !wrong.empty()) return fail(std::move(wrong));
  if (flags.max_clients) config.server.max_clients = *flags.max_clients;
  if (flags.is_ascii) answer_in_ascii(*config.rules);
  return config;
}

http::url default_backend() { return *http::url::parse("http://127.0.0.1:80/sip2-mediator"); }

std::vector<std::string> doubts_of(const command_line& flags) {
  std::vector<std::string> all;
  if (flags.syslog_level && !find_log_level(*flags.syslog_level))
    all.push_back(fmt::format("--syslog-level: '{}' is not one of LOG_DEBUG, LOG_INFO, LOG_NOTICE, "
                              "LOG_WARNING, LOG_ERR; LOG_INFO is used",
                              *flags.syslog_level));
  if (flags.http_proto && *flags.http_proto != "http" && *flags.http_proto != "https")
    all.push_back(fmt::format("--http-proto: '{}' is taken for https", *flags.http_proto));
  return all;
}

} // namespace tandem::sip2
