// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/terminal.hpp>

#include <tandem/base/log.hpp>
#include <tandem/sip2/protocol/failure_answer.hpp>
#include <tandem/sip2/protocol/writer.hpp>

#include <utility>

namespace tandem::sip2 {
namespace {

constexpr field_id login_user{"CN"};
constexpr field_id login_password{"CO"};
constexpr unsigned telnet_limit = 3;               // tries, as in the 3M document's telnet session
constexpr duration farewell_deadline = seconds{5}; // how long the answer to XS is waited for

} // namespace

terminal::terminal(terminal_options options, terminal_host& host, instant now)
    : options_{std::move(options)}, host_{host}, profile_{options_.rules->find_profile(
                                                     options_.profile)},
      framer_{options_.discipline}, connected_at_{now}, last_active_{now} {
  if (options_.discipline == line_discipline::telnet) {
    state_ = state::user;
    put("login: ");
  }
}

void terminal::on_bytes(std::string_view bytes, instant now) {
  if (!is_connected_ || has_ended_) return;
  framer_.append(bytes);
  pump(now);
}

void terminal::on_end(instant now) {
  has_ended_ = true;
  pump(now);
}

void terminal::on_lost(instant) {
  if (!is_connected_) return;
  is_connected_ = false;
  host_.close();
  if (state_ != state::waiting) leave();
}

void terminal::close(std::string_view reason, instant now) {
  if (!is_connected_) return;
  log_info("{} closed: {}", label(), reason);
  on_lost(now);
}

void terminal::drain(instant now) {
  closing_ = "shutting down";
  if (state_ != state::waiting) close(closing_, now);
}

void terminal::use_rules(std::shared_ptr<const terminal_rules> rules) {
  options_.rules = std::move(rules);
  profile_ = options_.rules->find_profile(profile_->name);
}

std::optional<instant> terminal::next_due() const noexcept {
  if (!is_connected_ || state_ == state::waiting) return std::nullopt;
  std::optional<instant> due;
  if (!has_spoken_ && profile_->login_limit > duration{0})
    due = connected_at_ + profile_->login_limit;
  if (profile_->idle_limit > duration{0}) {
    const auto idle = last_active_ + profile_->idle_limit;
    if (!due || idle < *due) due = idle;
  }
  return due;
}

void terminal::on_time(instant now) {
  const auto due = next_due();
  if (!due || now < *due) return;
  ++options_.counters->idle_closes;
  close(has_spoken_ ? "idle for too long" : "no message in time", now);
}

bool terminal::is_crowded() const noexcept { return framer_.buffered() >= line_framer::longest; }

void terminal::pump(instant now) {
  while (is_connected_ && state_ != state::waiting) {
    if (!closing_.empty()) return close(closing_, now);
    const auto line = framer_.next(profile_->wire.accepts);
    if (!line) break;
    last_active_ = now;
    if (state_ == state::ready)
      take_line(*line, now);
    else
      take_prompted(*line);
  }
  if (!is_connected_ || state_ == state::waiting) return;
  if (framer_.is_overflowing()) {
    ++options_.counters->overflows;
    close("a line without end", now);
  } else if (has_ended_) {
    close("the terminal hung up", now);
  }
}

// Telnet login: the two prompts become a 93 for the back-end.
void terminal::take_prompted(std::string_view line) {
  if (state_ == state::user) {
    telnet_user_ = decode(line, profile_->wire.text, profile_->wire.fallback);
    state_ = state::password;
    return put("password: ");
  }
  ++telnet_tries_;
  message login{code::login};
  login.add(login_user, telnet_user_);
  login.add(login_password, decode(line, profile_->wire.text, profile_->wire.fallback));
  asked_ = asked::telnet_login;
  ++requests_;
  sequence_.reset();
  take_login(login);
}

void terminal::take_line(std::string_view line, instant now) {
  const auto e = open_line(line, profile_->wire);
  if (!e) {
    log_debug("{} a line of one byte, ignored", label());
    return;
  }
  if (!e->is_intact) {
    ++options_.counters->bad_checksums;
    log_warning("{} bad checksum in {}: received {}, expected {:04X}; asked to send it again",
                label(), e->code.text(), e->tail->digits,
                checksum(line.substr(0, e->tail->covered)));
    return request_resend(true);
  }
  if (!e->spec || e->spec->way != direction::to_acs) {
    ++options_.counters->unknown_codes;
    log_warning("{} unknown message code '{}', {} bytes", label(), e->code.text(), line.size());
    if (profile_->unknown == unknown_code::resend) request_resend(e->tail.has_value());
    if (profile_->unknown == unknown_code::close) close("an unknown message code", now);
    return;
  }
  if (!e->tail && profile_->wire.detection == error_detection::required) {
    ++options_.counters->bad_checksums;
    log_warning("{} no checksum in {}, which this terminal must send", label(), e->code.text());
    return request_resend(true);
  }
  take_intact(*e);
}

void terminal::take_intact(const envelope& e) {
  ++messages_;
  ++options_.counters->requests;
  has_spoken_ = true;
  if (e.code == code::request_acs_resend) return resend_last(e);

  const bool has_sequence =
      e.tail && !e.tail->sequence.empty() && profile_->wire.detection != error_detection::off;
  // The same AY and AZ again: the terminal missed our answer. 93 and 99 have no date in them, so
  // that two different ones look the same when a terminal's AY is stuck.
  if (has_sequence && !last_answer_.empty() && e.tail->sequence == last_sequence_ &&
      e.tail->value == last_checksum_ && e.code != code::login && e.code != code::sc_status) {
    ++options_.counters->duplicates;
    log_info("{} {} repeated; answered as before", label(), e.code.text());
    last_96_.reset();
    return put(last_answer_);
  }
  last_sequence_ = has_sequence ? e.tail->sequence : std::string_view{};
  last_checksum_ = has_sequence ? e.tail->value : 0;

  parse_notes notes;
  auto m = read_message(e, profile_->wire, &notes);
  ++requests_; // from here on the log has the id that the back-end gets
  sequence_.reset();
  if (e.tail && profile_->wire.detection != error_detection::off) sequence_ = e.tail->sequence;
  note(direction::to_acs, m);
  if (notes.short_fixed)
    log_notice("{} {} has too short fixed fields; blanks assumed", label(), m.code.text());
  if (notes.not_in_charset)
    log_notice("{} {} is not UTF-8; read as {}", label(), m.code.text(),
               to_text(profile_->wire.fallback));
  if (profile_->forwards_error_detection && e.tail && has_sequence) {
    std::string value{e.tail->sequence};
    value.append("AZ").append(e.tail->digits);
    m.add(field_id{"AY"}, value);
  }
  take_message(std::move(m));
}

void terminal::resend_last(const envelope& e) {
  if (last_96_) return put_resend_request(*last_96_);
  if (last_answer_.empty()) return request_resend(e.tail.has_value());
  ++options_.counters->resends;
  log_info("{} asked for the last answer again", label());
  put(last_answer_);
}

void terminal::take_message(message m) {
  asked_ = asked::message;
  may_login_again_ = !profile_->relogin_on.empty();
  if (m.code == code::login) return take_login(m);
  request_ = std::move(m);
  const bool is_status = request_.code == code::sc_status;
  if (profile_->needs_login && !is_logged_in_ &&
      !(is_status && profile_->has_status_before_login)) {
    log_warning("{} {} before a login, refused", label(), request_.code.text());
    return refuse("This terminal is not logged in.");
  }
  if (is_status) {
    const auto version = request_.fixed_named("protocol version");
    if (!version.starts_with(' ') && version < profile_->minimum_version) {
      log_warning("{} speaks version {}, less than {}", label(), version,
                  profile_->minimum_version);
      return refuse("This version of the protocol is not supported.");
    }
  }
  relay(request_);
}

void terminal::take_login(message& m) {
  const auto login = m.value(login_user);
  const auto* known = options_.rules->find_account(login);
  request_ = m;
  if (!known && options_.rules->only_known_accounts) {
    log_warning("{} login refused: no account '{}'", label(), login);
    return refuse({});
  }
  if (known && known->password && !known->password->matches(m.value(login_password))) {
    log_warning("{} login refused: wrong password for '{}'", label(), login);
    return refuse({});
  }
  if (known && known->password && !known->asks_backend) {
    message accepted{code::login_response, {"1"}};
    accept_login();
    return answer(accepted);
  }
  if (known && known->backend_login) m.set(login_user, *known->backend_login);
  if (known && known->backend_password) m.set(login_password, known->backend_password->reveal());
  relay(std::move(m));
}

void terminal::relay(message m) {
  apply_to_request(m, *profile_);
  ask(m, profile_->backend_deadline);
}

void terminal::ask(const message& m, duration deadline) {
  backend_request request;
  request.code = m.code;
  request.session = options_.session;
  request.message = to_json(m);
  request.request_id = request_id();
  request.client = options_.peer;
  request.account = account_;
  if (const auto* known = options_.rules->find_account(account_))
    request.is_transient = known->is_transient;
  request.deadline = deadline;
  if (!profile_->relogin_on.empty() && m.code != code::end_session) relayed_json_ = request.message;
  is_relayed_ = true;
  if (m.code != code::end_session) state_ = state::waiting;
  host_.send(std::move(request));
}

void terminal::on_reply(const backend_reply& reply, instant now) {
  if (state_ == state::leaving) {
    state_ = state::finished;
    return;
  }
  if (state_ != state::waiting) return;
  state_ = state::ready;
  last_active_ = now;
  if (asked_ == asked::login_again)
    take_login_again(reply);
  else if (reply)
    take_reply(*reply);
  else
    take_failure(reply.error());
  if (state_ == state::waiting) return;
  if (!is_connected_) return leave();
  pump(now);
}

void terminal::take_reply(const std::string& body) {
  json_notes notes;
  const json_rules rules{profile_->nulls, profile_->order, options_.rules->answer_pointer};
  auto m = from_json(body, rules, &notes);
  const auto expected = request_.spec()->answer;
  std::string_view fault;
  if (!m)
    fault = to_text(m.error());
  else if (m->code != expected)
    fault = "a message that is no answer to the request";
  else if (!complete_fixed(*m, format_date(host_.wall_now())))
    fault = "too short fixed fields";
  if (!fault.empty()) {
    ++options_.counters->bad_answers;
    ++options_.counters->failures;
    log_error("{} the back-end's answer to {} is unusable: {}", label(), request_.code.text(),
              fault);
    return refuse(profile_->refused_text);
  }
  if (notes.null_fixed || notes.odd_field || notes.long_fixed)
    log_notice("{} the back-end's answer to {} has {}", label(), request_.code.text(),
               notes.null_fixed   ? "a fixed field that is null"
               : notes.long_fixed ? "too long fixed fields"
                                  : "fields that are none");
  if (m->code == code::login_response) {
    if (m->fixed.starts_with('1'))
      accept_login();
    else
      ++options_.counters->refused_logins;
  }
  apply_to_answer(*m, *profile_);
  answer(*m);
}

void terminal::accept_login() {
  ++options_.counters->logins;
  is_logged_in_ = true;
  account_ = request_.value(login_user);
  const auto* known = options_.rules->find_account(account_);
  if (known && !known->profile.empty()) profile_ = options_.rules->find_profile(known->profile);
  if (!profile_->relogin_on.empty()) {
    auto login = request_;
    if (known && known->backend_login) login.set(login_user, *known->backend_login);
    if (known && known->backend_password)
      login.set(login_password, known->backend_password->reveal());
    apply_to_request(login, *profile_);
    saved_login_ = secret{to_json(login)};
  }
  log_info("{} logged in, profile {}", label(), profile_->name);
}

void terminal::take_failure(const backend_error& error) {
  if (begin_login_again(error)) return;
  ++options_.counters->failures;
  const auto kind = static_cast<std::size_t>(error.kind);
  if (kind < options_.counters->backend_failures.size())
    ++options_.counters->backend_failures[kind];
  log_error("{} no answer to {} from the back-end: {} {}{}{}", label(), request_.code.text(),
            to_text(error.kind), error.status ? std::to_string(error.status) : std::string{},
            error.detail.empty() ? "" : ": ", error.detail);
  const bool has_answered =
      error.kind == backend_failure::status || error.kind == backend_failure::bad_answer;
  refuse(has_answered ? profile_->refused_text : profile_->offline_text);
}

// The back-end has forgotten the session and said so, hence has done nothing: the login goes first,
// then the message once more.
bool terminal::begin_login_again(const backend_error& error) {
  if (error.kind != backend_failure::status || !may_login_again_ || saved_login_.empty() ||
      request_.code == code::login || error.detail.find(profile_->relogin_on) == std::string::npos)
    return false;
  log_notice("{} the back-end has forgotten the session; logging in again", label());
  asked_ = asked::login_again;
  may_login_again_ = false; // a back-end that forgets at once is broken
  backend_request request;
  request.code = code::login;
  request.session = options_.session;
  request.message = saved_login_.reveal();
  ++requests_;
  request.request_id = request_id();
  request.client = options_.peer;
  request.account = account_;
  request.deadline = profile_->backend_deadline;
  state_ = state::waiting;
  host_.send(std::move(request));
  return true;
}

void terminal::take_login_again(const backend_reply& reply) {
  asked_ = asked::message;
  const json_rules rules{profile_->nulls, profile_->order, options_.rules->answer_pointer};
  const auto m = reply ? from_json(*reply, rules) : fail(json_errc::no_message);
  if (!m || m->code != code::login_response || !m->fixed.starts_with('1')) {
    ++options_.counters->failures;
    log_error("{} the back-end did not take the login again", label());
    return refuse(profile_->offline_text);
  }
  ++requests_; // a key of its own: under the old one the back-end would refuse again
  relay(request_);
}

void terminal::refuse(std::string_view text) {
  if (request_.code == code::login) ++options_.counters->refused_logins;
  auto m = failure_answer(request_, format_date(host_.wall_now()), text);
  apply_to_answer(m, *profile_);
  answer(m);
}

void terminal::answer(const message& m) {
  if (asked_ == asked::telnet_login) return answer_telnet(m.fixed.starts_with('1'));
  ++options_.counters->answers;
  std::optional<std::string_view> sequence;
  if (sequence_) sequence = *sequence_;
  last_answer_ = write_message(m, profile_->wire, sequence);
  last_96_.reset();
  note(direction::to_sc, m);
  put(last_answer_);
}

void terminal::answer_telnet(bool is_accepted) {
  asked_ = asked::message;
  telnet_user_.clear();
  if (is_accepted) {
    has_spoken_ = true;
    state_ = state::ready;
    return put("Login OK.  Initiating SIP\r\n");
  }
  put("Invalid login\r\n");
  state_ = state::user;
  if (telnet_tries_ < telnet_limit) return put("login: ");
  closing_ = "too many refused logins";
}

void terminal::request_resend(bool has_tail) {
  const auto detection = profile_->wire.detection;
  put_resend_request(detection == error_detection::required ||
                     (has_tail && detection == error_detection::automatic));
}

// The answer to the last request stays: its repetition, intact this time, is not executed again.
void terminal::put_resend_request(bool is_checked) {
  const message m{code::request_sc_resend};
  last_96_ = is_checked;
  note(direction::to_sc, m);
  put(write_message(m, profile_->wire,
                    is_checked ? std::optional<std::string_view>{""} : std::nullopt));
}

void terminal::put(std::string bytes) {
  if (is_connected_) host_.write(std::move(bytes));
}

// The back-end hears of the end of every session it knows.
void terminal::leave() {
  if (state_ == state::leaving || state_ == state::finished) return;
  if (!is_relayed_) {
    state_ = state::finished;
    return;
  }
  state_ = state::leaving;
  ++requests_;
  ask(message{code::end_session}, farewell_deadline);
}

void terminal::note(direction way, const message& m) {
  const bool is_input = way == direction::to_acs;
  if (!is_logged(log_level::info) && !host_.is_traced()) return;
  const auto line = to_log_line(m, options_.privacy);
  log_info("{} {} {}", label(), is_input ? "INPUT" : "OUTPUT", line);
  if (host_.is_traced()) host_.on_line(way, line);
}

std::string terminal::request_id() const {
  std::string id;
  id.reserve(options_.session.size() + 12);
  return id.append(options_.session).append("-").append(std::to_string(requests_));
}

std::string terminal::label() const {
  return fmt::format("[{} {} {}-{}]", options_.peer, account_.empty() ? "-" : account_,
                     options_.session, requests_);
}

} // namespace tandem::sip2
