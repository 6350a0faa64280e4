// SPDX-License-Identifier: Apache-2.0
// sip2-mediator: self-check terminals that speak SIP2 on one side, a library system that speaks
// JSON over HTTP on the other. The command line is that of the original SIP2Mediator, and more.
#include <tandem/base/hidden_arguments.hpp>
#include <tandem/base/log.hpp>
#include <tandem/io/signals.hpp>
#include <tandem/io/startup_memory.hpp>
#include <tandem/sip2/demo/server.hpp>
#include <tandem/sip2/mediator/mediator.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sys/resource.h>
#include <sys/wait.h>

namespace {

using namespace tandem;
using namespace tandem::sip2;

struct flags {
  std::string sip_address = "127.0.0.1";
  std::uint16_t sip_port = 6001;
  std::string http_host = "127.0.0.1";
  std::uint16_t http_port = 80;
  std::string http_proto = "http";
  std::string http_path = "/sip2-mediator";
  std::size_t max_clients = 120;
  std::string syslog_facility = "LOCAL0";
  std::string syslog_level = "LOG_INFO";
  bool is_ascii = false;
  bool is_daemon = false;
  bool is_check = false;
  bool is_demo = false;
  bool logs_passwords = false;
  std::string demo_database = ":memory:";
  std::string config_file, log_to, pid_file, admin_address, admin_token;

  [[nodiscard]] bool logs_to_stderr() const {
    return log_to.empty() ? is_demo && !is_daemon : log_to == "stderr";
  }
};

/// Which of the flags were given: they win over the file.
struct given {
  const CLI::App& app;
  bool operator()(const char* name) const { return app.count(name) > 0; }
};

bool names_backend(const given& is_given) {
  return is_given("--http-host") || is_given("--http-port") || is_given("--http-proto") ||
         is_given("--http-path");
}

void add_options(CLI::App& app, flags& f) {
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast); // as the original
  app.add_option("--sip-address", f.sip_address, "Address for terminals")->capture_default_str();
  app.add_option("--sip-port", f.sip_port, "Port for terminals")
      ->check(CLI::Range(1, 65535))
      ->capture_default_str();
  app.add_option("--http-host", f.http_host, "Host of the back-end")->capture_default_str();
  app.add_option("--http-port", f.http_port, "Its port (with https, too, 443 must be given)")
      ->check(CLI::Range(1, 65535))
      ->capture_default_str();
  app.add_option("--http-proto", f.http_proto, "http or https")->capture_default_str();
  app.add_option("--http-path", f.http_path, "Path of the back-end")->capture_default_str();
  app.add_option("--max-clients", f.max_clients, "Terminals at once, 0: unlimited")
      ->capture_default_str();
  app.add_option("--syslog-facility", f.syslog_facility, "LOCAL0 to LOCAL7, DAEMON, USER")
      ->capture_default_str();
  app.add_option("--syslog-level", f.syslog_level, "LOG_DEBUG, LOG_INFO, LOG_WARNING or LOG_ERR")
      ->capture_default_str();
  app.add_flag("--ascii", f.is_ascii, "Answers in ASCII, letters transliterated");
  app.add_flag("--daemonize", f.is_daemon, "Run in the background");
  app.add_option("--config", f.config_file, "Configuration file (TOML); flags win over it")
      ->check(CLI::ExistingFile);
  app.add_flag("--check", f.is_check, "Only check the configuration, then end");
  app.add_option("--log", f.log_to, "syslog or stderr (syslog; with --demo stderr)")
      ->check(CLI::IsMember({"syslog", "stderr"}));
  app.add_flag("--log-passwords", f.logs_passwords,
               "UNSAFE: let PINs and passwords into the log, while looking for a fault");
  app.add_option("--pid-file", f.pid_file, "Write the process id there");
  app.add_option("--admin-address", f.admin_address,
                 "Address:port for health, metrics and commands (file: [http] listen)");
  app.add_option("--admin-token", f.admin_token,
                 "Bearer token of the commands (better in SIP2_ADMIN_TOKEN, or the file's [http] "
                 "token: others can see the command line while the program starts)")
      ->envname("SIP2_ADMIN_TOKEN");
  app.add_flag(
      "--demo", f.is_demo,
      "Bring a demonstration library system along; it is asked unless a back-end is named");
  app.add_option("--demo-database", f.demo_database, "Its SQLite file (new each time without)");
  app.set_version_flag("--version", "sip2-mediator " TANDEM_VERSION);
  app.footer(
      "Signals: HUP reads the configuration and certificates again, USR1 finishes what is in\n"
      "progress and ends with status 0, TERM and INT do so within 5 seconds.\n\n"
      "Try it:    sip2-mediator --demo\n"
      "then       sip2-client --sip-username siplogin --sip-password sippassword \\\n"
      "             --institution DEMO --item-barcode 31000001 --patron-barcode 21000001 \\\n"
      "             --message checkout --pretty-print");
}

/// What the flags say that the file does not, or against it. Empty, or what is wrong.
std::string apply(const flags& f, const given& is_given, mediator_config& config) {
  if (config.listeners.empty() || is_given("--sip-address") || is_given("--sip-port")) {
    listener_options l;
    const auto ip = ip_address::parse(f.sip_address == "localhost" ? "127.0.0.1" : f.sip_address);
    if (!ip)
      return fmt::format("--sip-address: '{}' is not an IP address; give one of this machine, or "
                         "0.0.0.0 for all of them",
                         f.sip_address);
    l.address = {*ip, f.sip_port, 0};
    l.name = "sip";
    config.listeners = {l};
  }
  if (config.backend.urls.empty() || names_backend(is_given)) {
    const auto literal = ip_address::parse(f.http_host);
    const bool is_v6 = literal && literal->is_v6();
    if (!is_v6 && f.http_host.find_first_of(":/") != std::string::npos)
      return fmt::format(
          "--http-host: '{}' is not a host name; give the name alone, https by --http-proto "
          "https, the rest by --http-port and --http-path",
          f.http_host);
    const auto scheme = f.http_proto == "http" ? "http" : "https"; // as the original has it
    const auto host = is_v6 ? '[' + f.http_host + ']' : f.http_host;
    const auto text = fmt::format("{}://{}:{}{}{}", scheme, host, f.http_port,
                                  f.http_path.starts_with('/') ? "" : "/", f.http_path);
    const auto url = http::url::parse(text);
    if (!url) return fmt::format("--http-host, --http-port, --http-path: '{}' is not a URL", text);
    config.backend.urls = {*url};
  }
  if (is_given("--max-clients")) config.server.max_clients = f.max_clients;
  if (is_given("--syslog-facility") || f.config_file.empty()) {
    if (!is_log_facility(f.syslog_facility))
      return fmt::format(
          "--syslog-facility: must be one of LOCAL0 to LOCAL7, DAEMON, USER; '{}' is not",
          f.syslog_facility);
    config.log_facility = f.syslog_facility;
  }
  if (is_given("--syslog-level") || f.config_file.empty())
    config.level = find_log_level(f.syslog_level).value_or(log_level::info);
  if (f.logs_passwords) config.server.privacy = log_privacy::unsafe;
  if (f.is_ascii)
    for (auto& [name, p] : config.rules->profiles) {
      auto changed = *p;
      changed.wire.text = charset::ascii;
      p = std::make_shared<const profile>(std::move(changed));
    }
  if (!f.admin_address.empty()) {
    config.http.address = socket_address::parse(f.admin_address, 6080);
    if (!config.http.address)
      return fmt::format("--admin-address: '{}' is not of the form address:port", f.admin_address);
  }
  if (!f.admin_token.empty()) config.http.token = secret{f.admin_token};
  return {};
}

/// \param demo where the demonstration library listens, if there is one: it is asked when neither
/// the file nor the flags name a back-end.
result<mediator_config, std::string> load(const flags& f, const given& is_given,
                                          const std::optional<socket_address>& demo = {}) {
  mediator_config config;
  auto file = f.config_file.empty() ? config_document::parse("", "no file")
                                    : config_document::read(f.config_file);
  read_mediator_config(file, config);
  if (!file.finish()) return fail(file.explain());
  if (demo && config.backend.urls.empty() && !names_backend(is_given))
    config.backend.urls = {*http::url::parse("http://" + demo->to_string() + "/sip2-mediator")};
  if (auto fault = apply(f, is_given, config); !fault.empty()) return fail(std::move(fault));
  return config;
}

/// What is taken as the original took it, though it was hardly meant.
std::vector<std::string> doubts_of(const flags& f, const given& is_given) {
  std::vector<std::string> all;
  if (is_given("--syslog-level") && !find_log_level(f.syslog_level))
    all.push_back(
        fmt::format("--syslog-level: '{}' is not one of LOG_DEBUG, LOG_INFO, LOG_WARNING, "
                    "LOG_ERR; LOG_INFO is used",
                    f.syslog_level));
  if (is_given("--http-proto") && f.http_proto != "http" && f.http_proto != "https")
    all.push_back(fmt::format("--http-proto: '{}' is taken for https", f.http_proto));
  return all;
}

/// Leaves the terminal. The parent stays until the child works, so that its status tells; the
/// pipe's end is returned in the child.
int daemonize() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return -1;
  const auto child = ::fork();
  if (child < 0) return -1;
  if (child > 0) {
    ::close(ends[1]);
    char ready = 0;
    if (::read(ends[0], &ready, 1) == 1) ::_exit(0);
    int status = 0;
    ::waitpid(child, &status, 0);
    ::_exit(WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : 1);
  }
  ::close(ends[0]);
  ::setsid();
  if (::chdir("/") != 0) return -1;
  return ends[1];
}

void tell_parent(int pipe_end) {
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int fd : {0, 1, 2}) ::dup2(nothing, fd);
  ::close(nothing);
  const char ready = 1;
  if (::write(pipe_end, &ready, 1) != 1) log_warning("the parent process has gone");
  ::close(pipe_end);
}

void print_demo_help(mediator& m) {
  const auto http = m.http_address();
  std::string port;
  if (const auto at = m.terminals().addresses(); !at.empty() && at.front().port != 6001)
    port = fmt::format("--sip-port {} ", at.front().port);
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
                           client, port,
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

/// Starts everything and serves until a signal ends it.
int serve(const flags& f, const given& is_given, int parent) {
  io::shard home;
  std::unique_ptr<demo_server> demo;
  std::optional<socket_address> demo_at;
  if (f.is_demo) {
    demo = std::make_unique<demo_server>(home, f.demo_database);
    const auto at = demo->listen({ip_address::v4(127, 0, 0, 1), 0, 0});
    if (!at) return std::cerr << "demonstration library: " << at.error() << '\n', 1;
    demo_at = *at;
    log_notice("demonstration library at http://{}/sip2-mediator", at->to_string());
  }
  mediator m{home, [&f, &is_given, demo_at] { return load(f, is_given, demo_at); }, f.config_file,
             [&home] { home.stop(); }};
  const io::signal_watch signals{home, {SIGHUP, SIGUSR1, SIGTERM, SIGINT}, [&](int signal) {
                                   if (signal == SIGHUP) {
                                     m.reload();
                                   } else if (signal == SIGUSR1) {
                                     m.drain(m.drain_limit());
                                   } else if (m.terminals().is_draining()) {
                                     home.stop(); // asked twice
                                   } else {
                                     m.drain(seconds{5});
                                   }
                                 }};
  if (const auto fault = m.start(); !fault.empty()) {
    log_critical("cannot start: {}", fault);
    if (!f.logs_to_stderr()) std::cerr << "sip2-mediator: " << fault << '\n';
    return 1;
  }
  if (!f.pid_file.empty()) std::ofstream{f.pid_file} << ::getpid() << '\n';
  if (parent >= 0) tell_parent(parent);
  if (f.is_demo && parent < 0) print_demo_help(m);
  io::give_back_startup_memory();
  home.run();
  if (!f.pid_file.empty()) ::unlink(f.pid_file.c_str());
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  flags f;
  CLI::App app{"Mediates between self-check terminals that speak SIP2 and a library system that "
               "speaks JSON over HTTP.",
               "sip2-mediator"};
  add_options(app, f);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 1;
  }
  hide_arguments(argc, argv, {"--admin-token"});
  if (!f.config_file.empty()) // --daemonize changes to /
    if (char* whole = ::realpath(f.config_file.c_str(), nullptr)) {
      f.config_file = whole;
      std::free(whole);
    }
  const given is_given{app};
  const auto config = load(f, is_given);
  if (!config) {
    const bool is_list = config.error().find('\n') != std::string::npos;
    std::cerr << "sip2-mediator: " << (is_list ? "the configuration has these faults:\n" : "")
              << config.error() << '\n';
    return 1;
  }
  for (const auto& doubt : doubts_of(f, is_given)) std::cerr << "sip2-mediator: " << doubt << '\n';
  if (f.is_check) return std::cout << "The configuration is right.\n", 0;

  const int parent = f.is_daemon ? daemonize() : -1;
  if (f.is_daemon && parent < 0)
    return std::cerr << "sip2-mediator: cannot run in the background: " << std::strerror(errno)
                     << '\n',
           1;
  auto facility = config->log_facility;
  for (char& c : facility) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  open_log({.to_stderr = f.logs_to_stderr(),
            .level = config->level,
            .name = "SIP2Mediator",
            .facility = facility});
  raise_descriptor_limit();
  const log_thread writer;
  try {
    return serve(f, is_given, parent);
  } catch (const std::exception& e) {
    std::cerr << "sip2-mediator: " << e.what() << '\n';
    return 1;
  }
}
