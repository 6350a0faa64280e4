// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/door.hpp>

#include <tandem/base/log.hpp>
#include <tandem/base/random.hpp>
#include <tandem/sip2/mediator/login_check.hpp>
#include <tandem/sip2/mediator/relay_exchange.hpp>
#include <tandem/sip2/protocol/date.hpp>
#include <tandem/sip2/protocol/parser.hpp>
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
  std::string session;
  bool has_session = false; ///< the client brought it
  message content;
  std::string fault; ///< empty: it is a request that may be relayed
};

bool is_session_key(std::string_view text) {
  return text.size() <= longest_session && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  c == '-' || c == '_';
         });
}

std::string find_session(const http::request& request, std::string_view form_body) {
  for (const auto source : {form_body, request.query()})
    if (auto value = http::form_value(source, "session"); value && !value->empty()) return *value;
  return std::string{http::find_header(request.headers, "X-Session")};
}

incoming_message read(const http::request& request, const profile& p) {
  incoming_message in;
  const auto type = http::find_header(request.headers, "Content-Type");
  const bool is_form = type.starts_with("application/x-www-form-urlencoded");
  in.session = find_session(request, is_form ? std::string_view{request.body} : "");
  if (!is_session_key(in.session)) {
    in.fault = "a session key has letters, digits, - and _, at most 128";
    return in;
  }
  in.has_session = !in.session.empty();
  if (!in.has_session) in.session = fmt::format("{:016x}{:016x}", random_bits(), random_bits());

  if (type.starts_with("text/plain")) {
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
        is_form ? http::form_value(request.body, "message").value_or("") : request.body;
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

http::response make_response(unsigned status, form how, const std::string& session,
                             const message& m, const profile& p) {
  http::response r;
  r.status = status;
  r.headers = {{"Content-Type", how == form::json ? "application/json" : "text/plain"},
               {"X-Session", session},
               {"Cache-Control", "no-store"}};
  r.body = how == form::json ? to_json(m) : write_message(m, p.wire);
  return r;
}

/// The answer that goes to the client, from what the back-end said.
http::response make_answer(const incoming_message& in, const backend_reply& reply, const profile& p,
                           const std::string& pointer, terminal_counters& counters) {
  const auto date = format_date(std::chrono::system_clock::now());
  const auto refuse = [&](unsigned status, std::string_view screen, std::string_view why) {
    log_error("[door {}] no answer to {}: {}", in.session, in.content.code.text(), why);
    return make_response(status, in.how, in.session, refuse_relay(in.content, p, screen, date), p);
  };
  if (!reply) {
    count_failure(counters, reply.error());
    return refuse(status_of(reply.error()), screen_text(reply.error(), p),
                  reply.error().detail.empty() ? to_text(reply.error().kind)
                                               : std::string_view{reply.error().detail});
  }
  const auto read = read_relay_answer(in.content, *reply, p, pointer, date);
  if (!read.fault.empty()) {
    ++counters.bad_answers;
    ++counters.failures;
    return refuse(502, p.refused_text, read.fault);
  }
  return make_response(200, in.how, in.session, read.content, p);
}

} // namespace

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
  const auto p = rules_->find_profile(profile_);
  auto in = std::make_shared<incoming_message>(read(request, *p));
  if (!in->fault.empty()) return responder.respond(http::text_response(400, in->fault));
  auto relayed = in->content;
  if (relayed.code == code::login) {
    const auto verdict = check_login(relayed, *rules_);
    if (verdict.what != login_verdict::kind::relay) {
      const bool is_accepted = verdict.what == login_verdict::kind::accept;
      if (!is_accepted) log_warning("[door {}] login refused: {}", in->session, verdict.why);
      ++(is_accepted ? counters_.logins : counters_.refused_logins);
      return responder.respond(make_response(
          200, in->how, in->session, {code::login_response, {is_accepted ? "1" : "0"}}, *p));
    }
  }
  apply_to_request(relayed, *p);
  backend_request ask;
  ask.code = relayed.code;
  ask.session = in->session;
  ask.message = to_json(relayed);
  ask.request_id = fmt::format("door-{:016x}", random_bits());
  ask.client = responder.peer().to_string();
  ask.is_transient = !in->has_session; // nobody can ask again under its key
  ask.deadline = p->backend_deadline;
  auto waiting = std::make_shared<http::responder>(std::move(responder));
  library_.send(std::move(ask), [in, waiting, p, pointer = rules_->answer_pointer,
                                 counters = &counters_](const backend_reply& reply) {
    waiting->respond(make_answer(*in, reply, *p, pointer, *counters));
  });
}

} // namespace tandem::sip2
