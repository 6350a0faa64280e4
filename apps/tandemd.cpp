// SPDX-License-Identifier: Apache-2.0
// tandemd: the SIP server. Reads the command line; the rest is server::serve().

#include <tandem/modules/all.hpp>
#include <tandem/server/privileges.hpp>
#include <tandem/server/server.hpp>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>

using namespace tandem;

namespace {

constexpr const char* examples = R"(
Examples:
  tandemd -f etc/tandem.cfg -l 127.0.0.1:5060     listen on the loopback, UDP and TCP
  tandemd -c -f etc/tandem.cfg                    only check the script
  tandemd -f my.cfg --trace calls.jsonl           write every message's summary, for call-flow pictures

Signals: TERM and INT end what is in progress and stop, a second one stops at once; HUP reads the
script again; USR1 writes the statistics. Where script and command line differ, the command line wins.)";

/// The script that was installed with this program, wherever the folder tree was put.
std::string default_script() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  const auto beside = program.parent_path().parent_path() / "etc/tandem/tandem.cfg";
  if (!error && std::filesystem::exists(beside, error)) return beside.string();
  return TANDEM_CONFIG_FOLDER "/tandem.cfg";
}

/// Prints what is wrong with the script, or with what the command line adds to it.
int check_script(const server::options& options) {
  const script::diagnostics found = server::check(options, modules::all());
  std::cout << found.to_string();
  if (found.has_errors()) return 1;
  std::cout << options.script << ": no errors\n";
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  server::options options;
  options.script = default_script();
  bool is_check = false;
  bool is_list_functions = false;
  bool is_markdown = false;
  bool is_list_parameters = false;
  bool is_foreground = false;
  bool is_background = false;
  bool is_stderr = false;
  std::optional<unsigned> ignored;

  CLI::App app{"A SIP registrar and proxy whose routing is a script in the SER language.\n",
               "tandemd"};
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast); // as the original
  app.set_version_flag("-V,--version", "tandemd " TANDEM_VERSION);
  app.footer(examples);
  app.add_option("-f,--config", options.script, "the routing script")->capture_default_str();
  app.add_flag("-c,--check", is_check,
               "only check the script: every fault with its line; exit 1 when there is one");
  auto* const list_functions = app.add_flag("--list-functions", is_list_functions,
                                            "print every function that a script can call");
  app.add_flag("--markdown", is_markdown,
               "with --list-functions: as a page, with variables and module parameters")
      ->needs(list_functions);
  app.add_flag("--list-parameters", is_list_parameters,
               "print every parameter of the core and of the modules");
  app.add_option("-l,--listen", options.listen,
                 "[udp:|tcp:]address[:port], an interface, or *; may be given again (instead of "
                 "the script's listen; without either 127.0.0.1)")
      ->take_all();
  app.add_option("-p,--port", options.port, "port of addresses that name none (5060)");
  app.add_option("--shards,-n", options.shards,
                 "event loops, each a thread (by default one a core, one on two cores)");
  app.add_flag("-T,--no-tcp", options.no_tcp, "UDP only");
  app.add_flag("-D,--foreground", is_foreground,
               "stay at the terminal, whatever the script says of fork");
  app.add_flag("--daemonize", is_background, "go into the background once the sockets are open")
      ->excludes("-D");
  app.add_flag("-E,--stderr", is_stderr, "log to standard error, not to syslog");
  app.add_flag("-d,--debug", options.verbose, "one log level more; may be given again");
  app.add_option("--trace", options.trace_file,
                 "append a JSON line for every message to this file");
  app.add_option("-P,--pid-file", options.pid_file, "write the process id there");
  app.add_option("-u,--user", options.user,
                 "switch to this user after opening the sockets; started by root "
                 "without it: tandem where there is one, else nobody");
  app.add_option("-g,--group", options.group, "become this group");
  app.add_option("-t,--chroot", options.root, "make this folder the root");
  app.add_option("-w,--workdir", options.work_folder, "change to this folder");
  const std::string original = "accepted for scripts of the original; no effect here";
  app.add_option("-N", ignored, "TCP workers: " + original);
  app.add_option("-m", ignored, "shared memory: " + original);
  app.add_option("-b", ignored, "receive buffer: " + original);
  CLI11_PARSE(app, argc, argv);
  if (is_foreground) options.daemonize = false;
  if (is_background) options.daemonize = true;
  if (is_stderr) options.log_to_stderr = true;

  try {
    if (is_list_functions) {
      const server::script_loader loader{modules::all()};
      std::cout << (is_markdown ? loader.names().functions_as_markdown()
                                : loader.names().list_functions());
      return 0;
    }
    if (is_list_parameters) {
      std::cout << server::script_loader{modules::all()}.names().list_parameters();
      return 0;
    }
    if (is_check) return check_script(options);
    return server::serve(options, modules::all());
  } catch (const std::exception& error) {
    std::cerr << "tandemd: " << error.what() << '\n';
    return 1;
  }
}
