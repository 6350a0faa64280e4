// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/client/printer.hpp>

#include <tandem/sip2/protocol/json.hpp>
#include <tandem/sip2/protocol/pretty.hpp>

#include <fmt/format.h>
#include <ostream>

namespace tandem::sip2 {
namespace {

constexpr std::string_view rule = "----------------\n";

double in_seconds(duration d) { return std::chrono::duration<double>(d).count(); }
double in_milliseconds(duration d) { return in_seconds(d) * 1000; }

} // namespace

run_events printer::events() {
  return {[this](const message& m, std::string_view line) { sent(m, line); },
          [this](const exchange& e) { received(e); }};
}

void printer::sent(const message& m, std::string_view line) {
  switch (form_) {
  case print_form::summary: out_ << '+' << std::flush; return;
  case print_form::pretty:
    if (m.spec()) {
      out_ << "[SENDING]\n" << to_pretty(m) << rule;
      return;
    }
    [[fallthrough]]; // a raw line
  case print_form::plain: out_ << "[SENDING]\n" << line << '\n' << rule; return;
  case print_form::json:
  case print_form::raw:
  case print_form::silent: return;
  }
}

void printer::received(const exchange& e) {
  switch (form_) {
  case print_form::silent: return;
  case print_form::summary: out_ << '-'; break;
  case print_form::raw: out_ << "> " << e.sent << "\n< " << e.received << '\n'; break;
  case print_form::json:
    out_ << fmt::format("{{\"sent\":{},\"received\":{},\"duration\":{:.6f},\"ok\":{}}}\n",
                        to_json(e.question), to_json(e.answer), in_seconds(e.took), e.is_ok);
    break;
  case print_form::pretty:
  case print_form::plain:
    out_ << fmt::format("[RECEIVED, duration: {:.3f}]:\n", in_seconds(e.took))
         << (form_ == print_form::pretty && e.answer.spec() ? to_pretty(e.answer)
                                                            : e.received + '\n')
         << rule;
    break;
  }
  out_ << std::flush;
  for (const auto& d : e.differences) err_ << e.answer.code.text() << " differs: " << d << '\n';
}

void printer::finished(const run_result& r, std::size_t replayed) {
  if (replayed > 0)
    err_ << fmt::format("{} messages asked again, {} answered otherwise\n", replayed, r.different);
  if (!is_for_programs() && form_ != print_form::silent)
    out_ << fmt::format("\nRun time: {:.3f}\n", in_seconds(r.whole));
}

void printer::latency(run_result& r) {
  auto& out = is_for_programs() ? err_ : out_;
  out << fmt::format(
      "{} answers, {:.1f}/s; ms: p50 {:.2f}  p90 {:.2f}  p99 {:.2f}  max {:.2f}\n", r.times.size(),
      static_cast<double>(r.times.size()) / in_seconds(r.whole),
      in_milliseconds(percentile(r.times, 0.5)), in_milliseconds(percentile(r.times, 0.9)),
      in_milliseconds(percentile(r.times, 0.99)), in_milliseconds(percentile(r.times, 1)));
}

void print_self_test(const std::vector<self_check>& checks, std::ostream& out) {
  const auto mark_of = [](self_check::outcome how) {
    switch (how) {
    case self_check::outcome::good: return "ok";
    case self_check::outcome::bad: return "BAD";
    case self_check::outcome::skipped: break;
    }
    return "-";
  };
  std::size_t bad = 0;
  for (const auto& c : checks) {
    bad += c.how == self_check::outcome::bad ? 1U : 0U;
    const bool is_good = c.how == self_check::outcome::good;
    out << fmt::format("{:<5}{}{}{}\n", mark_of(c.how), c.name, is_good ? "" : ": ", c.why);
  }
  out << fmt::format("{} tried, {} bad\n", checks.size(), bad);
}

} // namespace tandem::sip2
