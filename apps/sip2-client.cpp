// SPDX-License-Identifier: Apache-2.0
// sip2-client: a self-check terminal on the command line. Sends messages, shows the answers,
// measures; `sip2-client admin` speaks to a running mediator.
#include <tandem/base/hidden_arguments.hpp>
#include <tandem/base/text.hpp>
#include <tandem/sip2/client/admin_client.hpp>
#include <tandem/sip2/client/conformance.hpp>
#include <tandem/sip2/client/scenario.hpp>
#include <tandem/sip2/protocol/charset.hpp>
#include <tandem/sip2/protocol/json.hpp>
#include <tandem/sip2/protocol/pretty.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
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
  std::string replay; ///< file of a conversation
};

double in_seconds(duration d) { return std::chrono::duration<double>(d).count(); }
double in_milliseconds(duration d) { return in_seconds(d) * 1000; }

std::string message_help() {
  std::string text = "Messages:\n";
  for (const auto& m : named_messages()) text += fmt::format("  {:<20}{}\n", m.name, m.help);
  text += "  raw:LINE            LINE as it is, for instance raw:9909992.00\n\n";
  text +=
      "Exit status: 0 done, 1 wrong usage, 2 cannot connect, 3 login refused, 4 no or no usable\n"
      "answer, 5 an answer said no (with --strict).\n\n"
      "sip2-client admin --help tells how to look into a running mediator.\n";
  return text;
}

/// Prints what is sent and received, each in the chosen form.
class printer {
 public:
  explicit printer(const output_options& o) : o_{o} {}

  [[nodiscard]] run_events events() {
    return {[this](const message& m, std::string_view line) { sent(m, line); },
            [this](const exchange& e) { received(e); }};
  }

  void sent(const message& m, std::string_view line) {
    if (o_.silent || o_.json || o_.raw) return;
    if (o_.summarize)
      std::cout << '+' << std::flush;
    else if (o_.pretty && m.spec())
      std::cout << "[SENDING]\n" << to_pretty(m) << rule << '\n';
    else
      std::cout << "[SENDING]\n" << line << '\n' << rule << '\n';
  }

  void received(const exchange& e) {
    if (o_.silent) return;
    if (o_.json)
      std::cout << fmt::format(R"({{"sent":{},"received":{},"duration":{:.6f},"ok":{}}})",
                               to_json(e.question), to_json(e.answer), in_seconds(e.took), e.is_ok)
                << std::endl;
    else if (o_.raw)
      std::cout << "> " << e.sent << "\n< " << e.received << std::endl;
    else if (o_.summarize)
      std::cout << '-' << std::flush;
    else
      std::cout << fmt::format("[RECEIVED, duration: {:.3f}]:\n", in_seconds(e.took))
                << (o_.pretty && e.answer.spec() ? to_pretty(e.answer) : e.received + '\n') << rule
                << std::endl;
    for (const auto& d : e.differences)
      std::cerr << e.answer.code.text() << " differs: " << d << '\n';
  }

  void finish(run_result& r, std::size_t replayed) {
    if (replayed > 0)
      std::cerr << fmt::format("{} messages asked again, {} answered otherwise\n", replayed,
                               r.different);
    if (o_.json || o_.raw) return print_latency(r, std::cerr);
    if (!o_.silent || o_.latency)
      std::cout << fmt::format("\nRun time: {:.3f}\n", in_seconds(r.whole));
    print_latency(r, std::cout);
  }

 private:
  void print_latency(run_result& r, std::ostream& out) const {
    if (!o_.latency) return;
    out << fmt::format(
        "{} answers, {:.1f}/s; ms: p50 {:.2f}  p90 {:.2f}  p99 {:.2f}  max {:.2f}\n",
        r.times.size(), static_cast<double>(r.times.size()) / in_seconds(r.whole),
        in_milliseconds(percentile(r.times, 0.5)), in_milliseconds(percentile(r.times, 0.9)),
        in_milliseconds(percentile(r.times, 0.99)), in_milliseconds(percentile(r.times, 1)));
  }

  static constexpr const char* rule = "----------------";
  const output_options& o_;
};

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

/// The first thing that is missing, in the original's words; empty when all is there.
std::string find_missing(const scenario& s, const output_options& o) {
  if (s.user.empty()) return "! --sip-username required !";
  if (s.password.empty()) return "! --sip-password required !";
  if (s.basics.institution.empty()) return "! --institution required !";
  if (s.summary.size() != 10) return "! --patron-summary must have exactly 10 characters !";
  for (const auto& name : s.messages) {
    if (name.starts_with("raw:") && name.size() > 4) continue;
    const auto* known = find_named_message(name);
    if (!known) {
      std::vector<std::string_view> names;
      for (const auto& m : named_messages()) names.push_back(m.name);
      const auto near = nearest_name(name, names);
      return fmt::format("! unknown message '{}'{} !", name,
                         near.empty() ? "" : fmt::format("; did you mean {}?", near));
    }
    if (known->needs_item && s.basics.item.empty() && !o.interactive)
      return fmt::format("! --item-barcode required for {} !", name);
    if (known->needs_patron && s.basics.patron.empty() && !o.interactive)
      return fmt::format("! --patron-barcode required for {} !", name);
  }
  return {};
}

/// One line of the interactive mode: a message and values, or a setting.
class shell {
 public:
  shell(scenario s, const output_options& o) : s_{std::move(s)}, print_{o} {}

  int run_all() {
    auto connected = client::connect(s_.server);
    if (!connected) return fault(connected.error().text, run_end::cannot_connect);
    client c = std::move(*connected);
    const auto accepted = c.login(s_.user, s_.password, s_.login_location);
    if (!accepted) return fault(accepted.error().text, run_end::no_answer);
    if (!*accepted) return fault("*SIP login failed*", run_end::login_refused);
    std::cout << "Logged in. A message's name sends it, `help` lists them, `quit` ends.\n";
    for (std::string line; std::cout << "sip2> " << std::flush, std::getline(std::cin, line);) {
      std::istringstream words{line};
      std::string name;
      if (!(words >> name)) continue;
      if (name == "quit" || name == "exit") break;
      if (!set_values(words)) continue;
      if (name == "help")
        help();
      else if (name != "set" && !send(c, name, line))
        return static_cast<int>(run_end::no_answer);
    }
    return 0;
  }

 private:
  static int fault(const std::string& text, run_end end) {
    std::cerr << text << '\n';
    return static_cast<int>(end);
  }

  static void help() {
    std::cout << message_help()
              << "Values stay until they change: item=..., patron=..., pin=..., location=...,\n"
                 "pickup=..., amount=..., summary=... after a message or after `set`.\n";
  }

  bool set_values(std::istringstream& words) {
    for (std::string word; words >> word;) {
      const auto equals = word.find('=');
      if (equals == std::string::npos) continue; // the rest of a raw line
      const auto key = word.substr(0, equals), value = word.substr(equals + 1);
      if (key == "item")
        s_.basics.item = value;
      else if (key == "patron")
        s_.basics.patron = value;
      else if (key == "pin")
        s_.basics.patron_password = value;
      else if (key == "location")
        s_.current_location = value;
      else if (key == "pickup")
        s_.pickup_location = value;
      else if (key == "amount")
        s_.pays.amount = value;
      else if (key == "summary")
        (s_.summary = value).resize(10, ' ');
      else
        return std::cout << "There is no value '" << key << "'; see help.\n", false;
    }
    return true;
  }

  bool send(client& c, const std::string& name, const std::string& line) {
    const bool is_raw = name == "raw" || name.starts_with("raw:");
    const auto raw = is_raw && line.size() > 4 ? line.substr(line.find("raw") + 4) : std::string{};
    const auto question = is_raw ? std::optional{message{}} : make_named(name, s_);
    if (!question || (is_raw && raw.empty())) {
      std::cout << "There is no message '" << name << "'; see help.\n";
      return true;
    }
    const auto begin = now();
    auto answer = is_raw ? c.ask_raw(raw) : c.ask(*question);
    if (!answer) return std::cerr << answer.error().text << '\n', false;
    exchange e;
    e.took = now() - begin;
    e.sent = c.sent();
    e.received = c.received();
    e.question = *question;
    e.answer = std::move(*answer);
    e.is_ok = says_ok(e.answer);
    print_.received(e);
    return true;
  }

  scenario s_;
  printer print_;
};

/// A line for each thing that was tried; the exit status.
int self_test(const scenario& s) {
  std::size_t bad = 0;
  const auto checks = run_self_test(s);
  for (const auto& c : checks) {
    const bool is_good = c.how == self_check::outcome::good;
    const bool is_bad = c.how == self_check::outcome::bad;
    bad += is_bad ? 1U : 0U;
    std::cout << fmt::format("{:<5}{}{}{}\n",
                             is_good  ? "ok"
                             : is_bad ? "BAD"
                                      : "-",
                             c.name, is_good ? "" : ": ", c.why);
  }
  std::cout << fmt::format("{} tried, {} bad\n", checks.size(), bad);
  return bad == 0 ? 0 : static_cast<int>(run_end::answered_no);
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
  app.add_option("--url", call.url, "The mediator's HTTP port")->capture_default_str();
  app.add_option("--token", token, "Bearer token of its admin commands")
      ->envname("SIP2_ADMIN_TOKEN");
  app.add_option("--tls-ca", call.ca_file, "PEM file of whom to trust, for https");
  app.add_flag("--json", call.is_json, "Print the result as JSON");
  app.add_option("command", call.command, "What to do")->required();
  app.add_option("arguments", call.arguments, "ID of a terminal, or NAME=VALUE");
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
  app.footer(message_help());
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
  if (const auto missing = find_missing(s, o); !missing.empty()) {
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
  if (o.self_test) return self_test(s);
  if (o.interactive) return shell{std::move(s), o}.run_all();

  printer print{o};
  auto result = run(s, print.events());
  print.finish(result, s.recording.size() * s.repeat * s.parallel);
  if (!result.text.empty() && (result.end != run_end::answered_no || o.strict))
    std::cerr << result.text << '\n';
  if (result.end == run_end::answered_no && !o.strict) return 0;
  return static_cast<int>(result.end);
}
