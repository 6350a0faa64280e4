// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/shard_server.hpp>

#include <tandem/io/shard.hpp>
#include <tandem/server/dns_settings.hpp>

namespace tandem::server {

namespace {
constexpr duration drain_interval = milliseconds{50};
}

shard_server::shard_server(io::shard& loop, transport::shard_transport& net, services& shared,
                           process::spawner& spawner,
                           const std::shared_ptr<const loaded_script>& script, trace_file* trace)
    : loop_{loop}, net_{net}, hosts_{loop, resolver_options_of(*script->program())},
      layer_{net, {}}, core_{{loop, net, layer_, shared, hosts_, spawner}, script},
      entrance_{net, layer_, script->settings().overload}, drain_{*this},
      transactions_now_{shared.metrics.make_gauge(
          "tandem_transactions", "Transactions in progress, and those that are remembered.")},
      kept_bytes_now_{shared.metrics.make_gauge("tandem_transaction_bytes",
                                                "Bytes of messages that transactions keep.")},
      connections_now_{shared.metrics.make_gauge("tandem_connections", "Open connections of SIP.")},
      dns_answers_now_{shared.metrics.make_gauge("tandem_dns_cached_answers",
                                                 "Answers of name servers that are kept.")},
      dns_bytes_now_{
          shared.metrics.make_gauge("tandem_dns_cached_bytes", "Bytes of these answers.")},
      dns_questions_now_{shared.metrics.make_gauge(
          "tandem_dns_questions", "Questions to name servers that wait for their answer.")},
      failed_servers_now_{shared.metrics.make_gauge(
          "tandem_failed_servers", "Servers that failed a moment ago and are tried last.")},
      datagrams_lost_{shared.metrics.make_counter("tandem_datagrams_lost_total",
                                                  "Datagrams that the kernel had no room for.")} {
  add_metrics(shared.metrics);
  if (!trace) return;
  tap_.emplace(*trace);
  net.set_tap(&*tap_);
}

void shard_server::add_metrics(observe::metrics& to) {
  const transport::transport_counters& net = net_.counters();
  constexpr std::string_view messages = "Messages of SIP, before they are read.";
  to.add("tandem_messages_total", messages, {{"transport", "udp"}, {"dir", "in"}},
         net.received_udp);
  to.add("tandem_messages_total", messages, {{"transport", "udp"}, {"dir", "out"}}, net.sent_udp);
  to.add("tandem_messages_total", messages, {{"transport", "stream"}, {"dir", "in"}},
         net.received_stream);
  to.add("tandem_messages_total", messages, {{"transport", "stream"}, {"dir", "out"}},
         net.sent_stream);
  to.add("tandem_keepalives_total", "Keep-alives answered (RFC 5626 4.4.1).", {}, net.pings);
  to.add("tandem_handed_over_total", "Messages given to another shard.", {}, net.handed_over);
  to.add("tandem_send_errors_total", "Messages that could not be sent.", {}, net.send_errors);

  const transport::entrance_counters& in = entrance_.counters();
  to.add("tandem_sip_requests_total", "Requests that came in, copies too.", {}, in.requests);
  to.add("tandem_sip_responses_total", "Responses that came in.", {}, in.responses);
  constexpr std::string_view errors = "What came in and cannot be used.";
  to.add("tandem_sip_parse_errors_total", errors, {{"reason", "unreadable"}}, in.unreadable);
  to.add("tandem_sip_parse_errors_total", errors, {{"reason", "broken"}}, in.broken);
  to.add("tandem_sip_parse_errors_total", errors, {{"reason", "worthless"}}, in.worthless);
  to.add("tandem_sip_parse_errors_total", errors, {{"reason", "misrouted"}}, in.misrouted);
  constexpr std::string_view shed = "Requests answered with 503, by reason.";
  to.add("tandem_shed_total", shed, {{"reason", "load"}}, in.overload);
  to.add("tandem_shed_total", shed, {{"reason", "source"}}, in.limited);

  const stack::transaction_counters& t = layer_.counters();
  constexpr std::string_view made = "Transactions that were begun.";
  to.add("tandem_transactions_begun_total", made, {{"side", "server"}}, t.servers);
  to.add("tandem_transactions_begun_total", made, {{"side", "client"}}, t.clients);
  constexpr std::string_view refused =
      "Transactions not made, and messages not kept, by the bound.";
  to.add("tandem_transactions_refused_total", refused, {{"reason", "number"}}, t.refused);
  to.add("tandem_transactions_refused_total", refused, {{"reason", "bytes"}}, t.out_of_bytes);
  to.add("tandem_transaction_timeouts_total", "Timers B, F and H, and silence after CANCEL.", {},
         t.timeouts);
  to.add("tandem_transaction_send_errors_total", "Transactions that lost their way.", {},
         t.transport_errors);
  to.add("tandem_sip_absorbed_total", "Copies of requests and responses that ended here.", {},
         t.absorbed);
  to.add("tandem_sip_retransmits_total", "Messages sent again.", {}, t.retransmitted);
  to.add("tandem_sip_withheld_total",
         "Copies of messages not sent to addresses that have shown nothing.", {}, t.withheld);
  to.add("tandem_sip_stray_responses_total", "Responses that match no transaction.", {},
         t.stray_responses);
  to.add("tandem_transaction_faults_total", "Events that no RFC has: a fault of this program.", {},
         t.impossible);

  const names::resolver_counters& dns = hosts_.counters();
  to.add("tandem_dns_lookups_total", "Names that were looked up.", {}, dns.asked);
  to.add("tandem_dns_lookups_known_total", "Of these, those that nobody had to be asked for.", {},
         dns.cached);
  to.add("tandem_dns_questions_total", "Questions to name servers.", {}, dns.sent);
  constexpr std::string_view without = "Questions that brought no records, by reason.";
  to.add("tandem_dns_failures_total", without, {{"reason", "not_found"}}, dns.not_found);
  to.add("tandem_dns_failures_total", without, {{"reason", "timeout"}}, dns.timeouts);
  to.add("tandem_dns_failures_total", without, {{"reason", "failed"}}, dns.failures);
  to.add("tandem_dns_failures_total", without, {{"reason", "busy"}}, dns.busy);

  constexpr std::string_view no_memory = "What memory ran out for: it was lost, or refused.";
  const auto count_lost = [&](const char* what, const counter& cell) {
    to.add("tandem_out_of_memory_total", no_memory, {{"what", what}}, cell);
  };
  count_lost("message", net_.to_tell().lost());
  count_lost("event", loop_.lost());
  count_lost("timer", loop_.timers().lost());

  const core_counters& c = core_.counters();
  to.add("tandem_script_requests_total", "Requests that reached the script.", {}, c.requests);
  to.add("tandem_script_suspensions_total", "Times that a script has waited.", {}, c.suspensions);
  to.add("tandem_sip_rejected_total", "Requests refused before the script.", {}, c.rejected);
  to.add("tandem_sip_stateless_replies_total", "Replies without a transaction.", {},
         c.stateless_replies);
}

void shard_server::publish() {
  transactions_now_.set(static_cast<std::int64_t>(layer_.size()));
  kept_bytes_now_.set(static_cast<std::int64_t>(layer_.kept_bytes()));
  dns_answers_now_.set(static_cast<std::int64_t>(hosts_.cache_size()));
  dns_bytes_now_.set(static_cast<std::int64_t>(hosts_.cache_bytes()));
  dns_questions_now_.set(static_cast<std::int64_t>(hosts_.in_flight()));
  failed_servers_now_.set(static_cast<std::int64_t>(core_.proxy().failed().size()));
  connections_now_.set(static_cast<std::int64_t>(net_.connection_count()));
  datagrams_lost_.add(net_.lost_datagrams() - datagrams_lost_);
}

void shard_server::load(const std::shared_ptr<const loaded_script>& script) {
  core_.load(script);
  entrance_.set_bounds(script->settings().overload);
}

void shard_server::drain(duration limit, std::function<void()> done) {
  core_.drain();
  drain_.until = loop_.now() + limit;
  drain_.done = std::move(done);
  drain_.on_timer(loop_.now());
}

void shard_server::drain_watch::on_timer(instant now) {
  if (now < until && owner.core_.has_unanswered()) {
    owner.loop_.timers().arm(*this, now + drain_interval);
    return;
  }
  done();
}

} // namespace tandem::server
