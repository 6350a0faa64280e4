// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/ended_transactions.hpp>

#include <algorithm>
#include <utility>

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
                                       handle_table<server_transaction>& servers)
    : out_{out}, clients_{clients}, servers_{servers}, start_{out.now()} {}

void ended_transactions::add(ended_kind kind, std::uint64_t key, server_handle live, instant until,
                             const wire_message& answer) {
  const auto kept = answer ? answers_.emplace(answer) : handle<wire_message>{};
  servers_.replace(key, live, name_of<server_transaction>(kind, kept));
  remember(kind, key, until);
}

void ended_transactions::add(ended_kind kind, std::uint64_t key, client_handle live, instant until,
                             const way_back* upstream) {
  const auto kept = upstream ? ways_.emplace(*upstream) : handle<way_back>{};
  clients_.replace(key, live, name_of<client_transaction>(kind, kept));
  remember(kind, key, until);
}

wire_message ended_transactions::answer_of(server_handle h) noexcept {
  const wire_message* kept = answers_.find(kept_of<wire_message>(h));
  return kept ? *kept : wire_message{};
}

void ended_transactions::revive(std::uint64_t key, server_handle ended, server_handle live) {
  answers_.erase(kept_of<wire_message>(ended));
  servers_.replace(key, ended, live);
}

const way_back* ended_transactions::way_of(client_handle h) noexcept {
  return ways_.find(kept_of<way_back>(h));
}

void ended_transactions::remember(ended_kind kind, std::uint64_t key, instant until) {
  ++size_;
  const auto since = (until - start_) / milliseconds{1};
  queues_[static_cast<std::size_t>(kind)].push(*this, {key, static_cast<std::uint32_t>(since)});
}

void ended_transactions::forget(std::uint64_t key, ended_kind kind) {
  --size_;
  if (kind == ended_kind::client_accepted || kind == ended_kind::client_completed) {
    const client_handle h = clients_.find(key);
    if (!is_ended(h)) return;
    if (kind == ended_kind::client_accepted) ways_.erase(kept_of<way_back>(h));
    clients_.erase(key, h);
  } else {
    const server_handle h = servers_.find(key);
    if (!is_ended(h) || kind_of(h) != kind) return; // it was revived
    if (kind == ended_kind::server_answered) answers_.erase(kept_of<wire_message>(h));
    servers_.erase(key, h);
  }
}

instant ended_transactions::moment_of(std::uint32_t until) const noexcept {
  const instant now = out_.now();
  const auto present = static_cast<std::uint32_t>((now - start_) / milliseconds{1});
  return now + milliseconds{static_cast<std::int32_t>(until - present)};
}

void ended_transactions::queue::push(ended_transactions& owner, const record& r) {
  const std::size_t at = first_at_ + size_;
  if (at % chunk_size == 0) {
    std::unique_ptr<chunk> added =
        spare_ ? std::exchange(spare_, std::move(spare_->next)) : std::make_unique<chunk>();
    chunk* const last = added.get();
    (first_ ? last_->next : first_) = std::move(added);
    last_ = last;
  }
  last_->records[at % chunk_size] = r;
  if (size_++ != 0) return;
  owner_ = &owner;
  owner.out_.timers().arm(*this, owner.moment_of(r.until));
}

void ended_transactions::queue::pop() {
  --size_;
  if (++first_at_ != chunk_size && size_ != 0) return;
  // The chunk is done with; an empty queue begins with a whole one.
  first_at_ = 0;
  std::unique_ptr<chunk> emptied = std::exchange(first_, std::move(first_->next));
  emptied->next = std::move(spare_);
  spare_ = std::move(emptied);
}

void ended_transactions::queue::on_timer(instant now) {
  const auto kind = static_cast<ended_kind>(this - owner_->queues_.data());
  while (size_ != 0) {
    const record& oldest = first_->records[first_at_];
    const instant until = owner_->moment_of(oldest.until);
    if (until > now) {
      owner_->out_.timers().arm(*this, std::max(until, now + lateness));
      return;
    }
    owner_->forget(oldest.key, kind);
    pop();
  }
}

} // namespace tandem::stack
