// SPDX-License-Identifier: Apache-2.0
// Cells that one thread counts in and any thread may read, without a lock. A copy is the value of
// the moment.
#pragma once

#include <atomic>
#include <cstdint>

namespace tandem {

/// Counts upwards. Written by one thread.
class counter {
 public:
  constexpr counter() noexcept = default;
  counter(const counter& other) noexcept : value_{other.value()} {}
  counter& operator=(const counter& other) noexcept {
    value_.store(other.value(), std::memory_order_relaxed);
    return *this;
  }

  void add(std::uint64_t n = 1) noexcept {
    // One writer: no other addition can come between, so no locked instruction is needed.
    value_.store(value() + n, std::memory_order_relaxed);
  }
  counter& operator++() noexcept {
    add();
    return *this;
  }
  [[nodiscard]] std::uint64_t value() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }
  operator std::uint64_t() const noexcept { return value(); } // NOLINT: a counter is a number

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// A number that goes up and down. Written by one thread.
class gauge {
 public:
  constexpr gauge() noexcept = default;
  gauge(const gauge& other) noexcept : value_{other.value()} {}
  gauge& operator=(const gauge& other) noexcept {
    set(other.value());
    return *this;
  }

  void set(std::int64_t v) noexcept { value_.store(v, std::memory_order_relaxed); }
  void add(std::int64_t n) noexcept { set(value() + n); }
  gauge& operator++() noexcept {
    add(1);
    return *this;
  }
  gauge& operator--() noexcept {
    add(-1);
    return *this;
  }
  [[nodiscard]] std::int64_t value() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }
  operator std::int64_t() const noexcept { return value(); } // NOLINT: a gauge is a number

 private:
  std::atomic<std::int64_t> value_{0};
};

} // namespace tandem
