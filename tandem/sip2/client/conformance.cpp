// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/client/conformance.hpp>

#include <tandem/base/text.hpp>
#include <tandem/sip2/protocol/checksum.hpp>
#include <tandem/sip2/protocol/date.hpp>
#include <tandem/sip2/protocol/writer.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace tandem::sip2 {
namespace {

/// What is wrong with a fixed field's value; empty when it is one of its kind.
std::string find_fixed_fault(const fixed_field& f, std::string_view value) {
  const auto is_of = [value](std::string_view set) {
    return value.find_first_not_of(set) == std::string_view::npos;
  };
  bool is_right = true;
  switch (f.kind) {
  case fixed_kind::flag: is_right = is_of("01"); break;
  case fixed_kind::yes_no: is_right = is_of("YN"); break;
  case fixed_kind::yes_no_unknown: is_right = is_of("YNU"); break;
  case fixed_kind::date: is_right = looks_like_date(value) || is_of("0") || is_of(" "); break;
  case fixed_kind::count: is_right = is_of("0123456789") || is_of(" "); break;
  case fixed_kind::patron_status:
  case fixed_kind::summary: is_right = is_of("Y "); break;
  case fixed_kind::version: is_right = value == "1.00" || value == "2.00"; break;
  case fixed_kind::language:
  case fixed_kind::number:
  case fixed_kind::limit:
  case fixed_kind::circulation:
  case fixed_kind::security:
  case fixed_kind::fee_type:
  case fixed_kind::payment_type:
  case fixed_kind::sc_status_code: is_right = is_of("0123456789"); break;
  case fixed_kind::currency:
  case fixed_kind::hold_mode:
  case fixed_kind::algorithm: break;
  }
  return is_right ? std::string{} : fmt::format("{} is '{}'", f.name, value);
}

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
    const auto accepted = c->login(s_.user, s_.password, s_.login_location);
    if (!accepted) return note(name, accepted.error().text), std::nullopt;
    if (!*accepted) return note(name, "the login is refused"), std::nullopt;
    note(name, {});
    return std::move(*c);
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
    const auto accepted = c ? c->login(s_.user, s_.password, s_.login_location) : false;
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

} // namespace

std::vector<std::string> find_form_faults(const message& m, std::string_view line) {
  const auto* spec = m.spec();
  if (!spec) return {"an unknown code"};
  std::vector<std::string> faults;
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::ranges::any_of(line, is_control)) faults.emplace_back("control characters");
  if (line.size() < 2 + spec->fixed_width())
    faults.push_back(fmt::format("{} bytes are too few for the fixed fields", line.size()));
  for (std::size_t i = 0; i < spec->fixed.size(); ++i)
    if (auto fault = find_fixed_fault(spec->fixed[i], m.fixed_at(i)); !fault.empty())
      faults.push_back(std::move(fault));
  for (std::string_view ids = spec->required; ids.size() >= 2;
       ids.remove_prefix(std::min<std::size_t>(3, ids.size())))
    if (!m.has(field_id::of(ids))) faults.push_back(fmt::format("{} is missing", ids.substr(0, 2)));
  for (const auto& f : m.fields)
    if (f.value.size() > 255)
      faults.push_back(
          fmt::format("{} has {} bytes, the standard allows 255", f.id.text(), f.value.size()));
  return faults;
}

std::vector<self_check> run_self_test(const scenario& s) { return tester{s}.run(); }

} // namespace tandem::sip2
