// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/upstream_session.hpp>

#include <tandem/base/text.hpp>
#include <tandem/sip2/protocol/charset.hpp>
#include <tandem/sip2/protocol/date.hpp>
#include <tandem/sip2/protocol/writer.hpp>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace tandem::sip2 {
namespace {

using news = upstream_step::news;

constexpr std::size_t longest_dialogue = 4096; // words before the login, bytes

std::string_view trimmed(std::string_view text) noexcept {
  const auto first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

void rewrite_dates(message& m, upstream_dates wanted) {
  const auto* spec = m.spec();
  if (wanted == upstream_dates::kept || !spec) return;
  std::size_t at = 0;
  for (const auto& f : spec->fixed) {
    if (f.kind == fixed_kind::date)
      if (const auto when = parse_date(std::string_view{m.fixed}.substr(at, f.width)))
        m.fixed.replace(
            at, f.width,
            format_date(*when, wanted == upstream_dates::utc ? date_zone::utc : date_zone::local));
    at += f.width;
  }
}

} // namespace

upstream_session::upstream_session(std::shared_ptr<const upstream_profile> profile,
                                   std::optional<message> login)
    : profile_{std::move(profile)}, login_{std::move(login)}, framer_{
                                                                  profile_->dialogue ==
                                                                          upstream_dialogue::telnet
                                                                      ? line_discipline::telnet
                                                                      : line_discipline::raw} {}

upstream_step upstream_session::begin() {
  if (profile_->dialogue == upstream_dialogue::telnet) {
    if (!login_) return fail_with("it asks for a login in words, and there is none");
    state_ = state::telnet_name;
    return {};
  }
  if (!login_) return become_ready();
  return put(*login_, state::login);
}

upstream_step upstream_session::after_login() {
  if (!profile_->asks_status) return become_ready();
  return put(message{code::sc_status, {"0", "999", "2.00"}}, state::first_status);
}

upstream_step upstream_session::become_ready() {
  state_ = state::idle;
  return {.what = news::ready};
}

upstream_step upstream_session::ask(const message& question) {
  return put(question, state::asking);
}

upstream_step upstream_session::put(const message& question, state next) {
  question_ = question;
  rewrite_dates(question_, profile_->dates);
  state_ = next;
  repeats_ = 0;
  has_asked_again_ = false;
  std::optional<std::string_view> tail;
  if (is_detecting()) {
    sequence_ = std::to_string(next_sequence_);
    next_sequence_ = (next_sequence_ + 1) % 10; // 3M SIP 2.00: one digit that wraps
    tail = sequence_;
  }
  sent_ = write_message(question_, profile_->wire, tail);
  ++owed_;
  return {.send = sent_};
}

upstream_step upstream_session::on_bytes(std::string_view bytes) {
  if (state_ == state::broken) return {};
  if (state_ == state::telnet_name || state_ == state::telnet_password ||
      state_ == state::telnet_verdict)
    return take_telnet(bytes);
  framer_.append(bytes);
  upstream_step step;
  while (state_ != state::broken) {
    const auto line = framer_.next(profile_->wire.accepts);
    if (!line) break;
    auto next = take_line(*line);
    // A line behind the answer: what belongs to which question is not known any more.
    if (next.what == news::broken && step.what == news::answered) {
      is_sound_ = false;
      return step;
    }
    step.send += next.send;
    if (next.what == news::none) continue;
    next.send = std::move(step.send);
    step = std::move(next);
  }
  if (framer_.is_overflowing()) return fail_with("a line without end");
  if (state_ == state::idle && framer_.buffered() > 0) is_sound_ = false;
  if (state_ == state::idle && step.what == news::none && !is_sound_)
    return fail_with("it sends what nobody has asked for");
  return step;
}

upstream_step upstream_session::take_line(std::string_view line) {
  if (state_ == state::idle) return fail_with("it sends what nobody has asked for");
  if (owed_ > 0) --owed_;
  const auto e = open_line(line, profile_->wire);
  if (!e || !e->spec || e->spec->way != direction::to_sc)
    return ask_again("it sends what is no answer of SIP2");
  if (!e->is_intact) return ask_again("its checksums are wrong");
  if (!e->tail && profile_->wire.detection == error_detection::required)
    return ask_again("its answers have no checksum");
  if (e->code == code::request_sc_resend) return say_again();
  if (state_ == state::confirming) return take_confirmation(*e);
  return take_answer(*e);
}

upstream_step upstream_session::take_answer(const envelope& e) {
  const bool has_sequence = is_detecting() && e.tail && !e.tail->sequence.empty();
  const bool is_proved = has_sequence && e.tail->sequence == sequence_;
  // The answer to another question, or one that a server repeats for a 97 under an AY of its own.
  if (has_sequence && !is_proved && !has_asked_again_) {
    ++owed_; // what came was none of those we wait for
    return ask_again("it answers with the AY of another question");
  }
  if (e.code != question_.spec()->answer)
    return fail_with(fmt::format("it answers {} with {}", question_.code.text(), e.code.text()));
  parse_notes notes;
  auto m = read_message(e, profile_->wire, &notes);
  if (notes.short_fixed)
    return fail_with(fmt::format("the fixed fields of its {} are too short", e.code.text()));
  if (is_proved || echoes(m)) return accept(std::move(m));
  candidate_ = std::move(m);
  // The question stays, and so does what is expected of its answer.
  const message asked = question_;
  auto step = put(message{code::sc_status, {"0", "999", "2.00"}}, state::confirming);
  question_ = asked;
  return step;
}

/// Behind the right answer comes the 98; behind that to another question comes ours.
upstream_step upstream_session::take_confirmation(const envelope& e) {
  if (e.code == code::acs_status) return accept(std::move(candidate_));
  parse_notes notes;
  auto m = read_message(e, profile_->wire, &notes);
  if (e.code != question_.spec()->answer || notes.short_fixed || !echoes(m))
    return fail_with("which question its answers belong to cannot be told");
  candidate_ = std::move(m);
  ++owed_; // what came before was none of those we wait for
  return {};
}

upstream_step upstream_session::accept(message answer) {
  if (state_ == state::login) {
    if (!answer.fixed.starts_with('1')) {
      state_ = state::broken;
      return {.what = news::refused, .text = "the login is refused"};
    }
    return after_login();
  }
  if (state_ == state::first_status) {
    status_ = std::move(answer);
    return become_ready();
  }
  state_ = state::idle;
  if (owed_ > 0) is_sound_ = false;
  return {.what = news::answered, .answer = std::move(answer)};
}

upstream_step upstream_session::ask_again(std::string_view why) {
  if (repeats_++ >= most_repeats) return fail_with(std::string{why});
  has_asked_again_ = true;
  ++owed_;
  return {.send =
              write_message(message{code::request_acs_resend}, profile_->wire,
                            is_detecting() ? std::optional<std::string_view>{""} : std::nullopt)};
}

upstream_step upstream_session::say_again() {
  // 3M SIP 2.00: a 96 in answer to a 97 means that neither side understands the other.
  if (has_asked_again_ || repeats_++ >= most_repeats)
    return fail_with("it does not understand what it is asked (96)");
  ++owed_;
  return {.send = sent_};
}

bool upstream_session::echoes(const message& answer) const {
  return std::ranges::all_of(profile_->echoes, [&](field_id id) {
    const auto asked = trimmed(question_.value(id));
    const auto said = trimmed(answer.value(id));
    return asked.empty() || said.empty() || iequals(asked, said);
  });
}

upstream_step upstream_session::fail_with(std::string text) {
  state_ = state::broken;
  is_sound_ = false;
  return {.what = news::broken, .text = std::move(text)};
}

// --- the login in words
// ---------------------------------------------------------------------------

upstream_step upstream_session::take_telnet(std::string_view bytes) {
  for (const char c : bytes) // telnet commands are no part of a prompt; all of theirs are beyond 7f
    if (static_cast<unsigned char>(c) < 0x7f) words_ += c;
  if (words_.size() > longest_dialogue) return fail_with("it asks for no login in words");
  if (state_ == state::telnet_verdict) return take_verdict();
  const auto last = words_.find_last_not_of(" \r\n");
  if (last == std::string::npos || words_[last] != ':') return {};
  words_.clear();
  const bool is_name = state_ == state::telnet_name;
  state_ = is_name ? state::telnet_password : state::telnet_verdict;
  const field_id wanted = is_name ? field_id{"CN"} : field_id{"CO"};
  auto text = encode(login_->value(wanted), profile_->wire.text, profile_->wire.replacement);
  return {.send = text.append(bytes_of(profile_->wire.end))};
}

upstream_step upstream_session::take_verdict() {
  for (;;) {
    const auto end = words_.find_first_of("\r\n");
    if (end == std::string::npos) break;
    const auto line = to_lower_copy(words_.substr(0, end));
    words_.erase(0, end + 1);
    const auto has = [&line](std::string_view word) { return line.find(word) != line.npos; };
    if (has("invalid") || has("incorrect") || has("denied") || has("fail")) {
      state_ = state::broken;
      return {.what = news::refused, .text = "the login is refused"};
    }
    if (has("ok") || has("success") || has("welcome")) {
      words_.clear();
      return after_login();
    }
  }
  return {}; // an echo of what was typed, or a line that says nothing
}

} // namespace tandem::sip2
