// SPDX-License-Identifier: Apache-2.0
#include <tandem/transport/transport.hpp>

#include <tandem/transport/connectors.hpp>
#include <tandem/transport/home.hpp>

#include <fmt/format.h>
#include <stdexcept>
#include <utility>

namespace tandem::transport {

namespace {

[[noreturn]] void refuse(const listen_point& point, std::string_view why) {
  throw std::runtime_error{fmt::format("cannot listen on {}: {}", via_token(point.transport), why)};
}

} // namespace

transport::transport(io::shard_group& shards, std::vector<listen_point> points,
                     const transport_options& options, tls_contexts tls)
    : options_{options}, tls_{std::move(tls)}, key_{hash_key::random()} {
  for (std::uint16_t i = 0; i < shards.size(); ++i)
    parts_.push_back(std::make_unique<shard_transport>(*this, shards[i]));
  for (auto& part : parts_) part->use_tls(tls_.client);
  const bool is_shared = shards.size() > 1;
  for (std::uint32_t index = 0; index < points.size(); ++index) {
    listen_point& point = points[index];
    const connector& how = connector_of(point.transport);
    if (!how.listen) refuse(point, no_listener_text(point.transport));
    // With SO_REUSEPORT a second server would share the port unnoticed: before the sockets of
    // several shards are bound, one is bound without it, and closed.
    if (is_shared && point.address.port != 0)
      if (const auto free = how.probe(shards[0], point.address); !free) refuse(point, free.error());
    for (auto& part : parts_) {
      const auto bound =
          how.listen(*part, point, is_shared ? io::port_use::shared : io::port_use::alone, index);
      if (!bound) refuse(point, bound.error());
      point.address = *bound; // the others take the port that the first one got
    }
  }
  listeners_ = std::make_unique<listener_table>(points);
  mail_ = std::make_unique<io::mailroom<letter>>(
      shards.all(), [this](io::shard& at, letter& l) { open_letter(at, l); });
}

transport::~transport() = default;

std::uint16_t transport::home_of(std::string_view message, std::uint16_t here) const noexcept {
  if (const auto home = home_of_response(message, shard_count(), here)) return *home;
  const std::string_view call_id = find_call_id(message);
  if (call_id.empty()) return here;
  return tandem::transport::home_of(key_, call_id, shard_count());
}

void transport::open_letter(io::shard& at, letter& l) {
  shard_transport& part = *parts_[at.index()];
  if (auto* in = std::get_if<incoming_letter>(&l)) {
    in->from.at = at.now();
    // A block for a block: the store of the one thread would run empty, that of the other over.
    block_ref empty = block_ref::make(in->block.capacity());
    part.deliver(std::exchange(in->block, std::move(empty)), in->size, in->from);
  } else if (auto* out = std::get_if<outgoing_letter>(&l)) {
    const stack::wire_message message = std::move(out->message); // its block stays here
    part.send_on_stream(out->to, message, out->on_behalf_of, out->asking_shard);
  } else if (auto* failure = std::get_if<failure_letter>(&l)) {
    part.note_failure(failure->on_behalf_of, failure->reason);
  } else if (auto* quoted = std::get_if<quoted_letter>(&l)) {
    part.report_quoted({quoted->block.data(), quoted->size});
  } else if (const auto* binding = std::get_if<binding_letter>(&l)) {
    part.connections_.bind(binding->flow, binding->until);
  }
}

} // namespace tandem::transport
