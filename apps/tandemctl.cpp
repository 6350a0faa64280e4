// SPDX-License-Identifier: Apache-2.0
// tandemctl: asks a running tandemd. Reads the command line; the rest is ctl::run().
#include <tandem/control/rpc_client.hpp>
#include <tandem/ctl/control_call.hpp>
#include <tandem/names/search_list.hpp>

#include <CLI/CLI.hpp>

#include <csignal>
#include <fstream>
#include <iostream>
#include <unistd.h>

using namespace tandem;

namespace {

constexpr int wrong_usage = 1;

constexpr const char* manual = R"(
Commands are those of the server, by words or with dots; arguments go in their order or as NAME=VALUE:
  tandemctl help                     all commands
  tandemctl help ul list             the page of one: arguments, answer, who may
  tandemctl ul list                  who is registered where
  tandemctl ul list limit=10 --json
  tandemctl config reload
  tandemctl locate sip:alice@example.com   where a URI leads, question by question
  tandemctl watch -n 5 tm list       again every 5 s, until ^C (-c ROUNDS: so often)
  tandemctl completion bash          a script that completes all this: source <(tandemctl completion bash)

The unix socket is the usual way: root and the server's user may do everything there, the group of
control_group in the script what control_group_role says. --url asks another machine's HTTP port; the
token file holds one token, or lines of a role and a token as http_tokens has them (the last one is used).

Exit status: 0 done, 1 wrong usage or no such command, 2 nobody answers there, 3 not allowed,
4 no usable answer or none in time, 5 the command says no.
)";

/// The token in a file: its last word, so that a line of http_tokens does too.
std::string token_in(const std::string& file) {
  std::ifstream in{file};
  std::string token;
  for (std::string line; std::getline(in, line);) {
    if (const auto first = line.find_first_not_of(" \t\r");
        first == line.npos || line[first] == '#')
      continue;
    const auto last = line.find_last_not_of(" \t\r");
    const auto begin = line.find_last_of(" \t", last);
    token = line.substr(begin == line.npos ? 0 : begin + 1,
                        last - (begin == line.npos ? 0 : begin + 1) + 1);
  }
  return token;
}

} // namespace

int main(int argc, char** argv) {
  control::rpc_client_options to{.socket = "/run/tandem/tandemd.sock"};
  std::string token_file;
  bool is_json = false;
  CLI::App app{"Asks a running tandemd, and prints its answer.\n", "tandemctl"};
  app.set_version_flag("-V,--version", "tandemctl " TANDEM_VERSION);
  app.footer(manual);
  app.prefix_command(); // what follows a command is its own: `loglevel -1`
  app.add_option("-s,--socket", to.socket, "the server's unix socket (control_socket)")
      ->envname("TANDEM_SOCKET")
      ->capture_default_str();
  app.add_option("--url", to.url, "its HTTP port instead of the socket, as http://127.0.0.1:8060")
      ->envname("TANDEM_URL");
  app.add_option("--token-file", token_file, "file with the token for --url")
      ->envname("TANDEM_TOKEN_FILE")
      ->check(CLI::ExistingFile);
  app.add_option("--tls-ca", to.ca_file, "PEM file of whom to trust, for https");
  app.add_flag("--json", is_json, "print the answer as JSON; may also stand at the end");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : wrong_usage;
  }

  ctl::control_call call{.words = app.remaining(), .clears_screen = ::isatty(STDOUT_FILENO) == 1};
  if (!call.words.empty() && call.words.back() == "--json" && call.words.front() != "complete") {
    call.words.pop_back();
    is_json = true;
  }
  if (is_json) call.form = ctl::output_form::json;
  if (call.words.empty()) {
    std::cerr << app.help();
    return wrong_usage;
  }
  if (call.words.front().starts_with('-')) {
    std::cerr << "tandemctl: there is no option '" << call.words.front()
              << "'; tandemctl --help lists them\n";
    return wrong_usage;
  }
  if (!to.url.empty()) {
    to.socket.clear();
    to.search = names::search_list::read();
  }
  if (!token_file.empty()) to.token = secret{token_in(token_file)};
  auto server = control::rpc_client::make(to);
  if (!server) {
    std::cerr << "tandemctl: " << server.error().text << '\n';
    return control::exit_status_of(server.error().what);
  }
  ::signal(SIGPIPE, SIG_DFL); // `tandemctl ul list | head` ends quietly
  return ctl::run(
      [&](std::string_view command, boost::json::object arguments) {
        return server->ask(command, std::move(arguments));
      },
      call, std::cout, std::cerr);
}
