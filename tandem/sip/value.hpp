// SPDX-License-Identifier: Apache-2.0
// What every typed header value offers, how one is written safely, and the lazy list of several in
// one header line (RFC 3261 7.3.1). Values are views into the text they were parsed from.
#pragma once

#include <tandem/sip/lexical.hpp>
#include <tandem/sip/parse_error.hpp>
#include <tandem/sip/sink.hpp>
#include <tandem/sip/step_iterator.hpp>

#include <concepts>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

namespace tandem::sip {

/// The shape of all header values: `parse` reads the whole of a header's text (blanks around it
/// are ignored, folds inside it too) and gives views into it, without allocating; `write` puts it
/// in the form that the wire wants. What was parsed and not changed is written as it stood, but
/// for blanks that mean nothing.
template <typename T>
concept header_value = requires(std::string_view text, const T& value, sink& out) {
  { T::parse(text) } -> std::same_as<result<T, parse_error>>;
  { value.write(out) } -> std::same_as<void>;
};

/// A value that may stand beside others, separated by commas. `read` takes one and leaves the
/// cursor on what follows it.
template <typename T>
concept list_value = header_value<T> && requires(cursor& at) {
  { T::read(at) } -> std::same_as<result<T, parse_error>>;
};

/// `parse` for a type that has `read`: blanks, one value, blanks, the end.
template <typename T>
[[nodiscard]] result<T, parse_error> parse_whole(std::string_view text) noexcept {
  cursor at{text};
  at.skip_lws();
  auto value = T::read(at);
  if (!value) return value;
  at.skip_lws();
  if (!at.at_end()) value = at.failure(parse_errc::trailing_text);
  return value;
}

/// Bytes that the value takes on the wire.
template <header_value T>
[[nodiscard]] std::size_t text_size(const T& value) noexcept {
  sink measure;
  value.write(measure);
  return measure.size();
}

/// Writes the value to `room` and proves it: the text has no CR, LF or NUL and parses again.
/// \return the bytes written; `unsafe_text`, `too_large`, or why the text would not parse.
template <header_value T>
[[nodiscard]] result<std::size_t, parse_error> write_value(const T& value,
                                                           std::span<char> room) noexcept {
  sink out{room};
  value.write(out);
  if (!out.is_safe()) return parse_failure(parse_errc::unsafe_text, 0);
  if (!out.has_fitted()) return parse_failure(parse_errc::too_large, 0);
  const auto again = T::parse(out.text());
  if (!again) return tl::unexpected<parse_error>(again.error());
  return out.size();
}

/// The same as an own string. Allocates.
template <header_value T>
[[nodiscard]] result<std::string, parse_error> to_text(const T& value) {
  std::string text(text_size(value), '\0');
  const auto written = write_value(value, text);
  if (!written) return tl::unexpected<parse_error>(written.error());
  return text;
}

/// Steps over one list item of whatever kind: to the next comma that is neither in quotes nor in
/// angle brackets, or to the end when there is none or a quote or bracket never closes.
void skip_list_item(cursor& at) noexcept;

/// Steps over blanks and commas before a list item (empty items mean nothing).
void skip_list_commas(cursor& at) noexcept;

/// The values of one header line, parsed one by one as they are asked for. An item that cannot be
/// parsed is an error in its place and the next one is read after it:
///   for (const auto& hop : list<via>{text}) { if (!hop) return hop.error(); use(*hop); }
/// Offsets of errors count from the first byte of the line's text, which must outlive the list.
template <list_value T>
class list {
 public:
  /// Takes one item after the other, the broken ones too.
  class steps {
   public:
    using value_type = result<T, parse_error>;

    steps() noexcept : at_{std::string_view{}} {}
    explicit steps(std::string_view text) noexcept : at_{text} {}
    [[nodiscard]] bool is_done() const noexcept { return !value_.has_value(); }
    [[nodiscard]] const value_type& now() const noexcept { return *value_; }
    [[nodiscard]] std::string_view text() const noexcept { return item_; }
    void step() noexcept {
      skip_list_commas(at_);
      if (at_.at_end()) {
        value_.reset();
        item_ = {};
        return;
      }
      const std::size_t from = at_.offset();
      value_.emplace(T::read(at_));
      if (*value_) {
        item_ = at_.since(from);
        at_.skip_lws();
        if (at_.at_end() || at_.peek() == ',') return;
        value_.emplace(at_.failure(parse_errc::trailing_text));
      }
      at_.move_to(from);
      skip_list_item(at_);
      item_ = trim(at_.since(from));
    }

   private:
    cursor at_;
    std::string_view item_;
    std::optional<value_type> value_;
  };
  using iterator = step_iterator<steps>;

  /// The list in one header line's text.
  explicit list(std::string_view text) noexcept : text_{text} {}

  [[nodiscard]] iterator begin() const noexcept { return iterator{text_}; }
  [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }
  /// The first value; `empty` when there is none.
  [[nodiscard]] result<T, parse_error> front() const noexcept {
    const iterator first = begin();
    if (first == end()) return parse_failure(parse_errc::empty, text_.size());
    return *first;
  }
  [[nodiscard]] std::string_view text() const noexcept { return text_; }

 private:
  std::string_view text_;
};

/// The raw items of a comma-separated line, whatever they are: quotes and angle brackets respected,
/// blanks around each item removed, empty items skipped.
struct raw_item {
  std::string_view text;

  static result<raw_item, parse_error> read(cursor& at) noexcept;
  static result<raw_item, parse_error> parse(std::string_view text) noexcept;
  void write(sink& out) const noexcept { out.put(text); }
};

} // namespace tandem::sip
