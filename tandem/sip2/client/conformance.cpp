// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/client/conformance.hpp>

#include <tandem/base/json_text.hpp>
#include <tandem/base/text.hpp>
#include <tandem/sip2/client/printer.hpp>
#include <tandem/sip2/protocol/checksum.hpp>
#include <tandem/sip2/protocol/form_faults.hpp>
#include <tandem/sip2/protocol/writer.hpp>

#include <algorithm>
#include <ostream>

#include <fmt/format.h>

namespace tandem::sip2 {
namespace {

std::string join(const std::vector<std::string>& faults) {
  std::string out;
  for (const auto& f : faults) out += (out.empty() ? "" : "; ") + f;
  return out;
}

class tester {
 public:
  explicit tester(const scenario& s) : s_{s} {}

  std::vector<self_check> run() {
    plain_ = connect("connect and log in", s_.server);
    if (!plain_) return std::move(all_);
    const auto status = ask("SC status (99)", make_sc_status());
    if (status) check_status(*status);
    check_repetition();
    check_unknown_code();
    check_pipeline();
    const auto& b = s_.basics;
    ask_if(!b.patron.empty(), "patron status (23)", make_patron_status(b));
    ask_if(!b.patron.empty(), "patron information (63)", make_patron_information(b));
    ask_if(!b.item.empty(), "item information (17)", make_item_information(b));
    check_error_detection();
    return std::move(all_);
  }

 private:
  void note(std::string name, std::string fault) {
    const auto how = fault.empty() ? self_check::outcome::good : self_check::outcome::bad;
    all_.push_back({std::move(name), how, std::move(fault)});
  }

  std::optional<client> connect(const std::string& name, const client_options& options) {
    auto c = client::connect(options);
    if (!c) return note(name, c.error().text), std::nullopt;
    const auto accepted = log_in(*c);
    if (!accepted) return note(name, accepted.error().text), std::nullopt;
    if (!*accepted) return note(name, "the login is refused"), std::nullopt;
    note(name, {});
    return std::move(*c);
  }

  /// Who has no login to try does without.
  result<bool, client_error> log_in(client& c) const {
    if (s_.user.empty()) return true;
    return c.login(s_.user, s_.password, s_.login_location);
  }

  std::optional<message> ask(const std::string& name, const message& question) {
    const auto answer = plain_->ask(question);
    if (!answer) return note(name, answer.error().text), std::nullopt;
    note(name, join(find_form_faults(*answer, plain_->received())));
    return *answer;
  }

  void ask_if(bool is_named, const std::string& name, const message& question) {
    if (is_named)
      ask(name, question);
    else
      all_.push_back({name, self_check::outcome::skipped, "give --patron-barcode, --item-barcode"});
  }

  void check_status(const message& status) {
    const auto supported = status.value(field_id{"BX"});
    const bool is_whole =
        supported.size() == 16 && supported.find_first_not_of("YN") == std::string_view::npos;
    note("supported messages (BX)",
         is_whole ? "" : fmt::format("'{}' is not 16 times Y or N", supported));
    note("on-line status", status.fixed_at(0) == "Y" ? "" : "the server says that it is off-line");
  }

  void check_repetition() {
    const std::string before = plain_->received();
    const auto answer = plain_->ask(make_resend_request());
    note("a 97 repeats the last answer", !answer ? answer.error().text
                                         : plain_->received() == before
                                             ? ""
                                             : "another answer: " + plain_->received());
  }

  /// A connection of its own, for what may leave answers behind; none: it has been noted.
  std::optional<client> connect_for(const std::string& name) {
    auto c = client::connect(s_.server);
    const auto accepted = c ? log_in(*c) : false;
    if (accepted && *accepted) return std::move(*c);
    return note(name, "a second terminal cannot log in"), std::nullopt;
  }

  void check_unknown_code() {
    const std::string name = "an unknown code is ignored";
    auto c = connect_for(name);
    if (!c) return;
    const auto answer = c->ask_raw("77unknown|\r" + line_of(make_sc_status()));
    note(name, !answer                            ? answer.error().text
               : answer->code == code::acs_status ? ""
                                                  : "it is answered with " + c->received());
  }

  void check_pipeline() {
    const std::string name = "two messages at once are both answered";
    if (s_.user.empty())
      return all_.push_back({name, self_check::outcome::skipped, "give --sip-username"});
    auto c = connect_for(name);
    if (!c) return;
    const auto status = line_of(make_sc_status());
    // The second one is a question of another kind. Its answer is what comes next, or what a 97
    // repeats; of a server that dropped it a 97 repeats the first answer.
    const auto login = line_of(make_login(s_.user, s_.password, s_.login_location));
    const auto first = c->ask_raw(status + '\r' + login);
    const auto second = first ? c->ask_raw(line_of(make_resend_request())) : first;
    note(name, !second                                ? second.error().text
               : second->code == code::login_response ? ""
                                                      : "the second one is not answered");
  }

  void check_error_detection() {
    auto options = s_.server;
    options.detects_errors = true;
    options.retries = 0;
    auto c = connect("log in with error detection (AY, AZ)", options);
    if (!c) return;
    const auto answer = c->ask(make_sc_status()); // checks sequence and sum of the answer
    note("answers echo AY and have a right AZ", answer ? "" : answer.error().text);
    auto line = line_of(make_sc_status());
    append_tail(line, "5");
    auto wrong = line;
    wrong.back() = wrong.back() == '0' ? '1' : '0';
    const auto refused = c->ask_raw(wrong);
    note("a wrong checksum is answered with 96", !refused ? refused.error().text
                                                 : refused->code == code::request_sc_resend
                                                     ? ""
                                                     : "it is answered with " + c->received());
  }

  [[nodiscard]] std::string line_of(const message& m) const {
    auto line = write_message(m, s_.server.wire);
    line.erase(line.size() - bytes_of(s_.server.wire.end).size());
    return line;
  }

  const scenario& s_;
  std::optional<client> plain_;
  std::vector<self_check> all_;
};

/// What a server does with what the standard leaves open, or some terminals send all the same.
class habits {
 public:
  habits(const scenario& s, std::vector<self_check>& to) : s_{s}, all_{to} {}

  void run(test_changes changes) {
    try_status_first();
    try_ends();
    try_pieces();
    try_old_version();
    try_unknown_field();
    if (changes == test_changes::allowed) try_changes();
  }

 private:
  void note(std::string name, std::string fault) {
    const auto how = fault.empty() ? self_check::outcome::good : self_check::outcome::bad;
    all_.push_back({std::move(name), how, std::move(fault)});
  }

  std::optional<client> connect(const std::string& name, const client_options& options,
                                bool logs_in = true) {
    auto c = client::connect(options);
    if (!c) return note(name, c.error().text), std::nullopt;
    if (!logs_in || s_.user.empty()) return std::move(*c);
    const auto accepted = c->login(s_.user, s_.password, s_.login_location);
    if (accepted && *accepted) return std::move(*c);
    return note(name, accepted ? "the login is refused" : accepted.error().text), std::nullopt;
  }

  /// The fault of an answer that must have this code and the right form.
  [[nodiscard]] static std::string
  fault_of(const client& c, const result<message, client_error>& answer, message_code wanted) {
    if (!answer) return answer.error().text;
    if (answer->code != wanted) return "it is answered with " + c.received();
    return join(find_form_faults(*answer, c.received()));
  }

  void try_status_first() {
    const std::string name = "a 99 before the login is answered";
    if (auto c = connect(name, s_.server, false))
      note(name, fault_of(*c, c->ask(make_sc_status()), code::acs_status));
  }

  void try_ends() {
    for (const auto& [end, name] : {std::pair{line_end::crlf, "messages may end with CR LF"},
                                    std::pair{line_end::lf, "messages may end with LF"}}) {
      auto options = s_.server;
      options.wire.end = end;
      auto c = connect(name, options);
      if (!c) continue;
      auto fault = fault_of(*c, c->ask(make_sc_status()), code::acs_status);
      // An end that counts as a message of its own shows in the answer behind it.
      if (fault.empty()) fault = fault_of(*c, c->ask(make_sc_status()), code::acs_status);
      note(name, fault);
    }
  }

  void try_pieces() {
    const std::string name = "a message may come a byte at a time";
    auto c = connect(name, s_.server);
    if (c) note(name, fault_of(*c, c->ask_in_pieces("9909992.00", 1), code::acs_status));
  }

  void try_old_version() {
    const std::string name = "a terminal of protocol 1.00 is answered";
    auto c = connect(name, s_.server);
    if (c) note(name, fault_of(*c, c->ask(make_sc_status(999, "1.00")), code::acs_status));
  }

  void try_unknown_field() {
    const std::string name = "an unknown field is ignored";
    if (s_.basics.item.empty())
      return all_.push_back({name, self_check::outcome::skipped, "give --item-barcode"});
    auto c = connect(name, s_.server);
    auto question = make_item_information(s_.basics);
    question.add(field_id{"ZZ"}, "unknown");
    if (c) note(name, fault_of(*c, c->ask(question), code::item_information_response));
  }

  /// Lends the item, renews it, and takes it back.
  void try_changes() {
    if (s_.basics.item.empty() || s_.basics.patron.empty())
      return all_.push_back({"checkout, renew, checkin", self_check::outcome::skipped,
                             "give --patron-barcode and --item-barcode"});
    auto c = connect("checkout, renew, checkin", s_.server);
    if (!c) return;
    for (const auto& [name, question] :
         {std::pair{"checkout (11)", make_checkout(s_.basics)},
          std::pair{"renew (29)", make_renew(s_.basics)},
          std::pair{"checkin (09)", make_checkin(s_.basics, s_.current_location)}}) {
      const auto answer = c->ask(question);
      auto fault = fault_of(*c, answer, question.spec()->answer);
      if (fault.empty() && !says_ok(*answer)) fault = "it says no: " + c->received();
      note(name, std::move(fault));
    }
  }

  const scenario& s_;
  std::vector<self_check>& all_;
};

void append_list(std::string& out, std::string_view key, const std::vector<std::string_view>& all) {
  out += fmt::format(",\"{}\":[", key);
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i > 0) out += ',';
    append_json(out, all[i]);
  }
  out += ']';
}

std::string_view to_text(self_check::outcome how) {
  switch (how) {
  case self_check::outcome::good: return "good";
  case self_check::outcome::bad: return "bad";
  case self_check::outcome::skipped: break;
  }
  return "skipped";
}

std::string list_of(const std::vector<std::string_view>& all) {
  std::string out;
  for (const auto name : all) out.append(out.empty() ? "" : ", ").append(name);
  return out;
}

} // namespace

std::vector<self_check> run_self_test(const scenario& s) { return tester{s}.run(); }

bool conformance_report::is_good() const {
  return std::ranges::none_of(checks,
                              [](const auto& c) { return c.how == self_check::outcome::bad; });
}

conformance_report run_conformance(const scenario& s, test_changes changes) {
  conformance_report report;
  report.server = fmt::format("{}:{}", s.server.host, s.server.port);
  report.checks = run_self_test(s);
  auto c = client::connect(s.server);
  if (!c) return report;
  if (!s.user.empty()) (void)c->login(s.user, s.password, s.login_location);
  if (const auto status = c->ask(make_sc_status()); status && status->code == code::acs_status) {
    report.version = status->fixed_named("protocol version");
    report.supported = read_supported(status->value(field_id{"BX"}), 'Y');
    report.unsupported = read_supported(status->value(field_id{"BX"}), 'N');
  }
  habits{s, report.checks}.run(changes);
  return report;
}

void print_conformance(const conformance_report& report, bool is_json, std::ostream& out) {
  if (!is_json) {
    out << report.server << ", protocol " << (report.version.empty() ? "unknown" : report.version)
        << "\nanswers: " << list_of(report.supported)
        << "\ndoes not answer: " << list_of(report.unsupported) << '\n';
    return print_self_test(report.checks, out);
  }
  std::string text = "{\"server\":";
  append_json(text, report.server);
  text += ",\"version\":";
  append_json(text, report.version);
  append_list(text, "supported", report.supported);
  append_list(text, "unsupported", report.unsupported);
  text += ",\"checks\":[";
  for (std::size_t i = 0; i < report.checks.size(); ++i) {
    const auto& check = report.checks[i];
    text += i > 0 ? ",{\"name\":" : "{\"name\":";
    append_json(text, check.name);
    text += fmt::format(",\"outcome\":\"{}\",\"why\":", to_text(check.how));
    append_json(text, check.why);
    text += '}';
  }
  out << text << "]}\n";
}

} // namespace tandem::sip2
