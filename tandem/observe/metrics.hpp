// SPDX-License-Identifier: Apache-2.0
// Counters, gauges and histograms: plain ones for each shard, summed when they are read. Counting
// is one addition without a lock; each cell has one writing thread, any thread may read.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/base/counter.hpp>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tandem::observe {

/// How many times fell under each of some bounds, and their sum. Written by one thread.
class histogram {
 public:
  /// \param bounds upper bounds of the buckets, ascending, in seconds; +Inf comes by itself. They
  /// must outlive the histogram.
  explicit histogram(std::span<const double> bounds);

  void observe(duration time) noexcept;

  /// Number of observations in bucket `i` alone; i = bounds().size() is what lies above all bounds.
  [[nodiscard]] std::uint64_t bucket(std::size_t i) const noexcept { return cells_[i].value(); }
  [[nodiscard]] duration sum() const noexcept {
    return duration{static_cast<duration::rep>(sum_.value())};
  }
  [[nodiscard]] std::span<const double> bounds() const noexcept { return bounds_; }

 private:
  std::span<const double> bounds_;
  std::vector<counter> cells_;
  counter sum_; ///< nanoseconds
};

/// Bounds from 0.5 ms to 30 s, for what waits on networks and people's programs.
[[nodiscard]] std::span<const double> latency_bounds() noexcept;

/// Names and values of labels, in the order in which they are printed.
using label_list = std::vector<std::pair<std::string, std::string>>;

/// All metrics of a process. Its members are made at start-up or when a new label value comes up,
/// by any thread, and live as long as it does.
class metrics {
 public:
  metrics();
  metrics(const metrics&) = delete;
  metrics& operator=(const metrics&) = delete;
  ~metrics();

  /// A new cell. Cells of the same name and labels are summed when read: each shard makes its own.
  /// The first one's help text counts; a name has one type. A family keeps at most 1,000 different
  /// sets of labels; cells beyond count unseen.
  /// \param name as Prometheus wants it: counters end in _total, times in _seconds.
  counter& make_counter(std::string_view name, std::string_view help,
                        const label_list& labels = {});
  gauge& make_gauge(std::string_view name, std::string_view help, const label_list& labels = {});
  histogram& make_histogram(std::string_view name, std::string_view help,
                            const label_list& labels = {},
                            std::span<const double> bounds = latency_bounds());

  /// A cell of somebody else's, which counts as one more of that name. Nobody reads the metrics
  /// when it is gone.
  void add(std::string_view name, std::string_view help, const label_list& labels,
           const counter& cell);
  void add(std::string_view name, std::string_view help, const label_list& labels,
           const gauge& cell);

  /// A gauge or counter that is asked when read: `read` runs on the reading thread.
  void add_gauge(std::string_view name, std::string_view help, const label_list& labels,
                 std::function<double()> read);
  void add_counter(std::string_view name, std::string_view help, const label_list& labels,
                   std::function<double()> read);

  /// Everything in Prometheus' text format 0.0.4, families and series in the order of their names.
  [[nodiscard]] std::string to_prometheus() const;

  /// Runs f(name, labels as printed, value) for every series, in the same order; of a histogram for
  /// its _count and _sum.
  void for_each(const std::function<void(std::string_view name, std::string_view labels,
                                         double value)>& f) const;

  /// The sum of a counter's or gauge's cells; 0 when there is none. For tests and commands.
  [[nodiscard]] double value(std::string_view name, const label_list& labels = {}) const;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

/// The media type of to_prometheus().
inline constexpr std::string_view prometheus_content_type =
    "text/plain; version=0.0.4; charset=utf-8";

/// Adds what is known of this process: tandem_build_info, and Prometheus' standard names for CPU
/// time, memory, descriptors and start.
void add_process_metrics(metrics& to);

} // namespace tandem::observe
