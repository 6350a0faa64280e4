// SPDX-License-Identifier: Apache-2.0
// sip2-mediator: self-check terminals that speak SIP2 on one side, a library system that speaks
// JSON over HTTP on the other. The command line is that of the original SIP2Mediator, and more.
#include <tandem/base/hidden_arguments.hpp>
#include <tandem/base/log.hpp>
#include <tandem/io/service.hpp>
#include <tandem/io/signals.hpp>
#include <tandem/io/startup_memory.hpp>
#include <tandem/sip2/demo/server.hpp>
#include <tandem/sip2/mediator/command_line.hpp>
#include <tandem/sip2/mediator/mediator.hpp>
#include <tandem/sip2/mediator/upstream_check.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <sys/resource.h>

namespace {

using namespace tandem;
using namespace tandem::sip2;

constexpr int unreached = 2; ///< exit status of --check when a SIP2 server takes no login

/// What the command line says beside the configuration.
struct program_options {
  command_line flags;
  bool is_daemon = false;
  bool is_check = false;
  bool is_demo = false;
  std::string demo_database = ":memory:";
  std::string log_to, pid_file;

  [[nodiscard]] bool logs_to_stderr() const {
    return log_to.empty() ? is_demo && !is_daemon : log_to == "stderr";
  }
};

void add_options(CLI::App& app, program_options& o) {
  auto& f = o.flags;
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast); // as the original
  app.add_option("--sip-address", f.sip_address, "Address for terminals")->default_str("127.0.0.1");
  app.add_option("--sip-port", f.sip_port, "Port for terminals")
      ->check(CLI::Range(1, 65535))
      ->default_str("6001");
  app.add_option("--http-host", f.http_host, "Host of the back-end")->default_str("127.0.0.1");
  app.add_option("--http-port", f.http_port, "Its port (with https, too, 443 must be given)")
      ->check(CLI::Range(1, 65535))
      ->default_str("80");
  app.add_option("--http-proto", f.http_proto, "http or https")->default_str("http");
  app.add_option("--http-path", f.http_path, "Path of the back-end")->default_str("/sip2-mediator");
  app.add_option("--max-clients", f.max_clients, "Terminals at once, 0: unlimited")
      ->default_str("120");
  app.add_option("--syslog-facility", f.syslog_facility, "LOCAL0 to LOCAL7, DAEMON, USER")
      ->default_str("LOCAL0");
  app.add_option("--syslog-level", f.syslog_level,
                 "LOG_DEBUG, LOG_INFO, LOG_NOTICE, LOG_WARNING or LOG_ERR")
      ->default_str("LOG_INFO");
  app.add_flag("--ascii", f.is_ascii, "Answers in ASCII, letters transliterated");
  app.add_flag("--daemonize", o.is_daemon, "Run in the background");
  app.add_option("--config", f.config_file, "Configuration file (TOML); flags win over it")
      ->check(CLI::ExistingFile);
  app.add_flag("--check", o.is_check,
               "Only check the configuration, log in to SIP2 servers that it names, then end");
  app.add_option("--log", o.log_to, "syslog or stderr (syslog; with --demo stderr)")
      ->check(CLI::IsMember({"syslog", "stderr"}));
  app.add_flag("--log-passwords", f.logs_passwords,
               "UNSAFE: let PINs and passwords into the log, while looking for a fault");
  app.add_option("--pid-file", o.pid_file,
                 "Write the process id there; refuses to start while another one runs with it");
  app.add_option("--admin-address", f.admin_address,
                 "Address:port for health, metrics and commands (file: [http] listen)");
  app.add_option("--admin-token", f.admin_token,
                 "Bearer token of the commands (better in SIP2_ADMIN_TOKEN, or the file's [http] "
                 "token: others can see the command line while the program starts)")
      ->envname("SIP2_ADMIN_TOKEN");
  app.add_flag(
      "--demo", o.is_demo,
      "Bring a demonstration library system along; it is asked unless a back-end is named");
  app.add_option("--demo-database", o.demo_database, "Its SQLite file (new each time without)");
  app.set_version_flag("--version", "sip2-mediator " TANDEM_VERSION);
  app.footer(
      "Signals: HUP reads the configuration and certificates again, USR1 finishes what is in\n"
      "progress and ends with status 0, TERM and INT do so within 5 seconds.\n\n"
      "Try it:    sip2-mediator --demo\n"
      "then       sip2-client --sip-username siplogin --sip-password sippassword \\\n"
      "             --institution DEMO --item-barcode 31000001 --patron-barcode 21000001 \\\n"
      "             --message checkout --pretty-print");
}

void print_demo_help(mediator& m) {
  const auto http = m.http_address();
  std::string where;
  if (const auto all = m.terminals().addresses(); !all.empty()) {
    const auto& at = all.front();
    auto ip = at.ip.to_string();
    if (at.ip.is_any()) ip = at.ip.is_v6() ? "::1" : "127.0.0.1"; // this machine is a part of all
    if (ip != "127.0.0.1") where = fmt::format("--sip-address {} ", ip);
    if (at.port != 6001) where += fmt::format("--sip-port {} ", at.port);
  }
  // The client lies beside the mediator, and is called as that was.
  const auto client =
      std::filesystem::path{program_invocation_name}.replace_filename("sip2-client").string();
  std::cerr << fmt::format(R"(
A demonstration library is open. Login siplogin / sippassword, institution DEMO,
patrons 21000001 (PIN 1234) to 21000005, items 31000001 to 31000010. In another window:

  {0} {1}--sip-username siplogin --sip-password sippassword --institution DEMO \
    --patron-barcode 21000001 --item-barcode 31000001 --message checkout --pretty-print
{2}
Ctrl-C ends it.

)",
                           client, where,
                           http ? fmt::format("\n  curl http://{}/metrics\n", http->to_string())
                                : std::string{});
}

/// As many descriptors as we may have: each terminal takes one.
void raise_descriptor_limit() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
}

/// What is in the files is right by now: looks at the SIP2 servers that they name.
int check(const mediator_config& config) {
  std::cout << "The configuration has no faults.\n";
  open_log({.to_stderr = true, .level = log_level::critical, .name = "sip2-mediator"});
  bool is_good = true;
  for (const auto& found : check_upstreams(config.backend)) {
    std::cout << found.server << '\n';
    for (const auto& line : found.lines) std::cout << "  " << line << '\n';
    is_good &= found.is_reached;
  }
  return is_good ? 0 : unreached;
}

/// Starts everything and serves until a signal ends it.
int serve(const program_options& o, mediator_config config) {
  std::optional<io::background> daemon;
  if (o.is_daemon) daemon.emplace();
  std::optional<io::pid_file> pid;
  if (!o.pid_file.empty()) pid.emplace(o.pid_file);
  open_log({.to_stderr = o.logs_to_stderr(),
            .level = config.level,
            .name = "SIP2Mediator",
            .facility = config.log_facility});
  const log_thread writer;
  io::shard loop;
  std::unique_ptr<demo_server> demo;
  auto fallback = default_backend();
  if (o.is_demo) {
    demo = std::make_unique<demo_server>(loop, o.demo_database);
    const auto at = demo->listen({ip_address::v4(127, 0, 0, 1), 0, 0});
    if (!at) return std::cerr << "demonstration library: " << at.error() << '\n', 1;
    fallback.port = at->port;
    log_notice("demonstration library at http://{}/sip2-mediator", at->to_string());
  }
  const auto complete = [fallback](mediator_config&& c) {
    if (c.backend.urls.empty()) c.backend.urls = {fallback};
    return std::move(c);
  };
  mediator m{loop, [&o, complete] { return load_config(o.flags).map(complete); },
             o.flags.config_file, [&loop] { loop.stop(); }};
  const io::signal_watch signals{loop, {SIGHUP, SIGUSR1, SIGTERM, SIGINT}, [&](int signal) {
                                   if (signal == SIGHUP) {
                                     m.reload();
                                   } else if (signal == SIGUSR1) {
                                     m.drain(m.drain_limit());
                                   } else if (m.terminals().is_draining()) {
                                     loop.stop(); // asked twice
                                   } else {
                                     m.drain(seconds{5});
                                   }
                                 }};
  if (const auto fault = m.start(complete(std::move(config))); !fault.empty()) {
    log_critical("cannot start: {}", fault);
    if (!o.logs_to_stderr()) std::cerr << "sip2-mediator: " << fault << '\n';
    return 1;
  }
  if (o.is_demo && !o.is_daemon) print_demo_help(m);
  if (daemon) {
    std::filesystem::current_path("/"); // no folder is kept from being unmounted
    daemon->ready();
  }
  io::give_back_startup_memory();
  loop.run();
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  program_options o;
  CLI::App app{"Mediates between self-check terminals that speak SIP2 and a library system that "
               "speaks JSON over HTTP.",
               "sip2-mediator"};
  add_options(app, o);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 1;
  }
  hide_arguments(argc, argv, {"--admin-token"});
  auto& file = o.flags.config_file; // the same one at a reload, wherever the process is by then
  if (!file.empty()) file = std::filesystem::absolute(file).string();
  auto config = load_config(o.flags);
  if (!config) {
    const bool is_list = config.error().find('\n') != std::string::npos;
    std::cerr << "sip2-mediator: " << (is_list ? "the configuration has these faults:\n" : "")
              << config.error() << '\n';
    return 1;
  }
  for (const auto& doubt : doubts_of(o.flags)) std::cerr << "sip2-mediator: " << doubt << '\n';
  if (o.is_check) return check(*config);
  raise_descriptor_limit();
  try {
    return serve(o, std::move(*config));
  } catch (const std::exception& e) {
    std::cerr << "sip2-mediator: " << e.what() << '\n';
    return 1;
  }
}
