// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/terminal.hpp>

#include <tandem/base/log.hpp>
#include <tandem/sip2/mediator/admission.hpp>
#include <tandem/sip2/mediator/relay_exchange.hpp>
#include <tandem/sip2/protocol/writer.hpp>

#include <new>
#include <utility>

namespace tandem::sip2 {
namespace {

constexpr field_id login_user{"CN"};
constexpr field_id login_password{"CO"};
constexpr duration farewell_deadline = seconds{5}; // how long the answer to XS is waited for

} // namespace

terminal::terminal(terminal_options options, terminal_host& host, instant now)
    : options_{std::move(options)}, host_{host}, profile_{options_.rules->find_profile(
                                                     options_.profile)},
      log_{options_.peer, options_.session, options_.privacy}, framer_{options_.discipline},
      connected_at_{now}, last_active_{now} {
  if (options_.discipline == line_discipline::telnet) {
    telnet_.emplace();
    put(std::string{telnet_login::name_prompt});
  }
}

void terminal::on_bytes(std::string_view bytes, instant now) {
  if (way_in_ != way_in::open) return;
  try {
    framer_.append(bytes);
  } catch (const std::bad_alloc&) { // a piece is lost: two messages could become one
    return close("no memory for what it sent", now);
  }
  guard(now, [&] { pump(now); });
}

void terminal::on_end(instant now) {
  if (way_in_ == way_in::open) way_in_ = way_in::ended;
  guard(now, [&] { pump(now); });
}

void terminal::on_lost(instant) {
  if (is_connected()) hang_up();
}

void terminal::hang_up() noexcept {
  way_in_ = way_in::gone;
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
  if (is_connected() && state_ != state::waiting) pump_on(now);
}

/// What came behind a message that was refused.
void terminal::pump_on(instant now) {
  guard(now, [&] { pump(now); });
}

void terminal::refuse_for_memory() noexcept {
  relogin_.on_message();
  // Without a message that can be refused, some of what came is lost, and what follows it is
  // nonsense.
  if (!is_connected() || !owes_answer_) return hang_up();
  try {
    ++options_.counters->failures;
    refuse(profile_->offline_text);
  } catch (const std::bad_alloc&) {
    hang_up();
  }
}

void terminal::close(std::string_view reason, instant now) {
  if (!is_connected()) return;
  try {
    log_info("{} closed: {}", log_.label(), reason);
  } catch (const std::bad_alloc&) { // without its line, then
  }
  on_lost(now);
}

void terminal::drain(instant now) {
  closing_ = "shutting down";
  if (state_ != state::waiting) close(closing_, now);
}

void terminal::give_up(std::string_view reason, instant now) {
  if (state_ == state::waiting && is_connected()) {
    state_ = state::ready;
    ++options_.counters->failures;
    refuse(profile_->offline_text);
  }
  close(reason, now);
  state_ = state::finished;
}

void terminal::use_rules(std::shared_ptr<const terminal_rules> rules) {
  options_.rules = std::move(rules);
  profile_ = options_.rules->find_profile(profile_->name);
}

std::optional<instant> terminal::next_due() const noexcept {
  if (!is_connected() || state_ == state::waiting) return std::nullopt;
  std::optional<instant> due;
  if (!is_proven() && profile_->login_limit > duration{0})
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
  close(is_proven() ? "idle for too long" : "no login in time", now);
}

bool terminal::is_crowded() const noexcept { return framer_.buffered() >= line_framer::longest; }

void terminal::pump(instant now) {
  while (is_connected() && state_ != state::waiting) {
    if (!closing_.empty()) return close(closing_, now);
    const auto line = framer_.next(profile_->wire.accepts);
    if (!line) break;
    last_active_ = now;
    if (telnet_)
      take_prompted(*line);
    else
      take_line(*line, now);
  }
  if (!is_connected() || state_ == state::waiting) return;
  if (framer_.is_overflowing()) {
    ++options_.counters->overflows;
    close("a line without end", now);
  } else if (way_in_ == way_in::ended) {
    close("the terminal hung up", now);
  }
}

void terminal::take_prompted(std::string_view line) {
  auto login = telnet_->on_line(decode(line, profile_->wire.text, profile_->wire.fallback));
  if (!login) return put(std::string{telnet_login::password_prompt});
  request_ = message{code::login};
  owes_answer_ = true;
  log_.begin_request();
  sequence_.reset();
  take_login(*login);
}

void terminal::take_line(std::string_view line, instant now) {
  const auto e = open_line(line, profile_->wire);
  if (!e) {
    log_debug("{} a line of one byte, ignored", log_.label());
    return;
  }
  if (!e->is_intact) {
    ++options_.counters->bad_checksums;
    log_warning("{} bad checksum in {}: received {}, expected {:04X}; asked to send it again",
                log_.label(), e->code.text(), e->tail->digits,
                checksum(line.substr(0, e->tail->covered)));
    return request_resend(true);
  }
  if (!e->spec || e->spec->way != direction::to_acs) {
    ++options_.counters->unknown_codes;
    log_warning("{} unknown message code '{}', {} bytes", log_.label(), e->code.text(),
                line.size());
    if (profile_->unknown == unknown_code::resend) request_resend(e->tail.has_value());
    if (profile_->unknown == unknown_code::close) close("an unknown message code", now);
    return;
  }
  if (!e->tail && profile_->wire.detection == error_detection::required) {
    ++options_.counters->bad_checksums;
    log_warning("{} no checksum in {}, which this terminal must send", log_.label(),
                e->code.text());
    return request_resend(true);
  }
  take_intact(*e, line);
}

void terminal::take_intact(const envelope& e, std::string_view line) {
  ++messages_;
  ++options_.counters->requests;
  if (e.code == code::request_acs_resend) return resend_last(e);

  if (const auto* again = repetition_.on_request(e, profile_->wire.detection,
                                                 profile_->repeat_window, last_active_)) {
    ++options_.counters->duplicates;
    log_info("{} {} repeated; answered as before", log_.label(), e.code.text());
    return put(*again);
  }
  request_ = message{e.code};
  owes_answer_ = true;

  parse_notes notes;
  auto m = read_message(e, profile_->wire, &notes);
  log_.begin_request(); // from here on the log has the id that the back-end gets
  sequence_.reset();
  if (e.tail && profile_->wire.detection != error_detection::off) sequence_ = e.tail->sequence;
  log_.hide_message(m);
  note(direction::to_acs, m, e.tail ? line.substr(e.tail->begin) : std::string_view{});
  if (notes.short_fixed)
    log_notice("{} {} has too short fixed fields; blanks assumed", log_.label(), m.code.text());
  if (notes.not_in_charset)
    log_notice("{} {} is not UTF-8; read as {}", log_.label(), m.code.text(),
               to_text(profile_->wire.fallback));
  if (profile_->forwards_error_detection && e.tail && !e.tail->sequence.empty()) {
    std::string value{e.tail->sequence};
    value.append("AZ").append(e.tail->digits);
    m.add(field_id{"AY"}, value);
  }
  take_message(std::move(m));
}

void terminal::resend_last(const envelope& e) {
  const auto* last = repetition_.last_written();
  if (!last) return request_resend(e.tail.has_value());
  ++options_.counters->resends;
  log_info("{} asked for the last answer again", log_.label());
  put(*last);
}

void terminal::take_message(message m) {
  if (m.code == code::login) return take_login(m);
  request_ = std::move(m);
  const auto login = is_logged_in() ? login_state::accepted : login_state::none;
  if (const auto refusal = check_request(request_, *profile_, login)) {
    ++options_.counters->refused_requests;
    log_warning("{} {} refused: {}", log_.label(), request_.code.text(), refusal->why);
    return refuse(refusal->screen);
  }
  relogin_.on_message();
  relay(request_);
}

void terminal::take_login(message& m) {
  request_ = m;
  const auto verdict = check_login(m, *options_.rules);
  log_.hide_login(request_, m);
  switch (verdict.what) {
  case login_verdict::kind::refuse:
    log_warning("{} login refused: {}", log_.label(), verdict.why);
    return refuse({});
  case login_verdict::kind::accept:
    accept_login();
    return answer(message{code::login_response, {"1"}});
  case login_verdict::kind::relay: break;
  }
  has_proved_login_ = verdict.has_proved;
  relay(std::move(m));
  has_proved_login_ = false;
}

void terminal::relay(message m) {
  apply_to_request(m, *profile_);
  ask(std::move(m), profile_->backend_deadline);
  state_ = state::waiting;
}

void terminal::ask(message m, duration deadline) {
  backend_request request;
  request.content = std::move(m);
  request.session = options_.session;
  request.has_proved_login = has_proved_login_;
  request.nulls = profile_->nulls;
  request.order = profile_->order;
  request.request_id = log_.request_id();
  request.client = options_.peer;
  request.account = account_;
  if (const auto* known = options_.rules->find_account(account_))
    request.is_transient = known->is_transient;
  request.deadline = deadline;
  is_relayed_ = true;
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
  guard(now, [&] { go_on(reply, now); });
}

void terminal::go_on(const backend_reply& reply, instant now) {
  if (relogin_.is_pending())
    take_login_again(reply);
  else if (reply)
    take_reply(*reply);
  else
    take_failure(reply.error());
  if (state_ == state::waiting) return;
  if (!is_connected()) return hang_up(); // it went meanwhile
  pump(now);
}

void terminal::take_reply(const backend_answer& said) {
  const auto read = take_relay_answer(request_, said, *profile_, format_date(host_.wall_now()));
  if (!read.fault.empty())
    return take_failure({backend_failure::unusable, 0, std::string{read.fault}, {}});
  if (!read.remark.empty())
    log_notice("{} the back-end's answer to {} contains {}", log_.label(), request_.code.text(),
               read.remark);
  if (read.content.code == code::login_response) {
    if (read.content.fixed.starts_with('1'))
      accept_login();
    else
      ++options_.counters->refused_logins;
  } else if (read.content.code != code::acs_status && standing_ == standing::stranger) {
    standing_ = standing::proven;
  }
  answer(read.content);
}

void terminal::accept_login() {
  ++options_.counters->logins;
  standing_ = standing::logged_in;
  account_ = login_name_of(request_);
  log_.use_account(account_);
  const auto* known = options_.rules->find_account(request_.value(login_user));
  if (known && !known->profile.empty()) profile_ = options_.rules->find_profile(known->profile);
  if (!profile_->relogin_on.empty()) {
    auto login = request_;
    if (known && known->backend_login) login.set(login_user, *known->backend_login);
    if (known && known->backend_password)
      login.set(login_password, known->backend_password->reveal());
    log_.hide_login(request_, login);
    apply_to_request(login, *profile_);
    relogin_.on_login(login);
  }
  log_info("{} logged in, profile {}", log_.label(), profile_->name);
}

void terminal::take_failure(const backend_error& error) {
  if (relogin_.on_failure(error, request_.code, profile_->relogin_on)) return log_in_again();
  count_failure(*options_.counters, error);
  log_error("{} {}", log_.label(), explain_failure(request_.code, error));
  if (!error.body.empty() && is_logged(log_level::debug))
    log_debug("{} it said: {}", log_.label(), log_.without_secrets(error.body));
  refuse(screen_text(request_.code, error, *profile_));
}

void terminal::log_in_again() {
  log_notice("{} the back-end has forgotten the session; logging in again", log_.label());
  log_.begin_request();
  ask(relogin_.login(), profile_->backend_deadline);
  state_ = state::waiting;
}

void terminal::take_login_again(const backend_reply& reply) {
  if (!relogin_.on_reply(reply)) {
    ++options_.counters->failures;
    log_error("{} the back-end did not take the login again", log_.label());
    return refuse(profile_->offline_text);
  }
  log_.begin_request(); // a key of its own: under the old one the back-end would refuse again
  relay(request_);
}

void terminal::refuse(std::string_view text) {
  if (request_.code == code::login) ++options_.counters->refused_logins;
  answer(refuse_relay(request_, *profile_, text, format_date(host_.wall_now())));
}

void terminal::answer(const message& m) {
  if (telnet_) return answer_telnet(m);
  ++options_.counters->answers;
  std::optional<std::string_view> sequence;
  if (sequence_) sequence = *sequence_;
  auto bytes = write_message(m, profile_->wire, sequence);
  // Of the answers to what changes something, those that are not about a patron's state say so.
  const bool is_done =
      m.fixed.starts_with('1') || (request_.code == code::fee_paid && m.fixed.starts_with('Y'));
  repetition_.on_answer(bytes, is_done, last_active_);
  note_written(bytes);
  put(std::move(bytes));
}

void terminal::answer_telnet(const message& m) {
  const auto reply = telnet_->on_answer(m);
  put(std::string{reply.text});
  if (reply.what == telnet_login::outcome::accepted) telnet_.reset();
  if (reply.what == telnet_login::outcome::out_of_tries) closing_ = "too many refused logins";
}

/// \param has_tail the line that is not understood had a checksum.
void terminal::request_resend(bool has_tail) {
  const auto detection = profile_->wire.detection;
  const bool is_checked = detection == error_detection::required ||
                          (has_tail && detection == error_detection::automatic);
  auto bytes = write_message(message{code::request_sc_resend}, profile_->wire,
                             is_checked ? std::optional<std::string_view>{""} : std::nullopt);
  repetition_.on_resend_request(bytes);
  note_written(bytes);
  put(std::move(bytes));
}

void terminal::put(std::string bytes) {
  if (is_connected()) host_.write(std::move(bytes));
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
  log_.begin_request();
  ask(message{code::end_session}, farewell_deadline);
}

/// \param tail AY and AZ, as on the wire.
void terminal::note(direction way, const message& m, std::string_view tail) {
  if (!is_logged(log_level::info) && !host_.is_traced()) return;
  const auto line = log_.line_of(m, profile_->wire.delimiter, tail);
  log_info("{} {} {}", log_.label(), way == direction::to_acs ? "INPUT" : "OUTPUT", line);
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

} // namespace tandem::sip2
