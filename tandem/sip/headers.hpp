// SPDX-License-Identifier: Apache-2.0
// Typed access to the headers of a message: a tag for each of headers.def, named like its id.
//
//   const auto via = msg.get<hdr::via>();                          // result<via, parse_error>
//   for (const auto& c : msg.all<hdr::contact>()) if (c) use(c->address);
//   msg.edit().put(hdr::expires, number{60});                      // message_editor.hpp
#pragma once

#include <tandem/sip/message.hpp>
#include <tandem/sip/values.hpp>

#include <array>
#include <optional>

namespace tandem::sip {

/// Ties a header's id to the type of its values. Turns into its id, and so into a header_name.
template <header_id Id, header_shape Shape, typename Value>
struct header_tag {
  using value_type = Value;
  static constexpr header_id id = Id;
  static constexpr header_shape shape = Shape;
  constexpr operator header_id() const noexcept { return Id; }
  constexpr operator header_name() const noexcept { return Id; }
};

namespace hdr {
#define TANDEM_HEADER(id, name, compact, shape, value, source)                                     \
  inline constexpr header_tag<header_id::id, header_shape::shape, sip::value> id{};
#include <tandem/sip/headers.def>
#undef TANDEM_HEADER
} // namespace hdr

/// The values of all lines of a header, in order, each parsed when it is asked for: a result<T,
/// parse_error> whose offset counts from the first byte of its line's value. Lives as the message.
template <typename T, header_id Id, header_shape Shape>
class header_values {
 public:
  class iterator {
   public:
    using value_type = result<T, parse_error>;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;

    explicit iterator(const message& of) noexcept : of_{&of} { open(0); }
    const value_type& operator*() const noexcept {
      if constexpr (Shape == header_shape::list)
        return **item_;
      else
        return *item_;
    }
    const value_type* operator->() const noexcept { return &**this; }
    iterator& operator++() noexcept {
      if constexpr (Shape == header_shape::list) {
        if (++*item_ != std::default_sentinel) return *this;
      }
      open(line_ + 1);
      return *this;
    }
    void operator++(int) noexcept { ++*this; }
    friend bool operator==(const iterator& a, std::default_sentinel_t) noexcept {
      return a.line_ == message::npos;
    }

   private:
    /// The first value in line `from` or behind it.
    void open(std::size_t from) noexcept {
      for (line_ = of_->find(Id, from); line_ != message::npos; line_ = of_->find(Id, line_ + 1)) {
        const std::string_view text = of_->value(line_);
        if constexpr (Shape == header_shape::list) {
          item_.emplace(list<T>{text}.begin());
          if (*item_ != std::default_sentinel) return;
        } else {
          item_.emplace(T::parse(text));
          return;
        }
      }
    }

    template <header_shape S, typename U>
    struct item {
      using type = value_type;
    };
    template <typename U>
    struct item<header_shape::list, U> {
      using type = typename list<U>::iterator;
    };

    const message* of_;
    std::size_t line_ = 0;
    std::optional<typename item<Shape, T>::type> item_;
  };

  explicit header_values(const message& of) noexcept : of_{&of} {}
  [[nodiscard]] iterator begin() const noexcept { return iterator{*of_}; }
  [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

 private:
  const message* of_;
};

template <auto Header>
auto message::all() const noexcept {
  using tag = decltype(Header);
  return header_values<typename tag::value_type, tag::id, tag::shape>{*this};
}

template <auto Header>
auto message::get() const noexcept {
  using value = typename decltype(Header)::value_type;
  if constexpr (decltype(Header)::id == header_id::via)
    if (const auto known = known_via()) return result<value, parse_error>{*known};
  const auto values = all<Header>();
  const auto it = values.begin();
  if (it == values.end()) return result<value, parse_error>{parse_failure(parse_errc::empty, 0)};
  return result<value, parse_error>{*it};
}

} // namespace tandem::sip
