// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/core_settings.hpp>

#include <tandem/server/parameters.hpp>

namespace tandem::server {

namespace {

using script::parameter_kind;
using script::read_when;
using settings = core_settings;

constexpr std::int64_t largest = 1'000'000'000;

parameter_table<settings> make_table() {
  constexpr const char* received = "a Via that names a host always gets received, as RFC 3261 "
                                   "18.2.1 wants it";
  constexpr auto flag = parameter_kind::boolean;
  constexpr auto number = parameter_kind::integer;
  return parameter_table<settings>{} // What is written where
      .add("debug", &settings::debug, {.min = -3, .max = 9, .synonyms = {"log_level"}},
           "log level: -3 alert, -2 critical, -1 error, 1 warning, 2 notice, 3 info, 4 debug")
      .add("log_stderror", &settings::log_stderror, {.when = read_when::start},
           "log to standard error instead of syslog")
      .add("log_facility", &settings::log_facility,
           {.when = read_when::start,
            .words = {"daemon", "user", "local0", "local1", "local2", "local3", "local4", "local5",
                      "local6", "local7"}},
           "facility of syslog")
      .add("statistics", &settings::statistics, {.synonyms = {"stat_file"}},
           "file to which SIGUSR1 appends the statistics")
      .without_effect("memlog", number, "there is no memory pool to report on")
      // Process
      .add("fork", &settings::fork, {.when = read_when::start},
           "run in the background once the sockets are open")
      .add("children", &settings::children, {.min = 1, .max = 1024, .when = read_when::start},
           "worker processes of the original; an upper bound of the number of shards here")
      .without_effect("tcp_children", number, "TCP is served by the same shards")
      .add("user", &settings::user, {.when = read_when::start, .synonyms = {"uid"}},
           "switch to this user after opening the sockets")
      .add("group", &settings::group, {.when = read_when::start, .synonyms = {"gid"}},
           "switch to this group after opening the sockets")
      .add("chroot", &settings::chroot, {.when = read_when::start},
           "directory that becomes the root")
      .add("workdir", &settings::workdir, {.when = read_when::start, .synonyms = {"wdir"}},
           "working directory")
      // Network
      .add("listen", &settings::listen, {.when = read_when::start},
           "addresses to serve: ip, name or interface, as [proto:]host[:port]; repeatable; the "
           "loopback when absent")
      .add("port", &settings::port, {.max = 65'535, .when = read_when::start},
           "port of listen addresses that name none")
      .add("alias", &settings::alias, {}, "names that are this server too, on any port")
      .add("disable_tcp", &settings::disable_tcp, {.when = read_when::start}, "serve UDP only")
      .add(
          "mhomed", [](auto& s) -> auto& { return s.net.follows_routes; },
          {.when = read_when::start},
          "of several addresses send from the one that the routing table chooses")
      .add(
          "udp_mtu", [](auto& s) -> auto& { return s.net.udp_mtu; },
          {.max = 65'535, .unit = "bytes", .when = read_when::start},
          "a longer request goes by TCP when nothing forbids it; 0 never")
      .without_effect("maxbuffer", number, "buffers of UDP sockets have 4 MiB", {"max_buffer"})
      .without_effect("dns", flag, received)
      .without_effect("rev_dns", flag, received)
      // Location of servers
      .add("dns_servers", &settings::dns_servers, {.when = read_when::start},
           "name servers, as address[:port], separated by blanks or commas; those of "
           "/etc/resolv.conf when empty")
      .add(
          "dns_timeout", [](auto& s) -> auto& { return s.dns.timeout; },
          {.min = 10, .max = 60'000, .unit = "ms", .when = read_when::start},
          "that a name server has to answer; doubled with each round over them")
      .add(
          "dns_tries", [](auto& s) -> auto& { return s.dns.tries; },
          {.min = 1, .max = 10, .when = read_when::start}, "rounds over the name servers")
      .add("dns_naptr", &settings::asks_naptr, {}, "ask a domain for its transports (RFC 3263 4.1)")
      .add("dns_srv", &settings::asks_srv, {}, "ask a domain for its servers (RFC 3263 4.2)")
      .add("failed_server_time", &settings::failed_server_time, {.max = 3'600, .unit = "s"},
           "for which a server that was silent, unreachable or answered 503 is tried after the "
           "others of its domain; 0: not at all")
      // TLS
      .add(
          "disable_tls", [](auto& s) -> auto& { return s.tls.is_disabled; },
          {.when = read_when::start}, "leaves out the addresses of listen that are for TLS")
      .add(
          "tls_port_no", [](auto& s) -> auto& { return s.tls.port; },
          {.min = 1, .max = 65'535, .when = read_when::start, .synonyms = {"tls_port"}},
          "port of listen addresses for TLS that name none")
      .add(
          "tls_certificate", [](auto& s) -> auto& { return s.tls.certificates; }, {},
          "file of the certificate to show, with those above it (PEM); repeatable: then the one "
          "that holds the name which a client asks for, else the first")
      .add(
          "tls_private_key", [](auto& s) -> auto& { return s.tls.keys; }, {},
          "file of its key (PEM), one for each tls_certificate in their order; without any they "
          "are in the files of the certificates")
      .add(
          "tls_ca_list", [](auto& s) -> auto& { return s.tls.authorities; }, {},
          "file of the authorities that peers are verified by (PEM); when empty servers are by "
          "those of the system")
      .add(
          "tls_verify", [](auto& s) -> auto& { return s.tls.verifies_clients; }, {},
          "asks who connects for a certificate, and refuses one that tls_ca_list does not verify; "
          "servers that we connect to are always verified")
      .add(
          "tls_require_certificate", [](auto& s) -> auto& { return s.tls.requires_certificate; },
          {}, "refuses who connects without such a certificate")
      .add(
          "tls_method", [](auto& s) -> auto& { return s.tls.method; },
          {.words = {"TLSv1.2+", "TLSv1.2", "TLSv1.3", "SSLv23"}},
          "versions to speak; SSLv23 of the original is TLSv1.2+ here")
      .add(
          "tls_log", [](auto& s) -> auto& { return s.net.tls_log; },
          {.min = -3, .max = 9, .when = read_when::start, .synonyms = {"tlslog"}},
          "log level of lines about TLS that did not come about, at most one a second")
      // HTTP port
      .add("http_listen", &settings::http_listen, {.when = read_when::start},
           "address:port of commands, metrics and health; a port alone is one of the loopback; "
           "none when empty")
      .add("http_tokens", &settings::http_tokens, {},
           "file of the tokens that give access to commands (docs/control.md)")
      // Control socket
      .add("control_socket", &settings::control_socket, {.when = read_when::start},
           "path of the unix socket of commands, for tandemctl; none when empty")
      .add("control_group", &settings::control_group, {.when = read_when::start},
           "group whose members may use the control socket, beside root and the server's own user")
      .add("control_group_role", &settings::control_group_role,
           {.when = read_when::start, .words = {"read", "change", "admin"}},
           "what the members of control_group may do")
      // FIFO
      .add("fifo", &settings::fifo, {.when = read_when::start},
           "path of the FIFO of commands; none when empty")
      .add("fifo_mode", &settings::fifo_mode,
           {.max = 0777, .when = read_when::start, .synonyms = {"fifo_perm"}},
           "its mode, as a decimal number: 432 is 0660, 438 is 0666")
      .add("fifo_role", &settings::fifo_role,
           {.when = read_when::start, .words = {"read", "change", "admin"}},
           "what those may do who may write to the FIFO")
      .add("fifo_reply_dir", &settings::fifo_reply_dir, {.when = read_when::start},
           "folder of the pipes and files that replies go to")
      // Bounds beyond which new requests are answered 503 while what is in progress goes on
      .add(
          "overload_lag", [](auto& s) -> auto& { return s.overload.lag; },
          {.max = 60'000, .unit = "ms"}, "that the loop, or datagrams in their socket, may be late")
      .add(
          "overload_transactions", [](auto& s) -> auto& { return s.overload.transactions; },
          {.max = largest / 10}, "transactions in progress, for each shard")
      .add(
          "overload_per_source", [](auto& s) -> auto& { return s.overload.requests_per_source; },
          {.max = largest, .unit = "a second"},
          "new requests from one IPv4 address or IPv6 /64, for each shard; 0: no bound")
      .add(
          "overload_bytes", [](auto& s) -> auto& { return s.overload.kept.in_all; },
          {.min = 1'000'000, .max = 1'000 * largest, .unit = "bytes"},
          "of messages that transactions keep, for each shard")
      .add(
          "overload_bytes_per_source", [](auto& s) -> auto& { return s.overload.kept.per_source; },
          {.min = 1'000'000, .max = 1'000 * largest, .unit = "bytes"},
          "the same for the requests of one IPv4 address or IPv6 /64")
      .add(
          "overload_retry_after", [](auto& s) -> auto& { return s.overload.retry_after; },
          {.max = 86'400, .unit = "s"}, "after which a refused client may come again")
      // Behaviour
      .add("sip_warning", &settings::sip_warning, {}, "add a Warning header to replies made here")
      .add("server_signature", &settings::server_signature, {.synonyms = {"server_header"}},
           "add Server and User-Agent to messages made here")
      .without_effect("check_via", flag,
                      "a reply whose topmost Via is not ours is always dropped (RFC 3261 18.1.2)")
      .without_effect("syn_branch", flag,
                      "branches are always unique and derived from the transaction")
      .without_effect("reply_to_via", flag,
                      "replies go to the address that the request came from and the port of Via, "
                      "as RFC 3261 18.2.2 wants it")
      .without_effect("loop_checks", flag, "loops are always detected (RFC 5393)");
}

const parameter_table<settings>& table() {
  static const auto made = make_table();
  return made;
}

} // namespace

core_settings core_settings::of(const script::program& program) {
  core_settings made;
  table().read({program, program.core()}, made);
  return made;
}

script::module_info core_parameters() {
  return {.name = "core", .help = {}, .parameters = table().declared()};
}

} // namespace tandem::server
