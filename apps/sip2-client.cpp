// SPDX-License-Identifier: Apache-2.0
// sip2-client: a self-check terminal on the command line. Sends messages, shows the answers,
// measures; `sip2-client admin` speaks to a running mediator.
#include <tandem/base/hidden_arguments.hpp>
#include <tandem/sip2/client/admin_client.hpp>
#include <tandem/sip2/client/conformance.hpp>
#include <tandem/sip2/client/printer.hpp>
#include <tandem/sip2/client/shell.hpp>
#include <tandem/sip2/protocol/charset.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iostream>
#include <sstream>

namespace {

using namespace tandem;
using namespace tandem::sip2;

constexpr int usage_error = 1;

struct output_options {
  bool json = false, pretty = false, summarize = false, silent = false, raw = false;
  bool latency = false;
  bool strict = false;
  bool interactive = false;
  bool self_test = false;
  std::string conformance; ///< HOST:PORT of a server to report about
  bool allows_changes = false;
  std::string replay; ///< file of a conversation

  /// Of several forms the tersest.
  [[nodiscard]] print_form form() const {
    if (silent) return print_form::silent;
    if (json) return print_form::json;
    if (raw) return print_form::raw;
    if (summarize) return print_form::summary;
    return pretty ? print_form::pretty : print_form::plain;
  }
};

constexpr const char* exit_status_help = R"(
Exit status: 0 done, 1 wrong usage, 2 cannot connect, 3 login refused, 4 no or no usable
answer, 5 an answer said no (with --strict).

sip2-client admin --help tells how to look into a running mediator.
)";

std::vector<recorded> read_file(const std::string& file, const wire_format& format) {
  std::ifstream in{file, std::ios::binary};
  std::ostringstream text;
  text << in.rdbuf();
  return read_recording(std::move(text).str(), format);
}

void add_options(CLI::App& app, scenario& s, output_options& o, bool& uses_errors) {
  app.add_option("--sip-username", s.user, "Login name of the terminal (required)");
  app.add_option("--sip-password", s.password, "Its password (required)");
  app.add_option("--institution", s.basics.institution, "Institution id, AO (required)");
  app.add_option("--sip-address", s.server.host, "Host of the SIP2 server")->capture_default_str();
  app.add_option("--sip-port", s.server.port, "Its port")->capture_default_str();
  app.add_option("--location-code", s.login_location, "Location code of the login, CP");
  app.add_option("--message", s.messages, "Message to send; may be given several times")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--replay", o.replay,
                 "File of a conversation to hold again: from --raw, an admin trace, or a log")
      ->check(CLI::ExistingFile);
  app.add_flag("--self-test", o.self_test,
               "Try whether the server keeps to the protocol; asks only what changes nothing");
  app.add_option("--conformance", o.conformance,
                 "HOST:PORT: report how a SIP2 server keeps to the protocol, with --json as JSON; "
                 "changes nothing. A login is optional");
  app.add_flag("--allow-changes", o.allows_changes,
               "--conformance lends the item to the patron, too, renews it, and takes it back");
  const auto group = [&app](const char* name) { return app.add_option_group(name); };

  auto* what = group("What is asked");
  what->add_option("--item-barcode", s.basics.item, "AB");
  what->add_option("--patron-barcode", s.basics.patron, "AA");
  what->add_option("--patron-password", s.basics.patron_password, "PIN, AD");
  what->add_option("--terminal-password", s.basics.terminal_password, "AC");
  what->add_option("--patron-summary", s.summary, "Ten characters, at most one Y");
  what->add_option("--start-item", s.start_item, "First of the list's items that is wanted, BP");
  what->add_option("--end-item", s.end_item, "The last one, BQ");
  what->add_option("--current-location", s.current_location, "Where an item is taken back, AP");
  what->add_option("--pickup-location", s.pickup_location, "Where a held item is fetched, BS");
  what->add_option("--item-properties", s.properties, "CH of an item status update");
  what->add_option("--block-text", s.block_text, "AL of a blocked card");
  what->add_flag("--with-cancel", s.with_cancel, "BI Y in a checkin");
  what->add_flag("--fee-acknowledged", s.acknowledges_fee, "BO Y: the patron accepts the fee");
  what->add_option("--fee-identifier", s.pays.fee_identifier, "CG");
  what->add_option("--fee-amount", s.pays.amount, "BV");
  what->add_option("--fee-type", s.pays.fee_type, "Two digits")->capture_default_str();
  what->add_option("--payment-type", s.pays.payment_type, "Two digits")->capture_default_str();
  what->add_option("--currency-type", s.pays.currency, "Three letters")->capture_default_str();

  auto* how = group("How");
  how->add_option("--repeat", s.repeat, "How often the list of messages is sent")
      ->capture_default_str();
  how->add_option_function<double>(
      "--sleep",
      [&s](double seconds) {
        s.pause = std::chrono::duration_cast<duration>(std::chrono::duration<double>(seconds));
      },
      "Seconds to wait after each message; 0.005 is 5 ms");
  how->add_option("--parallel", s.parallel, "Terminals that do this at the same time")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  how->add_option_function<double>(
      "--timeout",
      [&s](double seconds) {
        s.server.answer_limit =
            std::chrono::duration_cast<duration>(std::chrono::duration<double>(seconds));
        s.server.connect_limit = std::min(s.server.connect_limit, s.server.answer_limit);
      },
      "Seconds to wait for an answer (30)");
  how->add_flag("--error-detection", uses_errors, "Use sequence numbers and checksums (AY, AZ)");
  how->add_option("--retries", s.server.retries, "How often a message is sent again");
  how->add_option_function<std::string>(
      "--charset",
      [&s](const std::string& name) {
        const auto set = find_charset(name);
        if (!set)
          throw CLI::ValidationError{"--charset", "'" + name +
                                                      "' is not one of ascii, "
                                                      "iso-8859-1, cp850, cp1252, utf-8"};
        s.server.wire.text = *set;
      },
      "Character set of the wire (utf-8)");

  auto* tls = group("TLS");
  tls->add_flag("--tls", s.server.has_tls, "Connect with TLS");
  tls->add_option("--tls-ca", s.server.ca_file, "PEM file of whom to trust");
  tls->add_option("--tls-cert", s.server.certificate_file, "PEM file of our certificate");
  tls->add_option("--tls-key", s.server.key_file, "PEM file of its key");
  tls->add_option("--tls-name", s.server.server_name, "Name that the server must prove");

  auto* shown = group("Output");
  shown->add_flag("--pretty-print", o.pretty, "A line for each field, with its name");
  shown->add_flag("--summarize", o.summarize, "Only + for what is sent and - for what is received");
  shown->add_flag("--silent,--quiet", o.silent, "Nothing but faults");
  shown->add_flag("--json", o.json, "A JSON object for each exchange");
  shown->add_flag("--raw,--print-raw-messages", o.raw, "Only the lines, > sent and < received");
  shown->add_flag("--latency", o.latency, "Rate and percentiles at the end");
  shown->add_flag("--strict", o.strict, "Exit status 5 when an answer says no");
  shown->add_flag("--interactive", o.interactive, "Read messages from standard input");
}

int report_conformance(scenario& s, const output_options& o) {
  // An IPv6 address with a port is in brackets.
  const auto colon = o.conformance.rfind(':');
  std::uint16_t port = 0;
  const auto digits =
      std::string_view{o.conformance}.substr(colon == std::string::npos ? 0 : colon + 1);
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (colon == std::string::npos || colon == 0 || read.ec != std::errc{} || port == 0 ||
      read.ptr != digits.data() + digits.size()) {
    std::cerr << "--conformance: '" << o.conformance << "' is not HOST:PORT\n";
    return usage_error;
  }
  s.server.port = port;
  s.server.host = o.conformance.substr(0, colon);
  if (s.server.host.starts_with('[') && s.server.host.ends_with(']'))
    s.server.host = s.server.host.substr(1, s.server.host.size() - 2);
  const auto report =
      run_conformance(s, o.allows_changes ? test_changes::allowed : test_changes::none);
  print_conformance(report, o.json, std::cout);
  return static_cast<int>(report.is_good() ? run_end::done : run_end::answered_no);
}

int run_admin(int argc, char** argv) {
  admin_call call;
  std::string token;
  CLI::App app{"Looks into a running mediator over its HTTP port.", "sip2-client admin"};
  app.footer("Commands:\n"
             "  list            the terminals that are connected\n"
             "  trace ID        what a terminal sends and gets, as it happens (without passwords)\n"
             "  kick ID         close its connection\n"
             "  status          numbers of the mediator\n"
             "  reload          read the configuration again\n"
             "  drain           finish what is in progress, then end\n"
             "  help [METHOD]   what else the registry knows\n"
             "  METHOD          any of those; arguments in their order, or as NAME=VALUE\n");
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast); // as without admin
  app.add_option("--url", call.url, "The mediator's HTTP port")->capture_default_str();
  app.add_option("--token", token, "Bearer token of its admin commands")
      ->envname("SIP2_ADMIN_TOKEN");
  app.add_option("--tls-ca", call.ca_file, "PEM file of whom to trust, for https");
  app.add_flag("--json", call.is_json, "Print the result as JSON");
  app.add_option("command", call.command, "What to do")->required();
  app.add_option("arguments", call.arguments, "ID of a terminal, or NAME=VALUE")->take_all();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : usage_error;
  }
  hide_arguments(argc, argv, {"--token"});
  call.token = secret{token};
  return run_admin_call(call, std::cout, std::cerr);
}

} // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view{argv[1]} == "admin") return run_admin(argc - 1, argv + 1);

  scenario s;
  output_options o;
  bool uses_errors = false;
  CLI::App app{"A SIP2 self-check terminal on the command line: logs in, sends messages, shows the "
               "answers.",
               "sip2-client"};
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast); // as the original
  app.footer(messages_help() + exit_status_help);
  app.set_version_flag("--version", "sip2-client " TANDEM_VERSION);
  add_options(app, s, o, uses_errors);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : usage_error;
  }
  hide_arguments(argc, argv, {"--sip-password", "--patron-password", "--terminal-password"});
  s.server.detects_errors = uses_errors;
  if (uses_errors && s.server.retries == 0) s.server.retries = 3;
  if (o.interactive) s.messages.clear(); // they are typed
  if (!o.conformance.empty()) return report_conformance(s, o);
  if (const auto missing = find_missing(s); !missing.empty()) {
    std::cerr << app.help() << '\n' << missing << '\n';
    return usage_error;
  }
  if (!o.replay.empty()) {
    s.recording = read_file(o.replay, s.server.wire);
    if (s.recording.empty()) {
      std::cerr << o.replay
                << " holds no message of a terminal but logins; record some with --raw\n";
      return usage_error;
    }
  }
  if (o.self_test) {
    const auto checks = run_self_test(s);
    print_self_test(checks, std::cout);
    const bool is_good = std::ranges::none_of(
        checks, [](const auto& c) { return c.how == self_check::outcome::bad; });
    return static_cast<int>(is_good ? run_end::done : run_end::answered_no);
  }
  printer print{o.form(), std::cout, std::cerr};
  if (o.interactive) return static_cast<int>(run_shell(s, print, std::cin, std::cout, std::cerr));
  auto result = run(s, print.events());
  print.finished(result, s.recording.size() * s.repeat * s.parallel);
  if (o.latency) print.latency(result);
  if (!result.text.empty() && (result.end != run_end::answered_no || o.strict))
    std::cerr << result.text << '\n';
  if (result.end == run_end::answered_no && !o.strict) return 0;
  return static_cast<int>(result.end);
}
