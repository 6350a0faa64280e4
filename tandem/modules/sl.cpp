// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/sl.hpp>

#include <tandem/script/argument.hpp>
#include <tandem/server/arguments/status_argument.hpp>
#include <tandem/server/core.hpp>
#include <tandem/server/forwarding/redirection.hpp>

namespace tandem::modules {

namespace {

using script::outcome;
using server::message_context;

outcome send(message_context& m, sip::response_writer&& made) {
  server::add_redirection(m, made);
  if (m.home().reply(m.arrived(), m.from(), std::move(made))) {
    m.note_served();
    return outcome::yes();
  }
  m.set_error(server::routing_error::bad_request);
  return outcome::no();
}

outcome sl_send_reply(script::call& c) {
  auto& m = c.as<message_context>();
  return send(m, m.home().begin_reply(m, static_cast<int>(c.number(0)), c.text(1)));
}

outcome sl_reply_error(script::call& c) {
  auto& m = c.as<message_context>();
  const auto answer = server::answer_for(m.error(), "SL");
  auto made = m.home().begin_reply(m, answer.status, answer.reason);
  // RFC 3261 21.5.4: a caller that is told when to come back need not try another server at once.
  if (answer.status == 503) m.home().add_retry_after(made);
  return send(m, std::move(made));
}

script::module_info declare() {
  using script::argument_kind;
  script::module_info info{.name = "sl", .help = "replies without a transaction"};
  info.other_names = {"sl_module"};
  info.functions.push_back({
      .name = "sl_send_reply",
      .arguments = {{"code", argument_kind::integer}, {"reason", argument_kind::text}},
      .help = "answers the request without a transaction; nothing is sent for an ACK",
      .run = sl_send_reply,
      .prepare = server::check_status_argument,
  });
  info.functions.push_back({
      .name = "sl_reply_error",
      .arguments = {},
      .help = "answers with the status that fits what failed last",
      .run = sl_reply_error,
  });
  info.functions.push_back({
      .name = "sl_filter_ACK",
      .arguments = {},
      .help = "false: an ACK for a reply of ours ends here before any script sees it",
      .run = [](script::call&) { return outcome::no(); },
  });
  return info;
}

} // namespace

server::module_entry sl() { return {.declare = declare}; }

} // namespace tandem::modules
