// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/terminal.hpp>

#include <tandem/base/log.hpp>
#include <tandem/sip2/mediator/login_check.hpp>
#include <tandem/sip2/mediator/relay_exchange.hpp>
#include <tandem/sip2/protocol/writer.hpp>

#include <new>
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
  guard(now, [&] {
    framer_.append(bytes);
    pump(now);
  });
}

void terminal::on_end(instant now) {
  has_ended_ = true;
  guard(now, [&] { pump(now); });
}

void terminal::on_lost(instant) {
  if (is_connected_) hang_up();
}

void terminal::hang_up() noexcept {
  is_connected_ = false;
  host_.close();
  if (state_ == state::waiting) return;
  try {
    leave();
  } catch (const std::bad_alloc&) {
    state_ = state::finished; // the back-end is not told
  }
}

template <typename Input>
void terminal::guard(instant now, Input&& input) {
  try {
    return input();
  } catch (const std::bad_alloc&) {
    if (state_ == state::waiting || state_ == state::finished) return;
    refuse_for_memory();
  }
  if (is_connected_ && state_ != state::waiting) pump_on(now);
}

/// What came behind a message that was refused.
void terminal::pump_on(instant now) {
  guard(now, [&] { pump(now); });
}

void terminal::refuse_for_memory() noexcept {
  // Without a message that can be refused, some of what came is lost, and what follows it is
  // nonsense.
  if (!is_connected_ || !owes_answer_) return hang_up();
  try {
    ++options_.counters->failures;
    refuse(profile_->offline_text);
  } catch (const std::bad_alloc&) {
    hang_up();
  }
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

void terminal::give_up(instant now) {
  if (state_ == state::waiting && is_connected_) {
    state_ = state::ready;
    ++options_.counters->failures;
    refuse(profile_->offline_text);
  }
  close("shutting down", now);
  state_ = state::finished;
}

void terminal::use_rules(std::shared_ptr<const terminal_rules> rules) {
  options_.rules = std::move(rules);
  profile_ = options_.rules->find_profile(profile_->name);
}

std::optional<instant> terminal::next_due() const noexcept {
  if (!is_connected_ || state_ == state::waiting) return std::nullopt;
  std::optional<instant> due;
  if (!is_proven_ && profile_->login_limit > duration{0})
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
  close(is_proven_ ? "idle for too long" : "no login in time", now);
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
  request_ = message{code::login};
  asked_ = asked::telnet_login;
  owes_answer_ = true;
  ++telnet_tries_;
  message login{code::login};
  login.add(login_user, telnet_user_);
  login.add(login_password, decode(line, profile_->wire.text, profile_->wire.fallback));
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
  take_intact(*e, line);
}

void terminal::take_intact(const envelope& e, std::string_view line) {
  ++messages_;
  ++options_.counters->requests;
  if (e.code == code::request_acs_resend) return resend_last(e);

  const bool is_detecting = profile_->wire.detection != error_detection::off;
  const bool has_sequence = e.tail && !e.tail->sequence.empty() && is_detecting;
  // The same AY and AZ again: the terminal missed our answer. 93 and 99 have no date in them, so
  // that two different ones look the same when a terminal's AY is stuck.
  if (has_sequence && !last_answer_.empty() && e.tail->sequence == last_sequence_ &&
      e.tail->value == last_checksum_ && e.code != code::login && e.code != code::sc_status) {
    ++options_.counters->duplicates;
    log_info("{} {} repeated; answered as before", label(), e.code.text());
    last_96_.reset();
    return put(last_answer_);
  }
  request_ = message{e.code};
  asked_ = asked::message;
  owes_answer_ = true;
  last_sequence_ = has_sequence ? e.tail->sequence : std::string_view{};
  last_checksum_ = has_sequence ? e.tail->value : 0;

  parse_notes notes;
  auto m = read_message(e, profile_->wire, &notes);
  ++requests_; // from here on the log has the id that the back-end gets
  sequence_.reset();
  if (e.tail && is_detecting) sequence_ = e.tail->sequence;
  message_secrets_ = secrets_of(m);
  note(direction::to_acs, m, e.tail ? line.substr(e.tail->begin) : std::string_view{});
  if (notes.short_fixed)
    log_notice("{} {} has too short fixed fields; blanks assumed", label(), m.code.text());
  if (notes.not_in_charset)
    log_notice("{} {} is not UTF-8; read as {}", label(), m.code.text(),
               to_text(profile_->wire.fallback));
  if (profile_->forwards_error_detection && e.tail && !e.tail->sequence.empty()) {
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
  request_ = m;
  login_secrets_ = secrets_of(m);
  const auto verdict = check_login(m, *options_.rules);
  switch (verdict.what) {
  case login_verdict::kind::refuse:
    log_warning("{} login refused: {}", label(), verdict.why);
    return refuse({});
  case login_verdict::kind::accept:
    accept_login();
    return answer(message{code::login_response, {"1"}});
  case login_verdict::kind::relay: break;
  }
  for (auto& s : secrets_of(m)) login_secrets_.push_back(std::move(s)); // the back-end's own
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
  is_relayed_ = true;
  host_.send(std::move(request));
  if (m.code != code::end_session) state_ = state::waiting;
}

void terminal::on_reply(const backend_reply& reply, instant now) {
  if (state_ == state::leaving) {
    state_ = state::finished;
    return;
  }
  if (state_ != state::waiting) return;
  state_ = state::ready;
  last_active_ = now;
  guard(now, [&] { take_reply(reply, now); });
}

void terminal::take_reply(const backend_reply& reply, instant now) {
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
  const auto read = read_relay_answer(request_, body, *profile_, options_.rules->answer_pointer,
                                      format_date(host_.wall_now()));
  if (!read.fault.empty()) {
    ++options_.counters->bad_answers;
    ++options_.counters->failures;
    log_error("{} the back-end's answer to {} is unusable: {}", label(), request_.code.text(),
              read.fault);
    return refuse(profile_->refused_text);
  }
  if (!read.remark.empty())
    log_notice("{} the back-end's answer to {} contains {}", label(), request_.code.text(),
               read.remark);
  if (read.content.code == code::login_response) {
    if (read.content.fixed.starts_with('1'))
      accept_login();
    else
      ++options_.counters->refused_logins;
  } else if (read.content.code != code::acs_status) {
    is_proven_ = true;
  }
  answer(read.content);
}

void terminal::accept_login() {
  ++options_.counters->logins;
  is_logged_in_ = true;
  is_proven_ = true;
  account_ = login_name_of(request_);
  const auto* known = options_.rules->find_account(request_.value(login_user));
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
  count_failure(*options_.counters, error);
  log_error("{} no answer to {} from the back-end: {} {}{}{}", label(), request_.code.text(),
            to_text(error.kind), error.status ? std::to_string(error.status) : std::string{},
            error.detail.empty() ? "" : ": ", error.detail);
  if (!error.body.empty() && is_logged(log_level::debug))
    log_debug("{} it said: {}", label(), hide_secrets(error.body, all_secrets()));
  refuse(screen_text(error, *profile_));
}

// The back-end has forgotten the session and said so, hence has done nothing: the login goes first,
// then the message once more.
bool terminal::begin_login_again(const backend_error& error) {
  if (error.kind != backend_failure::status || !may_login_again_ || saved_login_.empty() ||
      request_.code == code::login || error.body.find(profile_->relogin_on) == std::string::npos)
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
  host_.send(std::move(request));
  state_ = state::waiting;
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
  answer(refuse_relay(request_, *profile_, text, format_date(host_.wall_now())));
}

void terminal::answer(const message& m) {
  if (asked_ == asked::telnet_login) return answer_telnet(m.fixed.starts_with('1'));
  ++options_.counters->answers;
  std::optional<std::string_view> sequence;
  if (sequence_) sequence = *sequence_;
  last_answer_ = write_message(m, profile_->wire, sequence);
  last_96_.reset();
  note_written(last_answer_);
  put(last_answer_);
}

void terminal::answer_telnet(bool is_accepted) {
  asked_ = asked::message;
  telnet_user_.clear();
  if (is_accepted) {
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
  auto bytes = write_message(m, profile_->wire,
                             is_checked ? std::optional<std::string_view>{""} : std::nullopt);
  note_written(bytes);
  put(std::move(bytes));
}

void terminal::put(std::string bytes) {
  if (is_connected_) host_.write(std::move(bytes));
  owes_answer_ = false;
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

/// \param tail AY and AZ, as on the wire.
void terminal::note(direction way, const message& m, std::string_view tail) {
  if (!is_logged(log_level::info) && !host_.is_traced()) return;
  auto line = to_log_line(m, options_.privacy, message_secrets_, profile_->wire.delimiter);
  line += tail;
  log_info("{} {} {}", label(), way == direction::to_acs ? "INPUT" : "OUTPUT", line);
  if (host_.is_traced()) host_.on_line(way, line);
}

/// An answer as it is on the wire, after the character set and the limits of the terminal.
void terminal::note_written(std::string_view line) {
  if (!is_logged(log_level::info) && !host_.is_traced()) return;
  line.remove_suffix(bytes_of(profile_->wire.end).size());
  if (const auto e = open_line(line, profile_->wire))
    note(direction::to_sc, read_message(*e, profile_->wire),
         e->tail ? line.substr(e->tail->begin) : std::string_view{});
}

std::vector<std::string> terminal::all_secrets() const {
  auto all = message_secrets_;
  all.insert(all.end(), login_secrets_.begin(), login_secrets_.end());
  return all;
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
