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

incoming_message read(const http::request& request, const profile& p) {
  incoming_message in;
  if (http::find_header(request.headers, "Content-Type").starts_with("text/plain")) {
    in.how = form::line;
    auto line = std::string_view{request.body};
    while (line.ends_with('\r') || line.ends_with('\n')) line.remove_suffix(1);
    const auto e = open_line(line, p.wire);
    if (!e || !e->spec || line.find_first_of("\r\n") != std::string_view::npos)
      in.fault = "this is not one message of SIP2";
    else if (!e->is_intact)
      in.fault = "the checksum is wrong";
    else
      in.content = read_message(*e, p.wire);
  } else {
    const auto json =
        is_form(request) ? http::form_value(request.body, "message").value_or("") : request.body;
    json_notes notes;
    auto m = from_json(json, {}, &notes);
    if (!m)
      in.fault = std::string{to_text(m.error())};
    else if (notes.long_fixed)
      in.fault = "the fixed fields are too long";
    else
      in.content = std::move(*m);
    // A client may leave the dates of its fixed fields to us, but no answer to a question.
    if (in.fault.empty() && in.content.fixed.size() < in.content.spec()->fixed_width())
      in.content.fixed.resize(in.content.spec()->fixed_width(), ' ');
  }
  if (in.fault.empty() && in.content.code != code::end_session &&
      !find_message(in.content.spec()->answer))
    in.fault = "this message is not a request";
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

door::door(backend& library, terminal_counters& counters,
           std::shared_ptr<const terminal_rules> rules, std::string profile)
    : library_{library}, counters_{counters}, rules_{std::move(rules)}, profile_{
                                                                            std::move(profile)} {}

void door::use(std::shared_ptr<const terminal_rules> rules, std::string profile) {
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
  if (!v->in.fault.empty()) return v->responder.respond(http::text_response(400, v->in.fault));
  if (!v->has_session) v->session = fmt::format("{:016x}{:016x}", random_bits(), random_bits());

  ++counters_.requests;
  const auto what = v->in.content.code;
  if (what == code::end_session) sessions_.end(v->session);
  if (what != code::login && what != code::end_session)
    if (const auto refusal = check_request(v->in.content, *v->rules,
                                           login ? login_state::accepted : login_state::none)) {
      log_warning("[door {}] {} refused: {}", v->session, what.text(), refusal->why);
      return v->refuse(403, refusal->screen);
    }
  relay(v);
}

void door::relay(const std::shared_ptr<visit>& v) {
  auto relayed = v->in.content;
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
  }
  apply_to_request(relayed, *v->rules);
  backend_request ask;
  ask.code = relayed.code;
  ask.session = v->session;
  ask.message = to_json(relayed);
  ask.request_id = fmt::format("door-{:016x}", random_bits());
  ask.client = v->responder.peer().to_string();
  ask.account = v->account;
  const auto* known = rules_->find_account(v->account);
  // Nobody can ask again under a key that the client has not chosen.
  ask.is_transient = !v->has_session || (known && known->is_transient);
  ask.deadline = v->rules->backend_deadline;
  library_.send(std::move(ask),
                [this, v, alive = std::weak_ptr{alive_}](const backend_reply& reply) {
                  if (!alive.expired()) take_reply(*v, reply);
                });
}

void door::take_reply(visit& v, const backend_reply& reply) {
  const auto refuse = [&v](unsigned status, std::string_view screen, std::string_view why) {
    log_error("[door {}] no answer to {}: {}", v.session, v.in.content.code.text(), why);
    v.refuse(status, screen);
  };
  if (!reply) {
    const auto& error = reply.error();
    count_failure(counters_, error);
    return refuse(status_of(error), screen_text(error, *v.rules),
                  error.detail.empty() ? to_text(error.kind) : std::string_view{error.detail});
  }
  const auto read =
      read_relay_answer(v.in.content, *reply, *v.rules, rules_->answer_pointer, visit::date());
  if (!read.fault.empty()) {
    ++counters_.bad_answers;
    ++counters_.failures;
    return refuse(502, v.rules->refused_text, read.fault);
  }
  if (read.content.code == code::login_response) {
    if (read.content.fixed.starts_with('1'))
      accept_login(v);
    else
      ++counters_.refused_logins;
  }
  v.respond(200, read.content);
}

void door::accept_login(const visit& v) {
  ++counters_.logins;
  if (v.has_session) sessions_.log_in(v.session, std::string{login_name_of(v.in.content)}, now());
}

} // namespace tandem::sip2
