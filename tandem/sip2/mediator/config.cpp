// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/config.hpp>

#include <tandem/base/text.hpp>

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace tandem::sip2 {
namespace {

constexpr std::uint16_t usual_port = 6001;

void read_address(const config_table& t, std::string_view key, std::optional<socket_address>& to,
                  std::uint16_t port) {
  std::string text;
  t.read(key, text);
  if (text.empty()) return;
  to = socket_address::parse(text, port);
  if (!to)
    t.complain(
        key, fmt::format("'{}' is not an address like 127.0.0.1:{} or [::]:{}", text, port, port));
}

void read_prefixes(const config_table& t, std::string_view key, std::vector<ip_prefix>& to) {
  std::vector<std::string> texts;
  t.read(key, texts);
  for (const auto& text : texts)
    if (const auto p = ip_prefix::parse(text))
      to.push_back(*p);
    else
      t.complain(key, fmt::format("'{}' is not an address range like 192.0.2.0/24", text));
}

void read_server_tls(const config_table& t, bool& has_tls, io::tls_server_options& tls) {
  t.read_path("certificate-file", tls.certificate_file);
  t.read_path("key-file", tls.key_file);
  t.read_path("client-ca-file", tls.client_ca_file);
  has_tls = !tls.certificate_file.empty();
  if (!has_tls && (!tls.key_file.empty() || !tls.client_ca_file.empty()))
    t.complain("certificate-file", "TLS needs a 'certificate-file'");
  if (!has_tls) return;
  if (const auto made = io::tls_context::server(tls); !made)
    t.complain("certificate-file", made.error());
}

/// Authorities and certificates for the way to the back-end.
void check_backend_tls(const config_table& t, const backend_pool_options& backend) {
  const auto is_secure = [](const library_url& url) { return url.is_secure; };
  if (std::ranges::none_of(backend.urls, is_secure)) return;
  if (const auto made = io::tls_context::client(backend.tls); !made)
    t.complain(t.has("ca-file") ? "ca-file" : "certificate-file", made.error());
}

listener_options read_listener(const config_table& t, const terminal_rules& rules) {
  listener_options l;
  std::optional<socket_address> address;
  t.require("listen");
  read_address(t, "listen", address, usual_port);
  if (address) l.address = *address;
  l.name = l.address.to_string();
  t.read("name", l.name);
  constexpr std::array<std::string_view, 2> modes{"raw", "telnet"};
  t.read_choice("mode", modes, l.discipline);
  t.read("profile", l.profile);
  if (!rules.profiles.contains(l.profile))
    t.complain("profile", fmt::format("there is no [profile.{}]", l.profile));
  read_server_tls(t, l.is_tls, l.tls);
  t.read("proxy-protocol", l.has_proxy_header);
  if (l.has_proxy_header && l.is_tls)
    t.complain("proxy-protocol", "a load balancer sends its header before TLS begins, where it is "
                                 "not read: let it end TLS, and leave out 'certificate-file'");
  read_prefixes(t, "proxies", l.proxies);
  read_prefixes(t, "allow", l.allowed);
  if (l.has_proxy_header && l.proxies.empty() && !l.allowed.empty())
    t.complain("allow", "anybody could claim an allowed address in the PROXY header: name the "
                        "load balancers in 'proxies'");
  return l;
}

void read_http(const config_table& t, http_face_options& http) {
  read_address(t, "listen", http.address, 6080);
  t.read("token", http.token);
  read_server_tls(t, http.has_tls, http.tls);
  t.read("door", http.has_door);
  t.read("door-path", http.door_path);
  t.read("door-profile", http.door_profile);
  if (!http.door_path.starts_with('/')) t.complain("door-path", "'door-path' must begin with /");
  if (http.has_door && http.token.empty())
    t.complain("door", "the door needs a 'token': whoever has it may do everything a terminal may");
}

void read_log(const config_table& t, mediator_config& config) {
  std::string level;
  t.read("level", level);
  if (!level.empty()) {
    const auto found = find_log_level(level);
    if (found)
      config.level = *found;
    else
      t.complain("level", "'level' must be one of debug, info, notice, warning, err");
  }
  t.read("facility", config.log_facility);
  if (!is_log_facility(config.log_facility))
    t.complain("facility", "'facility' must be one of local0 to local7, daemon, user");
  constexpr std::array<std::string_view, 3> names{"unsafe", "secrets", "patron"};
  t.read_choice("privacy", names, config.server.privacy);
}

} // namespace

bool is_log_facility(std::string_view name) {
  constexpr std::string_view local = "local";
  return iequals(name, "daemon") || iequals(name, "user") ||
         (name.size() == local.size() + 1 && iequals(name.substr(0, local.size()), local) &&
          name.back() >= '0' && name.back() <= '7');
}

std::optional<log_level> find_log_level(std::string_view name) {
  auto plain = to_lower_copy(name);
  if (plain.starts_with("log_")) plain.erase(0, 4);
  if (plain == "debug") return log_level::debug;
  if (plain == "info") return log_level::info;
  if (plain == "notice") return log_level::notice;
  if (plain == "warning" || plain == "warn") return log_level::warning;
  if (plain == "err" || plain == "error") return log_level::error;
  return std::nullopt;
}

void read_mediator_config(const config_document& file, mediator_config& config) {
  const auto root = file.root();
  root.read("max-clients", config.server.max_clients, 0, 1000000);
  root.read("max-clients-per-address", config.server.max_clients_per_address, 0, 1000000);
  root.read_duration("drain-timeout", config.drain_limit);
  root.read("only-known-accounts", config.rules->only_known_accounts);
  read_log(root.table("log"), config);
  read_http(root.table("http"), config.http);

  const auto backend = root.table("backend");
  read_backend_options(backend, config.backend);
  check_backend_tls(backend, config.backend);
  backend.read("answer-pointer", config.backend.answer_pointer);
  if (!config.backend.answer_pointer.empty() && !config.backend.answer_pointer.starts_with('/'))
    backend.complain("answer-pointer", "a JSON pointer begins with /, like /payload/0");

  const auto upstreams = read_upstream_profiles(root);
  std::string upstream = "default";
  backend.read("upstream", upstream);
  if (const auto found = upstreams.find(upstream); found != upstreams.end())
    config.backend.upstream = found->second;
  else
    backend.complain("upstream", fmt::format("there is no [upstream.{}]", upstream));
  // Where the library knows the mediator alone, whoever may come in may do everything.
  const bool is_known_by_us = config.backend.upstream->login.has_value();
  read_profiles(root, *config.rules, is_known_by_us ? login_rule::required : login_rule::optional);
  read_accounts(root, *config.rules);
  for (const auto& t : root.tables("listener")) {
    auto l = read_listener(t, *config.rules);
    const auto is_same = [&l](const listener_options& o) { return o.address == l.address; };
    if (l.address.port != 0 && std::ranges::any_of(config.listeners, is_same))
      t.complain("listen", fmt::format("two listeners at {}", l.address.to_string()));
    config.listeners.push_back(std::move(l));
  }
  if (!config.rules->profiles.contains(config.http.door_profile))
    root.table("http").complain("door-profile", "there is no such profile");
}

std::vector<std::string_view> keep_fixed(mediator_config& next, const mediator_config& in_force) {
  std::vector<std::string_view> differing;
  const auto keep = [&differing](std::string_view key, auto& to, const auto& from) {
    if (to != from) differing.push_back(key);
    to = from;
  };
  keep("[log] facility", next.log_facility, in_force.log_facility);
  auto& http = next.http;
  const auto& present = in_force.http;
  keep("[http] listen", http.address, present.address);
  if (!present.address) return differing; // no port, hence nothing of it
  keep("[http] door-path", http.door_path, present.door_path);
  if (!http.has_tls && present.has_tls) { // a new certificate is no difference
    keep("[http] certificate-file", http.has_tls, present.has_tls);
    http.tls = present.tls;
  }
  return differing;
}

std::vector<std::string> files_of(const mediator_config& config) {
  std::vector<std::string> all;
  const auto add = [&all](const std::string& file) {
    if (!file.empty()) all.push_back(file);
  };
  const auto add_server = [&add](const io::tls_server_options& tls) {
    add(tls.certificate_file);
    add(tls.key_file);
    add(tls.client_ca_file);
  };
  for (const auto& l : config.listeners) add_server(l.tls);
  add_server(config.http.tls);
  add(config.backend.tls.ca_file);
  add(config.backend.tls.certificate_file);
  add(config.backend.tls.key_file);
  return all;
}

} // namespace tandem::sip2
