// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/ended_transactions.hpp>

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace tandem::stack {

namespace {

/// To forget late harms nobody; to wake up for each would.
constexpr duration lateness = milliseconds{200};

} // namespace

target way_back::to_target() const noexcept {
  target to;
  to.address = address;
  to.flow = flow;
  to.transport = transport;
  to.ttl = ttl;
  return to;
}

ended_transactions::ended_transactions(outbox& out, handle_table<client_transaction>& clients,
                                       handle_table<server_transaction>& servers, kept_bytes& kept)
    : out_{out}, clients_{clients}, servers_{servers}, kept_{kept}, start_{out.now()} {}

void ended_transactions::add(ended_kind kind, std::uint64_t key, server_handle live, instant until,
                             std::string_view answer) {
  servers_.replace(key, live,
                   handle_of<server_transaction>(kind, remember(kind, key, until, answer)));
}

void ended_transactions::add(ended_kind kind, std::uint64_t key, client_handle live, instant until,
                             const way_back* upstream) {
  static_assert(std::is_trivially_copyable_v<way_back>);
  std::string_view way;
  if (upstream) way = {reinterpret_cast<const char*>(upstream), sizeof *upstream};
  clients_.replace(key, live, handle_of<client_transaction>(kind, remember(kind, key, until, way)));
}

wire_message ended_transactions::answer_of(server_handle h) const {
  const std::string_view answer = bytes_of(h);
  return answer.empty() ? wire_message{} : wire_message::copy_of(answer);
}

void ended_transactions::revive(std::uint64_t key, server_handle ended,
                                server_handle live) noexcept {
  servers_.replace(key, ended, live);
}

std::optional<way_back> ended_transactions::way_of(client_handle h) const noexcept {
  const std::string_view bytes = bytes_of(h);
  if (bytes.empty()) return std::nullopt;
  way_back way;
  std::memcpy(&way, bytes.data(), sizeof way);
  return way;
}

void ended_transactions::set_way(client_handle h, const way_back& way) noexcept {
  queues_[static_cast<std::size_t>(kind_of(h))].records.set_bytes_of(
      name_of(h), {reinterpret_cast<const char*>(&way), sizeof way});
}

ended_queue::name ended_transactions::remember(ended_kind kind, std::uint64_t key, instant until,
                                               std::string_view bytes) {
  queue& q = queues_[static_cast<std::size_t>(kind)];
  const bool is_first = q.records.is_empty();
  const auto since = static_cast<std::uint32_t>((until - start_) / milliseconds{1});
  const ended_queue::name name = q.records.push(static_cast<std::uint32_t>(key), since, bytes);
  if (is_first) {
    q.owner = this;
    out_.timers().arm(q, until);
  }
  ++size_;
  kept_.add(bytes.size());
  return name;
}

void ended_transactions::forget_oldest(ended_kind kind) noexcept {
  --size_;
  ended_queue& records = queues_[static_cast<std::size_t>(kind)].records;
  const std::uint32_t key = records.front().key;
  // One that was revived has another handle in the table.
  if (kind == ended_kind::client_accepted || kind == ended_kind::client_completed)
    clients_.erase(key, handle_of<client_transaction>(kind, records.front_name()));
  else
    servers_.erase(key, handle_of<server_transaction>(kind, records.front_name()));
  kept_.take_away(records.front().size);
  records.pop();
}

instant ended_transactions::moment_of(std::uint32_t until) const noexcept {
  const instant now = out_.now();
  const auto present = static_cast<std::uint32_t>((now - start_) / milliseconds{1});
  return now + milliseconds{static_cast<std::int32_t>(until - present)};
}

void ended_transactions::queue::on_timer(instant now) {
  const auto kind = static_cast<ended_kind>(this - owner->queues_.data());
  while (!records.is_empty()) {
    const instant until = owner->moment_of(records.front().until);
    if (until > now) {
      owner->out_.timers().arm(*this, std::max(until, now + lateness));
      return;
    }
    owner->forget_oldest(kind);
  }
}

} // namespace tandem::stack
