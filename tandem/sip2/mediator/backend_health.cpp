// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/backend_health.hpp>

namespace tandem::sip2 {

backend_health::backend_health(const health_options& options, instant now) : options_{options} {
  plan(now);
}

void backend_health::plan(instant now) {
  next_probe_.reset();
  is_probing_ = false;
  if (!is_up_)
    next_probe_ = now + options_.probe_interval;
  else if (options_.is_watched)
    next_probe_ = now + options_.health_interval;
}

backend_health::change backend_health::on_success(instant now) {
  unreachable_ = doubts_ = 0;
  if (is_up_) return change::none;
  is_up_ = true;
  plan(now);
  return change::came_up;
}

backend_health::change backend_health::open(instant now) {
  if (!is_up_) return change::none;
  is_up_ = false;
  plan(now);
  return change::went_down;
}

backend_health::change backend_health::on_unreachable(std::string_view why, instant now) {
  last_problem_ = why;
  return ++unreachable_ < options_.failures_to_open ? change::none : open(now);
}

void backend_health::on_doubt(std::string_view why, instant now) {
  last_problem_ = why;
  if (++doubts_ >= options_.failures_to_open && is_up_ && !is_probing_) {
    doubts_ = 0; // the next so many ask for the next probe
    next_probe_ = now;
  }
}

backend_health::change backend_health::on_probe(std::string_view problem, instant now) {
  if (problem.empty()) {
    const auto changed = on_success(now);
    plan(now);
    return changed;
  }
  last_problem_ = problem;
  const auto changed = open(now);
  plan(now);
  return changed;
}

void backend_health::use(const health_options& options, instant now) {
  options_ = options;
  plan(now);
}

} // namespace tandem::sip2
