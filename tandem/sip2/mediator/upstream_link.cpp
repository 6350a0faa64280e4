// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/upstream_link.hpp>

#include <algorithm>
#include <utility>

namespace tandem::sip2 {

upstream_link::upstream_link(io::shard& loop, upstream_link_setup setup, upstream_link_user& user)
    : loop_{loop}, setup_{std::move(setup)}, user_{user}, session_{setup_.profile, setup_.login},
      connection_{loop, *this, {.open = setup_.connect_deadline}} {}

upstream_link::~upstream_link() {
  if (resolving_ && setup_.names) setup_.names->cancel(*resolving_);
}

void upstream_link::open(instant until) {
  is_open_ = true;
  loop_.timers().arm(*this, std::min(until, loop_.now() + 2 * setup_.connect_deadline));
  resolve();
}

void upstream_link::close() noexcept {
  is_open_ = false;
  cancel();
  connection_.close();
  if (resolving_ && setup_.names) setup_.names->cancel(*std::exchange(resolving_, std::nullopt));
}

void upstream_link::resolve() {
  if (const auto literal = ip_address::parse(setup_.at.host)) {
    addresses_ = {*literal};
    return connect_next();
  }
  if (setup_.names) {
    resolving_ = setup_.names->resolve(setup_.at.host, names::address_family::any,
                                       [this](const names::resolver::answer& found) {
                                         resolving_.reset();
                                         take_addresses(found);
                                       });
    return;
  }
  loop_.post([this, alive = std::weak_ptr{alive_}] {
    if (!alive.expired() && is_open_) take_addresses(fail(names::resolve_error::failed));
  });
}

void upstream_link::take_addresses(const names::resolver::answer& found) {
  if (!found || found->empty()) {
    const auto why = found ? names::resolve_error::not_found : found.error();
    return end(explain(backend_failure::unreachable, std::string{names::to_string(why)}));
  }
  addresses_.assign(found->rbegin(), found->rend());
  connect_next();
}

void upstream_link::connect_next() {
  const auto next = addresses_.back();
  addresses_.pop_back();
  connection_.connect({next, setup_.at.port}, setup_.tls, setup_.at.host);
}

void upstream_link::ask(const message& question, instant until) {
  is_asked_ = true;
  sent_before_ = connection_.sent_bytes();
  const auto step = session_.ask(question);
  connection_.write(step.send);
  loop_.timers().arm(*this, until);
}

void upstream_link::expect_use_by(instant until) { loop_.timers().arm(*this, until); }

bool upstream_link::is_usable() const noexcept {
  return is_open_ && session_.is_idle() && session_.is_sound() && connection_.is_quiet();
}

void upstream_link::on_connected() {
  has_connected_ = true;
  take(session_.begin());
}

void upstream_link::on_data(std::string_view bytes) { take(session_.on_bytes(bytes)); }

void upstream_link::take(upstream_step&& step) {
  using news = upstream_step::news;
  if (!step.send.empty()) connection_.write(step.send);
  switch (step.what) {
  case news::none: return;
  case news::ready: cancel(); return user_.on_ready(*this);
  case news::answered:
    cancel();
    is_asked_ = false;
    return user_.on_answer(*this, std::move(step.answer));
  case news::refused:
    is_refused_ = true;
    return end(explain(backend_failure::unreachable, std::move(step.text)));
  case news::broken: return end(explain(backend_failure::bad_answer, std::move(step.text)));
  }
}

void upstream_link::on_closed(io::connection_end why, std::string_view detail) {
  if (!is_open_) return;
  if (io::has_not_opened(why) && why != io::connection_end::tls_failed && !addresses_.empty())
    return connect_next();
  const bool is_hung_up = why == io::connection_end::by_peer || why == io::connection_end::cut_off;
  end(explain(has_connected_ ? backend_failure::lost : backend_failure::unreachable,
              is_hung_up ? std::string{"the server hung up"} : std::string{detail}));
}

void upstream_link::on_timer(instant) {
  if (is_asked_) return end(explain(backend_failure::timed_out, "no answer in time"));
  if (session_.is_idle()) return end(explain(backend_failure::lost, "it was not used"));
  end(explain(backend_failure::unreachable,
              has_connected_ ? "no answer to the login in time" : "no connection in time"));
}

void upstream_link::end(library_failure&& why) {
  close();
  user_.on_over(*this, std::move(why));
}

/// What fails before a question was sent says that nothing can be sent.
library_failure upstream_link::explain(backend_failure kind, std::string detail) const {
  using blame = library_failure::blame;
  const bool was_sent = is_asked_ && connection_.sent_bytes() > sent_before_;
  library_failure out;
  out.error = {was_sent ? kind : backend_failure::unreachable, 0, std::move(detail), {}};
  out.was_sent = was_sent;
  out.what = was_sent || is_asked_ ? blame::doubt : blame::unreachable;
  return out;
}

} // namespace tandem::sip2
