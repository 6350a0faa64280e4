// SPDX-License-Identifier: Apache-2.0
// The overlay of edits of a message: every later reader sees them, the writer obeys them, and the
// received bytes stay as they are. The index becomes an own copy, new text goes into the block of
// edits, and what is shared with a clone is copied before it changes. One thread at a time.
#pragma once

#include <tandem/base/block.hpp>
#include <tandem/base/result.hpp>
#include <tandem/sip/edit_errc.hpp>
#include <tandem/sip/message.hpp>
#include <tandem/sip/value.hpp>

#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

namespace tandem::sip {

/// A tag of headers.hpp and a value for it: `put(hdr::expires, number{60})`.
template <typename Header, typename Value>
concept typed_value = requires {
  typename Header::value_type;
  { Header::id } -> std::convertible_to<header_id>;
}
&&!std::convertible_to<const Value&, std::string_view>;

/// What `message::edit()` gives out, for one expression. A text that is refused, with CR, LF or NUL
/// or one that would not parse again, leaves the message as it was. Texts may be views into the
/// message itself.
class message_editor {
 public:
  explicit message_editor(message& of) noexcept : of_{of} {}

  // --- start line

  /// Of a request.
  [[nodiscard]] result<void, edit_errc> set_request_uri(std::string_view uri);
  /// Of a response.
  [[nodiscard]] result<void, edit_errc> set_status(int status, std::string_view reason);

  // --- header lines by name

  /// Replaces all lines of that name by one, where the first was; appends it when there is none.
  [[nodiscard]] result<void, edit_errc> put(header_name name, std::string_view value);
  /// A line before the first of that name; the first of all when there is none.
  [[nodiscard]] result<void, edit_errc> put_front(header_name name, std::string_view value);
  /// The same with a value that is these pieces, one after the other.
  [[nodiscard]] result<void, edit_errc> put_front(header_name name,
                                                  std::initializer_list<std::string_view> value);
  /// Not {first, last}: that would be two texts, of which the second has no end.
  void put_front(header_name name, std::initializer_list<const char*> value) = delete;
  /// A line after the last of that name; the last of all when there is none.
  [[nodiscard]] result<void, edit_errc> put_back(header_name name, std::string_view value);
  /// A line at the end of all.
  [[nodiscard]] result<void, edit_errc> append(header_name name, std::string_view value);
  /// Removes every line of that name, however its name is written. \return how many.
  std::size_t erase(header_name name);
  /// The same for several names.
  std::size_t erase(std::initializer_list<header_name> names);

  /// The same of typed values.
  template <typename Header, typename Value>
  requires typed_value<Header, Value>
  [[nodiscard]] result<void, edit_errc> put(Header, const Value& value);
  template <typename Header, typename Value>
  requires typed_value<Header, Value>
  [[nodiscard]] result<void, edit_errc> put_front(Header, const Value& value);
  template <typename Header, typename Value>
  requires typed_value<Header, Value>
  [[nodiscard]] result<void, edit_errc> put_back(Header, const Value& value);

  // --- header lines by number

  /// A line before line `i`, which may be header_count().
  [[nodiscard]] result<void, edit_errc> insert_line(std::size_t i, header_name name,
                                                    std::string_view value);
  /// Another value for line `i`; its name stays as it was written.
  [[nodiscard]] result<void, edit_errc> replace_line(std::size_t i, std::string_view value);
  /// Puts `text` in the place of as many bytes of line `i`, from byte `at` of its value on. No
  /// blank may stand at the ends of `text`. Offsets in the value stay good.
  [[nodiscard]] result<void, edit_errc> overwrite(std::size_t i, std::size_t at,
                                                  std::string_view text);
  /// Removes line `i`.
  void erase_line(std::size_t i);

  // --- single values

  /// Replaces the first (last) single value by what `f(old)` returns (std::string_view or
  /// std::string); fails with no_such_header when there is none.
  template <typename F>
  [[nodiscard]] result<void, edit_errc> update_front(header_name name, F&& f);
  template <typename F>
  [[nodiscard]] result<void, edit_errc> update_back(header_name name, F&& f);

  /// Removes the first (last) single value, and its line when it was alone.
  /// \return its text, good until the next edit; nothing when there was none.
  std::optional<std::string_view> pop_front(header_name name);
  std::optional<std::string_view> pop_back(header_name name);

  // --- body

  /// Replaces the body; any bytes. Content-Length follows.
  [[nodiscard]] result<void, edit_errc> set_body(std::string_view bytes);
  /// The same with its Content-Type; an empty body takes Content-Type away.
  [[nodiscard]] result<void, edit_errc> set_body(std::string_view type, std::string_view bytes);

 private:
  using side = message::side;

  bool reserve(std::size_t bytes, std::size_t more_lines, block_ref& replaced);
  text_place add_text(std::string_view bytes) noexcept;
  index_line add_line(header_id id, std::string_view name,
                      std::initializer_list<std::string_view> value) noexcept;
  /// The lines of an index that is nobody else's since reserve().
  [[nodiscard]] index_line* own_index() noexcept;
  result<void, edit_errc> insert_pieces(std::size_t i, const header_name& name,
                                        std::initializer_list<std::string_view> value);
  result<void, edit_errc> rewrite_line(std::size_t i,
                                       std::initializer_list<std::string_view> value);
  result<void, edit_errc> splice_value(header_name name, side which, std::string_view value);
  std::optional<std::string_view> pop_value(header_name name, side which);
  template <typename T>
  static result<std::string_view, edit_errc> write_typed(const T& value, block_ref& room);

  message& of_;
};

inline message_editor message::edit() noexcept { return message_editor{*this}; }

/// Writes the value to `room`, so that it is proven to parse again.
template <typename T>
result<std::string_view, edit_errc> message_editor::write_typed(const T& value, block_ref& room) {
  const std::size_t size = text_size(value);
  if (size > max_message_size) return fail(edit_errc::too_large);
  room = block_ref::make(size);
  const auto written = write_value(value, std::span{room.data(), size});
  if (!written)
    return fail(written.error().code == parse_errc::unsafe_text ? edit_errc::unsafe_text
                                                                : edit_errc::bad_value);
  return std::string_view{room.data(), *written};
}

template <typename Header, typename Value>
requires typed_value<Header, Value> result<void, edit_errc>
message_editor::put(Header, const Value& value) {
  block_ref room;
  const auto text = write_typed<typename Header::value_type>(value, room);
  return text ? put(header_name{Header::id}, *text) : fail(text.error());
}

template <typename Header, typename Value>
requires typed_value<Header, Value> result<void, edit_errc>
message_editor::put_front(Header, const Value& value) {
  block_ref room;
  const auto text = write_typed<typename Header::value_type>(value, room);
  return text ? put_front(header_name{Header::id}, *text) : fail(text.error());
}

template <typename Header, typename Value>
requires typed_value<Header, Value> result<void, edit_errc>
message_editor::put_back(Header, const Value& value) {
  block_ref room;
  const auto text = write_typed<typename Header::value_type>(value, room);
  return text ? put_back(header_name{Header::id}, *text) : fail(text.error());
}

template <typename F>
result<void, edit_errc> message_editor::update_front(header_name name, F&& f) {
  const auto old = of_.front(name);
  if (!old) return fail(edit_errc::no_such_header);
  return splice_value(name, side::front, f(*old));
}

template <typename F>
result<void, edit_errc> message_editor::update_back(header_name name, F&& f) {
  const auto old = of_.back(name);
  if (!old) return fail(edit_errc::no_such_header);
  return splice_value(name, side::back, f(*old));
}

} // namespace tandem::sip
