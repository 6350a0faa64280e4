// SPDX-License-Identifier: Apache-2.0
#include <tandem/xmpp/client.hpp>

#include <tandem/base/hex.hpp>
#include <tandem/base/printable.hpp>
#include <tandem/base/text.hpp>
#include <tandem/xmpp/iq_answer.hpp>
#include <tandem/xmpp/xml_writer.hpp>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace tandem::xmpp {

namespace {

constexpr std::string_view bind_space = "urn:ietf:params:xml:ns:xmpp-bind";
constexpr std::string_view session_space = "urn:ietf:params:xml:ns:xmpp-session";
constexpr seconds login_deadline{60};
constexpr seconds settled{60}; ///< online for so long: the next attempt is a first one again
constexpr seconds kick_window{600};
constexpr unsigned most_kicks = 3;
constexpr unsigned most_moves = 3;
constexpr seconds unconfigured_delay{900};
constexpr seconds long_delay{60};
constexpr std::size_t most_messages = 64; ///< of one answer
constexpr std::size_t longest_reason = 200;

/// Hexadecimal digits that nobody can guess: 16 for each number.
std::string random_digits(const std::function<std::uint64_t()>& random, std::size_t numbers) {
  std::string out;
  for (std::size_t i = 0; i < numbers; ++i) {
    std::array<char, 16> digits{};
    char* to = digits.data();
    for (std::uint64_t left = random(), n = 0; n < 8; ++n, left >>= 8U)
      to = write_hex(to, static_cast<std::uint8_t>(left));
    out.append(digits.data(), digits.size());
  }
  return out;
}

/// RFC 6120 8.1.1; some managers leave the namespace out.
bool is_stanza(const xml_element& element) noexcept {
  return element.space.empty() || element.space == client_space || element.space == httpbind_space;
}

std::string write_bind(const std::string& resource) {
  xml_writer xml;
  xml.open("iq", client_space).attribute("type", "set").attribute("id", "bind");
  xml.open("bind", bind_space).leaf("resource", resource).close().close();
  return std::move(xml).take();
}

std::string write_session_request() {
  xml_writer xml;
  xml.open("iq", client_space).attribute("type", "set").attribute("id", "session");
  xml.open("session", session_space).close().close();
  return std::move(xml).take();
}

/// The name of what an error says, of a peer's letters.
std::string reason_in(const xml_element& error) {
  const std::string name = error.children.empty() ? "no reason" : error.children.front().name;
  return to_printable(std::string_view{name}.substr(0, longest_reason));
}

} // namespace

std::string_view to_string(client_state state) noexcept {
  constexpr std::array<std::string_view, 7> names{"offline", "queued",  "logging in", "online",
                                                  "leaving", "waiting", "stopped"};
  return names[static_cast<std::size_t>(state)];
}

client::client(std::shared_ptr<const account> of, std::function<std::uint64_t()> random)
    : account_{std::move(of)}, random_{std::move(random)}, resource_{account_->resource} {}

bosh_options client::options() const {
  const bool is_over_tls = account_->url.is_secure;
  return {.domain = account_->address.domain(),
          .from = is_over_tls ? account_->address.bare() : std::string{}, // XEP-0206 3
          .route = account_->route,
          .mode = account_->mode,
          .wait = account_->wait,
          .uses_keys = !is_over_tls,
          .wants_acks = account_->wants_acks};
}

client_snapshot client::snapshot() const {
  return {.session = session_ ? session_->snapshot() : bosh_snapshot{},
          .resource = bound_,
          .presence_id = presence_id_,
          .shown = wanted_};
}

// ---- Inputs -------------------------------------------------------------------------------------

void client::show(const presence& what, instant now) {
  if (what == wanted_) return;
  wanted_ = what;
  wanted_since_ = now;
  if (!wanted_.is_available)
    leave(now);
  else if (state_ == client_state::offline)
    state_ = client_state::queued;
  settle(now);
}

void client::restore(const client_snapshot& kept, duration since, instant now) {
  wanted_ = kept.shown;
  presence_id_ = kept.presence_id;
  const session_terms& terms = kept.session.terms;
  // A request that another process had left there kept the session for as long as it was held.
  const seconds lives = kept.session.is_paused
                            ? terms.maxpause
                            : std::max(terms.inactivity, seconds{30}) + terms.wait;
  if (since > lives || terms.sid.empty() || kept.session.rid == 0) {
    effects_.forgets = true;
    if (wanted_.is_available) state_ = client_state::queued;
    return;
  }
  bound_ = kept.resource;
  session_.emplace(options());
  session_->resume(kept.session, now);
  kept_rid_ = kept.session.rid;
  state_ = client_state::online;
  step_ = step::bound;
  online_since_ = now;
  is_resuming_ = true;
  if (!wanted_.is_available) leave(now); // it was about to, when it stopped
  settle(now);
}

void client::begin_login(instant now) {
  if (state_ != client_state::queued) return;
  start_session(now);
  settle(now);
}

void client::suspend(instant now) {
  if (!session_ || state_ != client_state::online) return;
  publish(now);
  session_->advance(now);
  static_cast<void>(session_->pause(now));
  settle(now);
}

void client::on_answer(std::uint64_t rid, unsigned status, std::string_view body, instant now) {
  if (!session_) return;
  const auto emptied = session_->emptied();
  const auto stanzas = session_->on_answer(rid, status, body, now);
  for (const xml_element& stanza : stanzas) take(stanza, now);
  if (!session_) return;
  if (session_->emptied() != emptied) alarm("the server called a request malformed");
  if (is_resuming_ && !session_->end()) {
    is_resuming_ = false;
    ++resumed_;
  }
  settle(now);
}

void client::on_failed(std::uint64_t rid, bool was_sent, instant now) {
  if (!session_) return;
  session_->on_failed(rid, was_sent, now);
  settle(now);
}

void client::repeat_all(instant at) noexcept {
  if (session_) session_->repeat_all(at);
}

void client::advance(instant now) {
  if (state_ == client_state::waiting && now >= next_attempt_) {
    next_attempt_ = never;
    state_ = client_state::queued;
  } else if (state_ == client_state::logging_in && now >= next_attempt_) {
    refuse(recovery::back_off, "the login took too long", now);
  }
  settle(now);
}

instant client::next_due() const noexcept {
  const instant of_session = session_ ? session_->next_due() : never;
  return std::min(of_session, next_attempt_);
}

// ---- Login --------------------------------------------------------------------------------------

void client::start_session(instant now) {
  login_.reset();
  bound_.clear();
  sent_.reset();
  after_end_.reset();
  step_ = step::features;
  state_ = client_state::logging_in;
  next_attempt_ = now + login_deadline;
  session_.emplace(options());
  session_->set_eager(true);
  session_->open(random_(), random_digits(random_, 3), now);
}

void client::take(const xml_element& stanza, instant now) {
  if (!session_) return;
  if (stanza.space == sasl_space) return take_sasl(stanza, now);
  if (stanza.is("features", stream_space)) return take_features(stanza, now);
  if (!is_stanza(stanza)) return;
  if (stanza.name == "iq") return take_iq(stanza, now);
  // Presence is the business of the user's own clients, and so are subscriptions.
  if (stanza.name == "message" && effects_.messages.size() < most_messages)
    effects_.messages.push_back(stanza);
}

void client::take_features(const xml_element& features, instant now) {
  if (step_ == step::features) {
    const xml_element* const mechanisms = features.find_child("mechanisms", sasl_space);
    auto begun =
        sasl_login::begin(mechanisms ? *mechanisms : xml_element{}, account_->url.is_secure,
                          {.user = account_->address.local(),
                           .domain = account_->address.domain(),
                           .password = account_->password,
                           .allows_plain_without_tls = account_->allows_plain_without_tls},
                          cache_);
    if (!begun) return refuse_login(begun.error(), now);
    login_.emplace(std::move(*begun));
    step_ = step::sasl;
    static_cast<void>(session_->send(login_->first()));
  } else if (step_ == step::features_again) {
    if (!features.find_child("bind", bind_space))
      return refuse(recovery::back_off, "the server lets nobody bind a resource", now);
    const xml_element* const session = features.find_child("session", session_space);
    wants_session_iq_ = session && !session->find_child("optional", session_space);
    step_ = step::bind;
    static_cast<void>(session_->send(write_bind(resource_)));
  }
}

void client::take_sasl(const xml_element& stanza, instant now) {
  if (step_ != step::sasl || !login_) return;
  if (stanza.name == "failure") {
    // RFC 6120 6.5. The stream is not begun anew: the server would hold that request.
    const std::string why = "login refused: " + reason_in(stanza);
    return refuse(is_lasting_failure(stanza) ? recovery::stop : recovery::back_off, why, now);
  }
  continue_sasl(stanza, now);
}

void client::continue_sasl(const xml_element& stanza, instant now) {
  if (stanza.name == "challenge") {
    const auto response = login_->on_challenge(stanza);
    if (!response) return refuse_login(response.error(), now);
    static_cast<void>(session_->send(*response));
  } else if (stanza.name == "success") {
    const auto proved = login_->on_success(stanza);
    login_.reset();
    if (!proved) return refuse_login(proved.error(), now);
    step_ = step::features_again;
    session_->restart();
  }
}

void client::refuse_login(sasl_errc why, instant now) {
  const bool may_go_by = why == sasl_errc::no_memory || why == sasl_errc::bad_challenge;
  refuse(may_go_by ? recovery::back_off : recovery::reconfigure, std::string{to_string(why)}, now);
}

void client::take_iq(const xml_element& iq, instant now) {
  const std::string_view id = iq.attribute("id");
  const std::string_view type = iq.attribute("type");
  const bool is_answer = type == "result" || type == "error";
  if (is_answer && step_ == step::bind && id == "bind") return take_bind_result(iq, now);
  // An old server may want it, and may refuse what it does not know (RFC 3921 3).
  if (is_answer && step_ == step::session && id == "session") return come_online(now);
  // Full queues drop it: whoever asks so much asks again.
  if (step_ != step::bound) return;
  if (const auto answer = answer_iq(iq)) static_cast<void>(session_->send(*answer));
}

void client::take_bind_result(const xml_element& iq, instant now) {
  const xml_element* const bind = iq.find_child("bind", bind_space);
  const xml_element* const told = bind ? bind->find_child("jid", bind_space) : nullptr;
  const auto address = told ? jid::parse(trim(told->text)) : std::nullopt;
  if (iq.attribute("type") == "result" && address && !address->resource().empty()) {
    bound_ = address->resource(); // RFC 6120 7.6: the server has the last word
    if (!wants_session_iq_) return come_online(now);
    step_ = step::session;
    static_cast<void>(session_->send(write_session_request()));
    return;
  }
  const auto errors = std::ranges::find(iq.children, "error", &xml_element::name);
  const bool is_conflict =
      errors != iq.children.end() && errors->find_child("conflict", stanza_error_space);
  refuse(is_conflict ? recovery::contend : recovery::back_off,
         "no resource: " + (errors == iq.children.end() ? "no address" : reason_in(*errors)), now);
}

void client::come_online(instant now) {
  step_ = step::bound;
  state_ = client_state::online;
  next_attempt_ = never;
  online_since_ = now;
  moves_ = 0;
  session_->set_eager(false);
}

// ---- What is shown ------------------------------------------------------------------------------

/// The newest state wins: while requests are under way, it waits here and not in the session.
void client::publish(instant now) {
  if (!session_ || state_ != client_state::online || sent_ == wanted_ || !session_->has_room())
    return;
  if (!session_->send(write_presence(wanted_, presence_id_))) return;
  ++presence_id_;
  sent_ = wanted_;
  sent_rid_ = session_->last_rid() + 1;
  if (!wanted_since_) wanted_since_ = now;
}

void client::leave(instant now) {
  if (!session_) {
    if (state_ != client_state::stopped) state_ = client_state::offline;
    next_attempt_ = never;
    return;
  }
  if (state_ == client_state::leaving) return;
  session_->terminate(step_ == step::bound ? write_presence(wanted_, 0) : std::string{}, now);
  state_ = client_state::leaving;
  next_attempt_ = never;
}

/// After each input: makes what is to be sent, and sees whether the session is over.
void client::settle(instant now) {
  if (!session_) return;
  publish(now);
  session_->advance(now);
  if (const auto end = session_->end()) return on_end(*end, now);
  if (wanted_since_ && sent_ == wanted_ && session_->answered_rid() >= sent_rid_) {
    effects_.published = now - *wanted_since_;
    wanted_since_.reset();
  }
  if (step_ == step::bound && session_->last_rid() != kept_rid_) {
    kept_rid_ = session_->last_rid();
    effects_.keeps = true;
  }
  auto posts = session_->take_posts();
  std::ranges::move(posts, std::back_inserter(effects_.posts));
}

// ---- Ends ---------------------------------------------------------------------------------------

void client::on_end(session_end why, instant now) {
  last_end_ = why;
  effects_.gives_up = true;
  effects_.posts.clear();
  effects_.keeps = false;
  if (step_ == step::bound) effects_.forgets = true;
  const std::string uri = session_->other_uri();
  const bool was_resuming = std::exchange(is_resuming_, false);
  const bool was_kicked =
      why == session_end::item_not_found && step_ == step::bound && !was_resuming;
  if (step_ == step::bound && now - online_since_ >= settled) back_off_.reset();
  recovery then = after_end_.value_or(recovery_of(why));
  after_end_.reset();
  session_.reset();
  login_.reset();
  sent_.reset();
  bound_.clear();
  step_ = step::features;
  next_attempt_ = never;
  if (then == recovery::stop) {
    state_ = client_state::stopped;
  } else if (!wanted_.is_available) {
    state_ = client_state::offline;
  } else if (state_ == client_state::leaving) {
    state_ = client_state::queued; // it is wanted again
  } else {
    // ejabberd tells nobody that another one took his resource: the session is just gone. Once may
    // be chance, more is a quarrel.
    if (was_kicked && note_kick(now)) then = recovery::contend;
    recover(then, uri, now);
  }
}

void client::recover(recovery then, const std::string& uri, instant now) {
  switch (then) {
  case recovery::login_at_once: return wait_for(back_off::part(seconds{1}, random_()), now);
  case recovery::none:
  case recovery::stop:
  case recovery::back_off: return wait_for(back_off_.next(seconds{1}, random_()), now);
  case recovery::long_back_off: return wait_for(back_off_.next(long_delay, random_()), now);
  case recovery::contend: return contend(now);
  case recovery::move: return move(uri, now);
  case recovery::reconfigure:
    alarm("cannot log in (" + std::string{to_string(*last_end_)} + "); next attempt in 15 minutes");
    return wait_for(back_off_.next(unconfigured_delay, random_()), now);
  }
}

/// \return whether it was not the first time within ten minutes
bool client::note_kick(instant now) {
  if (kicks_ == 0 || now - first_kick_ > kick_window) {
    kicks_ = 1;
    first_kick_ = now;
    return false;
  }
  return true;
}

/// Both servers throw the older session out, so that two of us would do that to each other for
/// ever.
void client::contend(instant now) {
  if (note_kick(now) && ++kicks_ >= most_kicks) {
    kicks_ = 0;
    resource_ = account_->resource + '-' + random_digits(random_, 1).substr(0, 4);
    alarm("somebody else uses the resource " + to_printable(account_->resource) + "; now it is " +
          to_printable(resource_));
  }
  wait_for(back_off_.next(seconds{1}, random_()), now);
}

/// XEP-0124 17.2: only within the same host, never from TLS to none, and not in circles.
void client::move(const std::string& uri, instant now) {
  const auto to = http::url::parse(uri);
  if (to && iequals(to->host, account_->url.host) && to->is_secure == account_->url.is_secure &&
      moves_ < most_moves) {
    ++moves_;
    effects_.url = uri;
    return wait_for(duration{0}, now);
  }
  alarm("the server sends us to another address, which is not obeyed");
  wait_for(back_off_.next(long_delay, random_()), now);
}

/// We end the login.
void client::refuse(recovery then, std::string why, instant now) {
  alarm(std::move(why));
  after_end_ = then;
  next_attempt_ = never;
  session_->terminate({}, now);
}

void client::wait_for(duration delay, instant now) {
  state_ = client_state::waiting;
  next_attempt_ = now + delay;
}

void client::alarm(std::string text) { effects_.alarms.push_back(std::move(text)); }

} // namespace tandem::xmpp
