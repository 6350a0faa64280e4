// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/door.hpp>

#include <tandem/base/log.hpp>
#include <tandem/base/random.hpp>
#include <tandem/sip2/mediator/admission.hpp>
#include <tandem/sip2/mediator/relay_exchange.hpp>
#include <tandem/sip2/protocol/date.hpp>
#include <tandem/sip2/protocol/parser.hpp>
#include <tandem/sip2/protocol/redact.hpp>
#include <tandem/sip2/protocol/writer.hpp>

#include <algorithm>
#include <new>
#include <utility>

#include <fmt/format.h>

namespace tandem::sip2 {
namespace {

constexpr std::size_t longest_session = 128;

/// In what form a request came; its answer has the same.
enum class form { json, line };

struct incoming_message {
  form how = form::json;
  message content;
  std::string fault; ///< empty: it is a request that may be relayed
  std::uint64_t terminal_counters::*counter = nullptr; ///< of that fault, where terminals have one
};

bool is_form(const http::request& request) {
  return http::find_header(request.headers, "Content-Type")
      .starts_with("application/x-www-form-urlencoded");
}

bool is_session_key(std::string_view text) {
  return text.size() <= longest_session && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  c == '-' || c == '_';
         });
}

/// The key that the client brought; empty: none.
std::string find_session(const http::request& request) {
  const auto form_body = is_form(request) ? std::string_view{request.body} : std::string_view{};
  for (const auto source : {form_body, request.query()})
    if (auto value = http::form_value(source, "session"); value && !value->empty()) return *value;
  return std::string{http::find_header(request.headers, "X-Session")};
}

void read_line(incoming_message& in, std::string_view line, const profile& p) {
  while (line.ends_with('\r') || line.ends_with('\n')) line.remove_suffix(1);
  const auto e = open_line(line, p.wire);
  in.how = form::line;
  if (!e || line.find_first_of("\r\n") != std::string_view::npos) {
    in.fault = "this is not one message of SIP2";
  } else if (!e->is_intact) {
    in.fault = "the checksum is wrong";
    in.counter = &terminal_counters::bad_checksums;
  } else if (!e->spec) {
    in.fault = "this is not one message of SIP2";
    in.counter = &terminal_counters::unknown_codes;
  } else {
    in.content = read_message(*e, p.wire);
  }
}

void read_json(incoming_message& in, std::string_view json) {
  json_notes notes;
  auto m = from_json(json, {}, &notes);
  if (!m) {
    in.fault = to_text(m.error());
    if (m.error() == json_errc::unknown_code) in.counter = &terminal_counters::unknown_codes;
    return;
  }
  if (notes.long_fixed || notes.wrong_number) {
    in.fault = notes.long_fixed ? "the fixed fields are too long"
                                : "a fixed field has a number that it cannot hold";
    return;
  }
  in.content = std::move(*m);
  drop_error_detection(in.content);
  // A client may leave the dates of its fixed fields to us, but no answer to a question.
  if (in.content.fixed.size() < in.content.spec()->fixed_width())
    in.content.fixed.resize(in.content.spec()->fixed_width(), ' ');
}

incoming_message read(const http::request& request, const profile& p) {
  incoming_message in;
  if (http::find_header(request.headers, "Content-Type").starts_with("text/plain"))
    read_line(in, request.body, p);
  else if (is_form(request))
    read_json(in, http::form_value(request.body, "message").value_or(""));
  else
    read_json(in, request.body);
  if (in.fault.empty() && in.content.code != code::end_session &&
      !find_message(in.content.spec()->answer)) {
    in.fault = "this message is not a request";
    in.counter = &terminal_counters::unknown_codes;
  }
  return in;
}

unsigned status_of(const backend_error& e) {
  switch (e.kind) {
  case backend_failure::timed_out: return 504;
  case backend_failure::overloaded:
  case backend_failure::circuit_open:
  case backend_failure::cancelled:
  case backend_failure::unreachable: return 503;
  case backend_failure::lost:
  case backend_failure::status:
  case backend_failure::unusable:
  case backend_failure::bad_answer: break;
  }
  return 502;
}

} // namespace

/// A request on its way, with what its answer needs.
struct door::visit {
  incoming_message in = {};
  std::string session = {};
  bool has_session = false; ///< the client brought it
  std::string account = {}; ///< empty: the session has not logged in
  std::shared_ptr<const profile> rules = {};
  http::responder responder = {};
  terminal_counters& counters;

  void respond(unsigned status, const message& m) {
    ++counters.answers;
    http::response r;
    r.status = status;
    r.headers = {{"Content-Type", in.how == form::json ? "application/json" : "text/plain"},
                 {"X-Session", session},
                 {"Cache-Control", "no-store"}};
    r.body = in.how == form::json ? to_json(m) : write_message(m, rules->wire);
    responder.respond(std::move(r));
  }
  void refuse(unsigned status, std::string_view screen) {
    respond(status, refuse_relay(in.content, *rules, screen, date()));
  }
  static std::string date() { return format_date(std::chrono::system_clock::now()); }
};

struct door::drain_state final : timer {
  drain_state(door& d, std::function<void()> on_done) : owner{d}, done{std::move(on_done)} {}
  void on_timer(instant) override {
    log_warning("{} requests at the door were not finished in time; they are refused",
                owner.asked_.size());
    while (!owner.asked_.empty()) {
      const auto v = *owner.asked_.begin();
      owner.asked_.erase(owner.asked_.begin());
      owner.refuse_for_drain(*v);
    }
    owner.finish_drain();
  }
  door& owner;
  std::function<void()> done;
};

door::door(io::shard& loop, backend& library, terminal_counters& counters,
           std::shared_ptr<const terminal_rules> rules, std::string profile, door_state state)
    : loop_{loop}, library_{library}, counters_{counters}, rules_{std::move(rules)},
      profile_{std::move(profile)}, state_{state} {}

door::~door() = default;

void door::use(std::shared_ptr<const terminal_rules> rules, std::string profile, door_state state) {
  state_ = state;
  rules_ = std::move(rules);
  profile_ = std::move(profile);
}

void door::serve(http::server& server, const std::string& path) {
  server.route("POST", path, http::route_access::token,
               [this](http::request&& request, http::responder responder) {
                 take(request, std::move(responder));
               });
}

void door::take(const http::request& request, http::responder responder) {
  if (state_ == door_state::closed)
    return responder.respond(http::text_response(404, "the direct door is closed"));
  auto v = std::make_shared<visit>(visit{.responder = std::move(responder), .counters = counters_});
  v->session = find_session(request);
  if (!is_session_key(v->session))
    return v->responder.respond(
        http::text_response(400, "a session key has letters, digits, - and _, at most 128"));
  v->has_session = !v->session.empty();
  const auto* login = sessions_.find(v->session, now());
  if (login) v->account = *login;
  const auto* known = login ? rules_->find_account(*login) : nullptr;
  v->rules = rules_->find_profile(known && !known->profile.empty() ? known->profile : profile_);
  v->in = read(request, *v->rules);
  if (!v->in.fault.empty()) {
    if (v->in.counter) ++(counters_.*v->in.counter);
    return v->responder.respond(http::text_response(400, v->in.fault));
  }
  if (!v->has_session) v->session = fmt::format("{:016x}{:016x}", random_bits(), random_bits());

  ++counters_.requests;
  if (draining_) return refuse_for_drain(*v);
  const auto what = v->in.content.code;
  if (what == code::end_session) sessions_.end(v->session);
  if (what != code::login && what != code::end_session)
    if (const auto refusal = check_request(v->in.content, *v->rules,
                                           login ? login_state::accepted : login_state::none)) {
      ++counters_.refused_requests;
      log_warning("[door {}] {} refused: {}", v->session, what.text(), refusal->why);
      return v->refuse(403, refusal->screen);
    }
  relay(v);
}

void door::relay(const std::shared_ptr<visit>& v) {
  auto relayed = v->in.content;
  bool has_proved = false;
  if (relayed.code == code::login) {
    const auto verdict = check_login(relayed, *rules_);
    if (verdict.what == login_verdict::kind::refuse) {
      log_warning("[door {}] login refused: {}", v->session, verdict.why);
      ++counters_.refused_logins;
      return v->refuse(200, {});
    }
    if (verdict.what == login_verdict::kind::accept) {
      accept_login(*v);
      return v->respond(200, {code::login_response, {"1"}});
    }
    has_proved = verdict.has_proved;
  }
  apply_to_request(relayed, *v->rules);
  backend_request ask;
  ask.content = relayed;
  ask.session = v->session;
  ask.keeps_connection = false;
  ask.has_proved_login = has_proved;
  ask.nulls = v->rules->nulls;
  ask.order = v->rules->order;
  ask.request_id = fmt::format("door-{:016x}", random_bits());
  ask.client = v->responder.peer().to_string();
  ask.account = v->account;
  const auto* known = rules_->find_account(v->account);
  // Nobody can ask again under a key that the client has not chosen.
  ask.is_transient = !v->has_session || (known && known->is_transient);
  ask.deadline = v->rules->backend_deadline;
  asked_.insert(v);
  try {
    library_.send(std::move(ask),
                  [this, v, alive = std::weak_ptr{alive_}](const backend_reply& reply) {
                    if (alive.expired() || asked_.erase(v) == 0) return; // it was refused meanwhile
                    take_reply(*v, reply);
                    finish_drain();
                  });
  } catch (const std::bad_alloc&) {
    asked_.erase(v);
    throw;
  }
}

void door::take_reply(visit& v, const backend_reply& reply) {
  const auto refuse = [&](const backend_error& error) {
    count_failure(counters_, error);
    const auto failed = v.in.content.code;
    log_error("[door {}] {}", v.session, explain_failure(failed, error));
    v.refuse(status_of(error), screen_text(failed, error, *v.rules));
  };
  if (!reply) return refuse(reply.error());
  const auto read = take_relay_answer(v.in.content, *reply, *v.rules, visit::date());
  if (!read.fault.empty())
    return refuse({backend_failure::unusable, 0, std::string{read.fault}, {}});
  if (read.content.code == code::login_response) {
    if (read.content.fixed.starts_with('1'))
      accept_login(v);
    else
      ++counters_.refused_logins;
  }
  v.respond(200, read.content);
}

void door::drain(duration limit, std::function<void()> done) {
  if (draining_) return;
  draining_ = std::make_unique<drain_state>(*this, std::move(done));
  loop_.timers().arm(*draining_, loop_.now() + limit);
  finish_drain();
}

void door::refuse_for_drain(visit& v) {
  ++counters_.failures;
  v.refuse(503, v.rules->offline_text);
}

void door::finish_drain() {
  if (!draining_ || !draining_->done || !asked_.empty()) return;
  draining_->cancel();
  loop_.post(std::exchange(draining_->done, nullptr));
}

void door::accept_login(const visit& v) {
  ++counters_.logins;
  if (v.has_session) sessions_.log_in(v.session, std::string{login_name_of(v.in.content)}, now());
}

} // namespace tandem::sip2
