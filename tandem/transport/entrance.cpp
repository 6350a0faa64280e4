// SPDX-License-Identifier: Apache-2.0
#include <tandem/transport/entrance.hpp>

#include <tandem/base/log.hpp>
#include <tandem/sip/validate.hpp>
#include <tandem/stack/stateless_answer.hpp>
#include <tandem/stack/via_rules.hpp>

#include <algorithm>
#include <new>
#include <optional>
#include <utility>

namespace tandem::transport {

namespace {

/// Requests a second from one source that begin nothing: a call has an ACK, a BYE, and perhaps some
/// more.
std::uint32_t ongoing_rate(const overload_options& options) noexcept {
  constexpr std::uint32_t for_each_new_one = 10;
  constexpr std::uint32_t most = UINT32_MAX / for_each_new_one;
  return std::min(options.requests_per_source, most) * for_each_new_one;
}

} // namespace

entrance::entrance(shard_transport& net, stack::transaction_layer& layer,
                   const overload_options& options)
    : net_{net}, layer_{layer}, options_{options}, limits_{options.requests_per_source},
      ongoing_{ongoing_rate(options)} {
  net_.set_user(this);
  set_bounds(options);
}

entrance::~entrance() { net_.set_user(nullptr); }

void entrance::on_message(block_ref&& block, std::uint32_t size, const stack::arrival& from) {
  try {
    take_message(std::move(block), size, from);
  } catch (const std::bad_alloc&) {
    net_.to_tell().note_lost();
  }
}

void entrance::take_message(block_ref&& block, std::uint32_t size, const stack::arrival& from) {
  auto parsed = sip::message::parse(std::move(block), size);
  if (!parsed) {
    ++counters_.unreadable;
    log_debug("{}: no message: {}", from.source.to_string(), sip::to_string(parsed.error()));
    return;
  }
  if (parsed->is_request())
    take_request(*parsed, from);
  else
    take_response(*parsed, from);
}

void entrance::take_request(sip::message& request, const stack::arrival& from) {
  ++counters_.requests;
  stack::stamp_top_via(request, from.source);
  if (const auto defect = request.defect()) {
    ++counters_.broken;
    if (!may_go_on(from)) return;
    return answer(request, from, sip::status_owed(defect->code), sip::reason_owed(defect->code));
  }
  if (is_refused(request, from)) return answer(request, from, 503);
  bool lacks_keys = false;
  net_.to_tell().take([&] { lacks_keys = !layer_.receive_request(request, from); });
  if (!lacks_keys) return;
  // RFC 3261 8.1.1: without these headers a request belongs to nothing and can only be refused.
  ++counters_.broken;
  const auto owed = sip::validate(request, sip::role::proxy);
  if (owed && owed->is_silent()) return;
  answer(request, from, 400,
         owed ? std::string_view{owed->reason} : "Via, From, To, Call-ID or CSeq Cannot Be Read");
}

void entrance::take_response(sip::message& response, const stack::arrival& from) {
  ++counters_.responses;
  // RFC 3261 8.1.3.3, 16.7, 18.3: nobody can be answered, so it is dropped.
  if (const auto fault = sip::fault_of_response(response)) {
    ++counters_.worthless;
    log_debug("{}: a response is dropped: {}", from.source.to_string(), *fault);
    return;
  }
  // RFC 3261 18.1.2: a response whose top Via is not one of ours was not meant for us.
  if (!net_.is_own_via(response.top_via())) {
    ++counters_.misrouted;
    log_debug("{}: a response is dropped: its Via is not ours", from.source.to_string());
    return;
  }
  net_.to_tell().take([&] { layer_.receive_response(response, from); });
}

void entrance::set_bounds(const overload_options& options) {
  options_ = options;
  limits_.set_rate(options.requests_per_source);
  ongoing_.set_rate(ongoing_rate(options));
  layer_.set_kept_limits(options.kept);
}

bool entrance::is_overloaded() const noexcept {
  return net_.loop().lag() > options_.lag || layer_.size() >= options_.transactions;
}

bool entrance::may_go_on(const stack::arrival& from) {
  if (ongoing_.admit(from.source.ip, from.at)) return true;
  ++counters_.limited;
  return false;
}

bool entrance::is_refused(const sip::message& request, const stack::arrival& from) {
  // What is in progress goes on: dialogs, ACK, CANCEL, and copies of what was let in. Anybody can
  // write a To tag, so that this has a bound of its own.
  const bool goes_on = request.method() == sip::method::ack ||
                       request.method() == sip::method::cancel || !request.to_tag().empty();
  if (goes_on) return !may_go_on(from);
  const bool is_loaded = is_overloaded();
  const bool is_admitted = is_loaded || limits_.admit(from.source.ip, from.at);
  if ((is_admitted && !is_loaded) || layer_.find_server(request, from)) return false;
  ++(is_loaded ? counters_.overload : counters_.limited);
  return true;
}

void entrance::on_broken(block_ref&& block, std::uint32_t size, sip::parse_errc error,
                         const stack::arrival& from) {
  try {
    take_broken(std::move(block), size, error, from);
  } catch (const std::bad_alloc&) {
    net_.to_tell().note_lost();
  }
}

void entrance::take_broken(block_ref&& block, std::uint32_t size, sip::parse_errc error,
                           const stack::arrival& from) {
  auto parsed = block ? sip::message::parse(std::move(block), size)
                      : result<sip::message, sip::parse_error>{sip::message{}};
  if (!parsed || !*parsed || !parsed->is_request()) {
    ++counters_.unreadable;
    return;
  }
  ++counters_.broken;
  if (!may_go_on(from)) return;
  stack::stamp_top_via(*parsed, from.source);
  answer(*parsed, from, sip::status_owed(error), sip::reason_owed(error));
}

void entrance::answer(const sip::message& request, const stack::arrival& from, int status,
                      std::string_view reason) {
  const auto wait =
      status == 503 ? std::optional<duration>{seconds{options_.retry_after}} : std::nullopt;
  stack::answer_stateless(net_, request, from, status, reason, layer_.secret(), wait);
}

void entrance::on_send_error(stack::origin on_behalf_of, stack::send_error reason) {
  net_.to_tell().take([&] { layer_.on_send_error(on_behalf_of, reason); });
}

void entrance::on_datagram_refused(std::string_view quoted) {
  net_.to_tell().take([&] { layer_.on_datagram_refused(quoted); });
}

} // namespace tandem::transport
