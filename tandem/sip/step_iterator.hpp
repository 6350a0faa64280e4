// SPDX-License-Identifier: Apache-2.0
// The iterator of every list that is read out of a text piece by piece: of header values, of their
// parameters, of the parts of a URI. A view into the text, which must outlive it.
#pragma once

#include <cstddef>
#include <iterator>
#include <string_view>

namespace tandem::sip {

/// `Steps` reads: made of a text, each `step()` takes its next piece. `now()` is what was made of
/// it, `text()` the bytes of it as they stand, and `is_done()` says that there was none.
template <typename Steps>
class step_iterator {
 public:
  using value_type = typename Steps::value_type;
  using difference_type = std::ptrdiff_t;
  using iterator_concept = std::forward_iterator_tag;

  /// The end.
  step_iterator() noexcept = default;
  /// The first piece of that text.
  explicit step_iterator(std::string_view text) noexcept : steps_{text} { steps_.step(); }

  const value_type& operator*() const noexcept { return steps_.now(); }
  const value_type* operator->() const noexcept { return &steps_.now(); }
  step_iterator& operator++() noexcept {
    steps_.step();
    return *this;
  }
  step_iterator operator++(int) noexcept {
    step_iterator before = *this;
    steps_.step();
    return before;
  }
  /// The bytes of this piece as they stand, without what separates it.
  [[nodiscard]] std::string_view text() const noexcept { return steps_.text(); }

  friend bool operator==(const step_iterator& a, std::default_sentinel_t) noexcept {
    return a.steps_.is_done();
  }
  friend bool operator==(const step_iterator& a, const step_iterator& b) noexcept {
    return a.steps_.is_done() == b.steps_.is_done() && a.text().data() == b.text().data();
  }

 private:
  Steps steps_;
};

} // namespace tandem::sip
