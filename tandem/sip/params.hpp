// SPDX-License-Identifier: Apache-2.0
// Parameters of header values (RFC 3261 25.1: generic-param, auth-param): a view into the text that
// keeps unknown ones and their order. Reading never allocates; editing makes a new text.
#pragma once

#include <tandem/sip/host.hpp>
#include <tandem/sip/step_iterator.hpp>
#include <tandem/sip/value.hpp>

#include <concepts>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

namespace tandem::sip {

/// More parameters than this in one value are refused: look-ups are linear.
inline constexpr std::size_t max_parameters = 128;

/// generic-param = token [ EQUAL ( token / host / quoted-string ) ]
struct param {
  std::string_view name;
  std::string_view value; ///< without its quotes, pairs still escaped; empty when there is none
  bool has_value = false; ///< an "=" was there, perhaps with nothing in the quotes behind it
  bool is_quoted = false;

  /// The meaning of the value, quoted pairs resolved. Allocates.
  [[nodiscard]] std::string unquoted() const {
    return is_quoted ? unquote(value) : std::string{value};
  }
  /// `name`, `name=value` or `name="value"`.
  void write(sink& out) const noexcept;
};

/// Reads one parameter.
result<param, parse_error> read_param(cursor& at) noexcept;

/// A quality value (RFC 3261 20.1: q = 0 to 1 with three decimals) in thousandths, so that it
/// compares exactly. Nothing when the text is none.
[[nodiscard]] std::optional<std::uint16_t> parse_qvalue(std::string_view text) noexcept;

/// Writes thousandths as "1", "0.5", "0.333". Values above 1000 are written as 1.
void write_qvalue(sink& out, std::uint16_t thousandths) noexcept;

/// Parameters separated by semicolons (each behind one) or by commas (one between two).
template <char Separator>
class basic_params {
 public:
  /// Takes one parameter after the other.
  class steps {
   public:
    using value_type = param;

    steps() noexcept : at_{std::string_view{}} {}
    explicit steps(std::string_view text) noexcept : at_{text} {}
    void step() noexcept;
    [[nodiscard]] bool is_done() const noexcept { return done_; }
    [[nodiscard]] const param& now() const noexcept { return now_; }
    [[nodiscard]] std::string_view text() const noexcept { return text_; }

   private:
    cursor at_;
    param now_;
    std::string_view text_;
    bool done_ = true;
  };
  using iterator = step_iterator<steps>;

  /// No parameters.
  constexpr basic_params() noexcept = default;

  /// Takes the parameters that stand here, if any; what follows them is left.
  static result<basic_params, parse_error> read(cursor& at) noexcept;
  /// Takes parameters of which the first has no separator before it; at least one.
  static result<basic_params, parse_error> read_bare(cursor& at) noexcept;
  /// read_bare() that calls `f(const param&)` for each on the way.
  template <typename F>
  static result<basic_params, parse_error> read_each(cursor& at, F&& f) noexcept;
  /// The whole text; a semicolon before the first parameter may be missing.
  static result<basic_params, parse_error> parse(std::string_view text) noexcept;

  [[nodiscard]] iterator begin() const noexcept { return iterator{text_}; }
  [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }
  [[nodiscard]] bool empty() const noexcept { return text_.empty(); }
  /// As they stand, without a separator before the first.
  [[nodiscard]] std::string_view text() const noexcept { return text_; }

  /// The first parameter of that name, case ignored.
  [[nodiscard]] std::optional<param> find(std::string_view name) const noexcept;
  [[nodiscard]] bool has(std::string_view name) const noexcept { return find(name).has_value(); }
  /// Its value without quotes, pairs still escaped; empty when there is no such parameter or value.
  [[nodiscard]] std::string_view value(std::string_view name) const noexcept;
  /// Its value as a number; nothing when it is missing or no number that fits.
  template <std::unsigned_integral T>
  [[nodiscard]] std::optional<T> number(std::string_view name, int base = 10) const noexcept {
    return parse_number<T>(value(name), base);
  }
  /// Its value as a host, IPv6 with or without brackets (RFC 5118 4.5).
  [[nodiscard]] std::optional<host_view> host(std::string_view name) const noexcept {
    return host_view::from_text(value(name));
  }

  /// As they stand; when semicolons separate, one goes before the first.
  void write(sink& out) const noexcept;

 protected:
  constexpr explicit basic_params(std::string_view text) noexcept : text_{text} {}

 private:
  std::string_view text_;
};

template <char Separator>
template <typename F>
result<basic_params<Separator>, parse_error> basic_params<Separator>::read_each(cursor& at,
                                                                                F&& f) noexcept {
  const std::size_t from = at.offset();
  std::size_t count = 0;
  do {
    const auto next = read_param(at);
    if (!next) return tl::unexpected<parse_error>(next.error());
    if (++count > max_parameters) return at.failure(parse_errc::too_many_parameters);
    f(*next);
  } while (at.take_separator(Separator));
  return basic_params{at.since(from)};
}

/// ";a=b;c" behind most values.
using params = basic_params<';'>;
/// `a=b, c="d"` of credentials and challenges.
using auth_params = basic_params<','>;

extern template class basic_params<';'>;
extern template class basic_params<','>;

/// The parameters with one set: its value replaced in its place, or appended. A value that is no
/// plain one is put in quotes. Allocates; feed the result to `parse` for a view.
/// \return `unsafe_text` for CR, LF or NUL; `bad_parameter` for a name that is no token.
template <char Separator>
[[nodiscard]] result<std::string, parse_error>
with_param(basic_params<Separator> from, std::string_view name, std::string_view value);

/// The same for a parameter that has no value, like `lr`.
template <char Separator>
[[nodiscard]] result<std::string, parse_error> with_flag(basic_params<Separator> from,
                                                         std::string_view name);

/// The parameters without any of that name.
template <char Separator>
[[nodiscard]] std::string without_param(basic_params<Separator> from, std::string_view name);

} // namespace tandem::sip
