// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/transaction_layer.hpp>

#include <tandem/stack/stateless_answer.hpp>

namespace tandem::stack {

std::optional<request_keys> transaction_layer::keys_of(const sip::message& request,
                                                       const arrival& from) const noexcept {
  return from.keys ? std::optional{from.keys} : keys_of_request(request, commons_.secret);
}

// ---- what comes in

bool transaction_layer::receive_request(sip::message& request, const arrival& source) {
  const auto keys = keys_of_request(request, commons_.secret);
  if (!keys) return false;
  arrival from = source;
  from.keys = *keys;
  if (absorb(request, from)) return true;
  // An ACK never waits: nobody could answer it with 503, and no program may hold a call's ACK up.
  if (!held_.is_empty() && request.method() != sip::method::ack && wait(request, from)) return true;
  out().to_tell().add(request_arrived{&commons_.users, std::move(request), from});
  return true;
}

bool transaction_layer::absorb(sip::message& request, const arrival& from) {
  if (servers_.absorb(commons_.server_keys.find(from.keys.own), request, from)) return true;
  if (request.method() != sip::method::cancel) return false;
  // RFC 3261 9.2
  const server_handle invite = commons_.server_keys.find(from.keys.invite);
  if (!invite) return false;
  if (!servers_.hold_cancel(invite, request, from))
    out().to_tell().add(cancel_arrived{&commons_.users, invite, std::move(request), from});
  return true;
}

bool transaction_layer::receive_response(sip::message& response, const arrival& from) {
  const auto key = key_of_response(response, commons_.secret);
  const client_handle h = key ? commons_.client_keys.find(*key) : client_handle{};
  if (clients_.receive(h, response, from)) return true;
  if (!key && !response.key()) return false;
  ++commons_.counters.stray_responses;
  out().to_tell().add(stray_arrived{&commons_.users, std::move(response), from});
  return true;
}

// ---- errors of the transport

void transaction_layer::on_send_error(origin on_behalf_of, send_error reason) {
  ++commons_.counters.transport_errors;
  if (on_behalf_of.of == origin::kind::client)
    clients_.fail_to_send({on_behalf_of.slot, on_behalf_of.generation});
  else if (on_behalf_of.of == origin::kind::server)
    servers_.fail_to_send({on_behalf_of.slot, on_behalf_of.generation}, reason);
}

void transaction_layer::on_datagram_refused(std::string_view quoted) {
  if (const auto key = key_of_quoted_request(quoted, commons_.secret)) {
    const client_handle client = commons_.client_keys.find(*key);
    if (!clients_.find(client)) return;
    ++commons_.counters.transport_errors;
    clients_.fail_to_send(client);
  } else if (const auto answered = key_of_quoted_response(quoted, commons_.secret)) {
    if (servers_.refuse_datagram(commons_.server_keys.find(*answered)))
      ++commons_.counters.transport_errors;
  }
}

// ---- transactions

result<server_handle, transaction_errc>
transaction_layer::create_server(const sip::message& request, const arrival& from,
                                 server_user& user, user_tag tag) {
  const auto keys = keys_of(request, from);
  if (!keys) return fail(transaction_errc::bad_branch);
  return servers_.create(request, keys->own, from, user, tag);
}

server_handle transaction_layer::find_server(const sip::message& request,
                                             const arrival& from) const noexcept {
  const auto keys = keys_of(request, from);
  if (!keys) return {};
  return commons_.server_keys.find(request.method() == sip::method::cancel ? keys->invite
                                                                           : keys->own);
}

bool transaction_layer::retire(client_handle client, server_handle upstream) {
  const server_transaction* const server = servers_.find(upstream);
  return clients_.retire(client, server ? &server->reply_to() : nullptr,
                         server ? server->allowance() : 0);
}

// ---- programs that wait

result<server_handle, transaction_errc> transaction_layer::suspend(const sip::message& request,
                                                                   const arrival& from,
                                                                   server_user& user,
                                                                   user_tag tag) {
  const auto keys = keys_of(request, from);
  if (!keys) return fail(transaction_errc::bad_branch);
  if (suspended_ >= commons_.limits.suspended) {
    commons_.note_full(commons_.limits.suspended, "suspended programs");
    return fail(transaction_errc::full);
  }
  auto held = std::make_unique<suspension>();
  const std::uint64_t call = held->call = call_key(request, commons_.secret);
  held_.hold(call);
  result<server_handle, transaction_errc> made = fail(transaction_errc::full);
  out().to_tell().guard(
      [&] { made = servers_.suspend(request, keys->own, from, user, tag, std::move(held)); });
  if (made)
    ++suspended_;
  else
    end_hold(call);
  return made;
}

void transaction_layer::resume(server_handle server) {
  const auto ended = servers_.resume(server);
  if (!ended) return;
  --suspended_;
  if (ended->cancel) {
    held_request& cancel = *ended->cancel;
    if (ended->is_forgotten)
      out().to_tell().add(request_arrived{&commons_.users, std::move(cancel.request), cancel.from});
    else
      out().to_tell().add(
          cancel_arrived{&commons_.users, server, std::move(cancel.request), cancel.from});
  }
  end_hold(ended->call);
}

void transaction_layer::end_hold(std::uint64_t call) {
  held_.let_go(call);
  out().to_tell().add(call_released{this, call});
}

void transaction_layer::release_next(std::uint64_t call) {
  // One after the other, until one of them suspends in its turn.
  auto next = held_.next(call);
  if (!next) return;
  // One that memory runs out for holds nobody up.
  out().to_tell().guard([&] {
    // Its transaction may be there by now, and a CANCEL finds the INVITE that went before it.
    if (!absorb(next->request, next->from))
      out().to_tell().add(request_arrived{&commons_.users, std::move(next->request), next->from});
  });
  out().to_tell().add(call_released{this, call});
}

bool transaction_layer::wait(sip::message& request, const arrival& from) {
  switch (held_.wait(call_key(request, commons_.secret), request, from, commons_.kept)) {
  case hold_verdict::free: return false;
  case hold_verdict::waits: break;
  case hold_verdict::copy: ++commons_.counters.absorbed; break;
  case hold_verdict::too_many:
    commons_.note_full(commons_.limits.waiting_per_call, "requests that wait for one call");
    refuse(request, from);
    break;
  case hold_verdict::out_of_bytes:
    commons_.note_out_of_bytes(commons_.kept.of(from.source.ip));
    refuse(request, from);
    break;
  }
  return true;
}

void transaction_layer::refuse(const sip::message& request, const arrival& from) {
  answer_stateless(out(), request, from, 503, {}, commons_.secret, retry_after_);
}

} // namespace tandem::stack
