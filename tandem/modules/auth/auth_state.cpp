// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/auth/auth_state.hpp>

#include <tandem/io/shard.hpp>

#include <algorithm>
#include <utility>

namespace tandem::modules {

auth_state::auth_state(server::core& owner) : core_{owner} {
  observe::metrics& all = owner.shared().metrics;
  constexpr std::string_view total = "Requests that were let in or challenged.";
  constexpr std::string_view failures = "Requests that were not let in, by the reason.";
  all.add("tandem_auth_total", total, {{"result", "good"}}, good);
  all.add("tandem_auth_total", total, {{"result", "challenged"}}, challenged);
  for (const auto& [reason, cell] :
       {std::pair{"none", &none}, std::pair{"stale", &stale}, std::pair{"wrong", &wrong},
        std::pair{"malformed", &malformed}, std::pair{"failed", &failed}, std::pair{"busy", &busy}})
    all.add("tandem_auth_failures_total", failures, {{"reason", reason}}, *cell);
  all.add("tandem_auth_waiting", "Requests that wait for an account to be looked up.", {},
          waiting_);
}

std::uint64_t auth_state::begin(token waiting, duration deadline) {
  const instant due = core_.on().shard.now() + deadline;
  waits_.emplace(++last_, wait{due, std::move(waiting)});
  waiting_.set(static_cast<std::int64_t>(waits_.size()));
  if (!is_armed() || due < this->due()) core_.on().shard.timers().arm(*this, due);
  return last_;
}

void auth_state::end(std::uint64_t number) noexcept {
  waits_.erase(number);
  waiting_.set(static_cast<std::int64_t>(waits_.size()));
}

void auth_state::on_timer(instant now) {
  // Each answer runs a script, which may begin or end other waits.
  const std::uint64_t newest = last_;
  for (auto it = waits_.begin(); it != waits_.end() && it->first <= newest;) {
    const std::uint64_t number = it->first;
    if (it->second.due <= now) {
      const token waiting = it->second.waiting;
      end(number);
      waiting({.what = storage::account_answer::kind::failed});
    }
    it = waits_.upper_bound(number);
  }
  if (waits_.empty() || is_armed()) return;
  const auto next =
      std::ranges::min_element(waits_, {}, [](const auto& each) { return each.second.due; });
  core_.on().shard.timers().arm(*this, next->second.due);
}

} // namespace tandem::modules
