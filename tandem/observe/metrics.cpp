// SPDX-License-Identifier: Apache-2.0
#include <tandem/observe/metrics.hpp>

#include <tandem/base/log.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <deque>
#include <fmt/format.h>
#include <iterator>
#include <map>
#include <mutex>

namespace tandem::observe {

namespace {

constexpr std::size_t most_series = 1000;

constexpr std::array latency{0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1,
                             0.2,    0.5,   1.0,   2.0,   5.0,  10.0, 30.0};

enum class kind : std::uint8_t { counter, gauge, histogram };

constexpr std::string_view kind_name(kind k) noexcept {
  switch (k) {
  case kind::counter: return "counter";
  case kind::gauge: return "gauge";
  case kind::histogram: break;
  }
  return "histogram";
}

/// The cells of one set of labels.
struct series {
  std::vector<const counter*> counters;
  std::vector<const gauge*> gauges;
  std::vector<const histogram*> histograms;
  std::vector<std::function<double()>> functions;

  [[nodiscard]] double sum() const {
    double total = 0;
    for (const counter* c : counters) total += static_cast<double>(c->value());
    for (const gauge* g : gauges) total += static_cast<double>(g->value());
    for (const auto& f : functions) total += f();
    return total;
  }
};

struct family {
  kind type{};
  std::string help;
  std::map<std::string, series> by_labels; ///< key: the labels as printed, without braces
  bool is_full = false;
  series unseen; ///< of the sets of labels beyond most_series
};

using text_output = std::back_insert_iterator<std::string>;

/// In a label's value, a backslash, a quote and a line feed are escaped; in help, no quote.
void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\\')
      out += "\\\\";
    else if (c == '\n')
      out += "\\n";
    else if (c == '"' && quotes)
      out += "\\\"";
    else
      out += c;
  }
}

std::string print_labels(const label_list& labels) {
  std::string out;
  for (const auto& [name, value] : labels) {
    if (!out.empty()) out += ',';
    out += name;
    out += "=\"";
    append_escaped(out, value, true);
    out += '"';
  }
  return out;
}

void append_line(std::string& out, std::string_view name, std::string_view suffix,
                 std::string_view labels, double value) {
  out += name;
  out += suffix;
  if (!labels.empty()) fmt::format_to(text_output{out}, "{{{}}}", labels);
  if (std::isinf(value))
    out += value > 0 ? " +Inf\n" : " -Inf\n";
  else if (std::isnan(value))
    out += " NaN\n";
  else
    fmt::format_to(text_output{out}, " {}\n", value);
}

void append_histogram(std::string& out, std::string_view name, const std::string& labels,
                      const std::vector<const histogram*>& cells) {
  const auto bounds = cells.front()->bounds();
  const std::string_view comma = labels.empty() ? "" : ",";
  std::uint64_t total = 0;
  for (std::size_t i = 0; i <= bounds.size(); ++i) {
    for (const histogram* cell : cells) total += cell->bucket(i);
    const std::string bound = i < bounds.size() ? fmt::format("{}", bounds[i]) : "+Inf";
    fmt::format_to(text_output{out}, "{}_bucket{{{}{}le=\"{}\"}} {}\n", name, labels, comma, bound,
                   total);
  }
  double seconds_sum = 0;
  for (const histogram* cell : cells)
    seconds_sum += std::chrono::duration<double>(cell->sum()).count();
  append_line(out, name, "_sum", labels, seconds_sum);
  append_line(out, name, "_count", labels, static_cast<double>(total));
}

[[maybe_unused]] bool is_name(std::string_view name) {
  return !name.empty() && (name.front() < '0' || name.front() > '9') &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
         });
}

} // namespace

histogram::histogram(std::span<const double> bounds) : bounds_{bounds}, cells_(bounds.size() + 1) {}

void histogram::observe(duration time) noexcept {
  const double in_seconds = std::chrono::duration<double>(time).count();
  std::size_t i = 0;
  while (i < bounds_.size() && in_seconds > bounds_[i]) ++i;
  cells_[i].add();
  sum_.add(static_cast<std::uint64_t>(std::max<duration::rep>(time.count(), 0)));
}

std::span<const double> latency_bounds() noexcept { return latency; }

struct metrics::state {
  /// The series that a new cell belongs to. Holds the mutex.
  series& place(std::string_view name, std::string_view help, const label_list& labels, kind type) {
    assert(is_name(name));
    auto found = families.find(name);
    if (found == families.end()) {
      found = families.emplace(std::string{name}, family{}).first;
      found->second.type = type;
      found->second.help = help;
    }
    family& of = found->second;
    assert(of.type == type);
    std::string key = print_labels(labels);
    if (of.type == type && (of.by_labels.contains(key) || of.by_labels.size() < most_series))
      return of.by_labels[std::move(key)];
    if (!of.is_full) log_warning("metric {}: only {} sets of labels are kept", name, most_series);
    of.is_full = true;
    return of.unseen;
  }

  mutable std::mutex mutex;
  std::map<std::string, family, std::less<>> families;
  std::deque<counter> counters; // deques: what they hold does not move
  std::deque<gauge> gauges;
  std::deque<histogram> histograms;
};

metrics::metrics() : state_{std::make_unique<state>()} {}
metrics::~metrics() = default;

counter& metrics::make_counter(std::string_view name, std::string_view help,
                               const label_list& labels) {
  const std::lock_guard lock{state_->mutex};
  counter& cell = state_->counters.emplace_back();
  state_->place(name, help, labels, kind::counter).counters.push_back(&cell);
  return cell;
}

gauge& metrics::make_gauge(std::string_view name, std::string_view help, const label_list& labels) {
  const std::lock_guard lock{state_->mutex};
  gauge& cell = state_->gauges.emplace_back();
  state_->place(name, help, labels, kind::gauge).gauges.push_back(&cell);
  return cell;
}

histogram& metrics::make_histogram(std::string_view name, std::string_view help,
                                   const label_list& labels, std::span<const double> bounds) {
  const std::lock_guard lock{state_->mutex};
  histogram& cell = state_->histograms.emplace_back(bounds);
  auto& cells = state_->place(name, help, labels, kind::histogram).histograms;
  assert(cells.empty() || std::ranges::equal(cells.front()->bounds(), bounds));
  cells.push_back(&cell);
  return cell;
}

void metrics::add(std::string_view name, std::string_view help, const label_list& labels,
                  const counter& cell) {
  const std::lock_guard lock{state_->mutex};
  state_->place(name, help, labels, kind::counter).counters.push_back(&cell);
}

void metrics::add(std::string_view name, std::string_view help, const label_list& labels,
                  const gauge& cell) {
  const std::lock_guard lock{state_->mutex};
  state_->place(name, help, labels, kind::gauge).gauges.push_back(&cell);
}

void metrics::add_gauge(std::string_view name, std::string_view help, const label_list& labels,
                        std::function<double()> read) {
  const std::lock_guard lock{state_->mutex};
  state_->place(name, help, labels, kind::gauge).functions.push_back(std::move(read));
}

void metrics::add_counter(std::string_view name, std::string_view help, const label_list& labels,
                          std::function<double()> read) {
  const std::lock_guard lock{state_->mutex};
  state_->place(name, help, labels, kind::counter).functions.push_back(std::move(read));
}

std::string metrics::to_prometheus() const {
  std::string out;
  const std::lock_guard lock{state_->mutex};
  for (const auto& [name, of] : state_->families) {
    out += "# HELP ";
    out += name;
    out += ' ';
    append_escaped(out, of.help, false);
    fmt::format_to(text_output{out}, "\n# TYPE {} {}\n", name, kind_name(of.type));
    for (const auto& [labels, cells] : of.by_labels) {
      if (of.type == kind::histogram)
        append_histogram(out, name, labels, cells.histograms);
      else
        append_line(out, name, "", labels, cells.sum());
    }
  }
  return out;
}

void metrics::for_each(
    const std::function<void(std::string_view, std::string_view, double)>& f) const {
  const std::lock_guard lock{state_->mutex};
  for (const auto& [name, of] : state_->families)
    for (const auto& [labels, cells] : of.by_labels) {
      if (of.type != kind::histogram) {
        f(name, labels, cells.sum());
        continue;
      }
      std::uint64_t count = 0;
      double in_seconds = 0;
      for (const histogram* cell : cells.histograms) {
        for (std::size_t i = 0; i <= cell->bounds().size(); ++i) count += cell->bucket(i);
        in_seconds += std::chrono::duration<double>(cell->sum()).count();
      }
      f(name + "_count", labels, static_cast<double>(count));
      f(name + "_sum", labels, in_seconds);
    }
}

double metrics::value(std::string_view name, const label_list& labels) const {
  const std::lock_guard lock{state_->mutex};
  const auto found = state_->families.find(name);
  if (found == state_->families.end()) return 0;
  const auto cells = found->second.by_labels.find(print_labels(labels));
  return cells == found->second.by_labels.end() ? 0 : cells->second.sum();
}

} // namespace tandem::observe
