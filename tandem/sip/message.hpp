// SPDX-License-Identifier: Apache-2.0
// A SIP message (RFC 3261 7): the bytes as they came and an index of eight bytes a header line.
// Reading is here. message_editor lays edits over it that every later reader sees and the writer
// obeys; what a rule of an RFC makes of a message is a function in the file of that rule. One
// thread at a time. Every view returned lives until the message dies, is moved from, or is edited.
#pragma once

#include <tandem/base/block.hpp>
#include <tandem/base/result.hpp>
#include <tandem/sip/essentials.hpp>
#include <tandem/sip/header_id.hpp>
#include <tandem/sip/header_name.hpp>
#include <tandem/sip/header_set.hpp>
#include <tandem/sip/message_key.hpp>
#include <tandem/sip/message_layout.hpp>
#include <tandem/sip/method.hpp>
#include <tandem/sip/parse_error.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tandem::sip {

struct via;
class message_editor;

/// One header line: its id, its name as it stands, its value without the blanks around it. The
/// line breaks of a folded value are blanks already (RFC 3261 7.3.1).
struct header_line {
  header_id id;
  std::string_view name;
  std::string_view value;
};

/// A received or a built message.
///
///   auto msg = message::parse(text);            // result<message, parse_error>
///   if (msg && msg->is_request()) use(msg->request_uri(), msg->get<hdr::from>());
class message {
 public:
  /// No message: no start line, no header.
  message() noexcept = default;
  message(message&& other) noexcept
      : base_{std::move(other.base_)}, edits_{std::move(other.edits_)},
        body_{std::move(other.body_)}, at_{std::exchange(other.at_, message_places{})} {}
  message& operator=(message&& other) noexcept {
    swap(other);
    const message old{std::move(other)}; // what was here dies now, not when `other` does
    return *this;
  }
  ~message() = default;

  /// Reads the first `size` bytes of `block` in one pass, without allocating once the thread's
  /// store is warm. Blank lines before the start line are skipped. Folds are turned into blanks in
  /// place. Fails only when nothing can be made of the bytes, or a response is worthless; a fault
  /// that is owed an answer is kept as defect().
  [[nodiscard]] static result<message, parse_error> parse(block_ref block, std::size_t size);

  /// The same of a copy of `text`.
  [[nodiscard]] static result<message, parse_error> parse(std::string_view text);

  /// Bytes behind a message of `size` bytes in its block for what parse() notes of nearly every
  /// one; with less, that takes a block of its own.
  [[nodiscard]] static constexpr std::size_t room_for_index(std::size_t size) noexcept {
    constexpr std::size_t short_line = 32;
    return index_size(2 + size / short_line);
  }

  /// The same bytes and edits, without copying them: what either edits, the other does not see.
  [[nodiscard]] message clone() const noexcept { return message{*this}; }

  /// The edits of this message: `request.edit().put(header_id::expires, "60")`. Needs
  /// message_editor.hpp; the editor must not outlive the message.
  [[nodiscard]] message_editor edit() noexcept;

  /// There is a message.
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(base_); }

  /// The first fault of the bytes that validate() refuses (a NUL, a line without colon ...).
  [[nodiscard]] std::optional<parse_error> defect() const noexcept;

  /// What parse() was given, whatever was edited since; only the line breaks of folded headers
  /// are blanks now. Of a message that was built, its bytes as they were then.
  [[nodiscard]] std::string_view received_bytes() const noexcept {
    return {base_ ? base_.data() : nullptr, at_.size};
  }

  /// Bytes of memory that it holds, shared ones too.
  [[nodiscard]] std::size_t held_bytes() const noexcept {
    return base_.capacity() + edits_.capacity() + body_.capacity();
  }

  // --- start line (RFC 3261 7.1, 7.2)

  [[nodiscard]] bool is_request() const noexcept { return at_.status == 0; }
  [[nodiscard]] bool is_response() const noexcept { return at_.status != 0; }
  /// Of a request; method::unknown for an extension method and for a response.
  [[nodiscard]] sip::method method() const noexcept { return at_.method; }
  /// As it stands in a request; empty for a response.
  [[nodiscard]] std::string_view method_text() const noexcept;
  /// As it stands in a request; empty for a response.
  [[nodiscard]] std::string_view request_uri() const noexcept;
  /// "SIP/2.0", as it stands.
  [[nodiscard]] std::string_view version() const noexcept;
  /// 100 to 699; 0 for a request.
  [[nodiscard]] int status() const noexcept { return at_.status; }
  [[nodiscard]] std::string_view reason() const noexcept;

  // --- header lines, in order, edits applied

  [[nodiscard]] std::size_t header_count() const noexcept { return at_.lines; }
  /// Line `i` below header_count().
  [[nodiscard]] header_line header(std::size_t i) const noexcept;
  /// Its name as an id alone; unknown for one that headers.def does not have.
  [[nodiscard]] header_id id(std::size_t i) const noexcept { return line_at(i).id; }
  /// Its value alone.
  [[nodiscard]] std::string_view value(std::size_t i) const noexcept {
    return value_of(line_at(i));
  }

  class header_iterator;
  struct header_range;
  /// `for (const header_line& h : msg.headers())`
  [[nodiscard]] header_range headers() const noexcept;

  static constexpr std::size_t npos = static_cast<std::size_t>(-1);
  /// Index of the first line of that name from line `from` on, npos when there is none.
  [[nodiscard]] std::size_t find(header_name name, std::size_t from = 0) const noexcept;
  /// Index of the last line of that name, npos when there is none.
  [[nodiscard]] std::size_t find_last(header_name name) const noexcept;
  [[nodiscard]] bool has(header_name name) const noexcept { return find(name) != npos; }
  /// Number of lines of that name.
  [[nodiscard]] std::size_t count(header_name name) const noexcept;
  /// Lines of one of these names may stand more than once. False is certain; true may be no longer
  /// so, where lines were erased. Without a walk over the lines.
  [[nodiscard]] bool may_repeat(const header_set& names) const noexcept {
    return at_.lines != 0 && known().names.repeated.meets(names);
  }
  /// Text of the first line of that name (all its values).
  [[nodiscard]] std::optional<std::string_view> first(header_name name) const noexcept {
    return nth(name, 0);
  }
  /// Text of line number `n`, from 0, among those of that name.
  [[nodiscard]] std::optional<std::string_view> nth(header_name name, std::size_t n) const noexcept;

  /// First and last single value of that name: of a list header one item of its commas
  /// (single_values.hpp has all of them).
  [[nodiscard]] std::optional<std::string_view> front(header_name name) const noexcept;
  [[nodiscard]] std::optional<std::string_view> back(header_name name) const noexcept;

  // --- what transactions and dialogs look for: read once, in one pass, and kept until an edit of
  // the lines it came from. get<hdr::via>() is answered from there too.

  /// Fails with the header that is missing or unreadable: Via, From, To, Call-ID or CSeq.
  [[nodiscard]] result<message_key, header_id> key() const noexcept;
  /// Text of the first Via value; empty when there is none.
  [[nodiscard]] std::string_view top_via() const noexcept;
  /// Empty when there is none.
  [[nodiscard]] std::string_view call_id() const noexcept;
  [[nodiscard]] std::string_view from_tag() const noexcept;
  [[nodiscard]] std::string_view to_tag() const noexcept;
  /// From or To is `<URI>` or `"name" <URI>`, and no parameter but one tag follows: the URI, which
  /// is all that is left to be read there. Empty when the line is not so, as few are.
  [[nodiscard]] std::string_view plain_address(header_id from_or_to) const noexcept;

  // --- typed values: msg.get<hdr::via>() (headers.hpp has the tags)

  /// The first value of the header, parsed now. Fails with parse_errc::empty when there is none.
  template <auto Header>
  [[nodiscard]] auto get() const noexcept;
  /// All values, parsed one by one as they are asked for:
  /// `for (const auto& value : msg.all<hdr::contact>())` where each is a result.
  template <auto Header>
  [[nodiscard]] auto all() const noexcept;

  [[nodiscard]] std::string_view body() const noexcept;

  // --- writing: the received bytes with pieces cut out and put in

  /// Bytes of the whole.
  [[nodiscard]] std::size_t wire_size() const noexcept;
  /// At least wire_size(), without a walk over the lines.
  [[nodiscard]] std::size_t most_wire_size() const noexcept {
    constexpr std::size_t line_break = 2; // where a line came without a whole one
    return at_.size + std::size_t{at_.text_used} + (at_.body_is_edit ? at_.body_size : 0) +
           (at_.lines + std::size_t{2}) * line_break;
  }
  /// The whole in a block of its own.
  [[nodiscard]] std::pair<block_ref, std::uint32_t> to_block() const;
  [[nodiscard]] std::string to_string() const;

 private:
  friend class message_builder;
  friend class message_editor;
  friend class message_scanner;

  message(const message&) noexcept = default;
  void swap(message& other) noexcept {
    std::swap(base_, other.base_);
    std::swap(edits_, other.edits_);
    std::swap(body_, other.body_);
    std::swap(at_, other.at_);
  }

  const index_line& line_at(std::size_t i) const noexcept {
    return at_.index_end[-1 - static_cast<std::ptrdiff_t>(i)];
  }
  const char* origin(bool is_edit) const noexcept { return is_edit ? edits_.data() : base_.data(); }
  std::string_view text(text_place p, bool is_edit) const noexcept {
    if (p.begin == p.end) return {};
    return p.in(origin(is_edit));
  }
  std::string_view name_of(const index_line& l) const noexcept;
  std::string_view value_of(const index_line& l) const noexcept {
    return {origin(l.is_edit) + l.value, static_cast<std::size_t>(l.end - l.value)};
  }
  essentials& known() const noexcept {
    return *reinterpret_cast<essentials*>(const_cast<index_line*>(at_.index_end));
  }
  /// Whether what every element asks for of that header is there and readable.
  bool knows(header_id id) const noexcept {
    if (at_.lines == 0) return false;
    if (!known().known.has(id)) read_essentials();
    return known().good.has(id);
  }
  void read_essentials() const noexcept;
  std::string_view essential_text(header_id id, text_place essentials::*place) const noexcept;
  std::optional<via> known_via() const noexcept;
  struct place_of_value {
    std::size_t line = npos;
    std::string_view text; ///< inside the value of that line
  };
  enum class side : std::uint8_t { front, back };
  place_of_value locate(const header_name& name, side which) const noexcept;
  template <typename F>
  void for_each_piece(F&& f) const;

  block_ref base_;  ///< the bytes as they came, and the index where it fitted behind them
  block_ref edits_; ///< text of edits from the front, index from the end
  block_ref body_;  ///< a replaced body
  message_places at_;
};

/// Walks the header lines.
class message::header_iterator {
 public:
  using value_type = header_line;
  using difference_type = std::ptrdiff_t;
  using iterator_concept = std::forward_iterator_tag;

  header_iterator() noexcept = default;
  header_iterator(const message& of, std::size_t at) noexcept : of_{&of}, at_{at} {}
  header_line operator*() const noexcept { return of_->header(at_); }
  header_iterator& operator++() noexcept {
    ++at_;
    return *this;
  }
  header_iterator operator++(int) noexcept {
    auto before = *this;
    ++at_;
    return before;
  }
  friend bool operator==(const header_iterator&, const header_iterator&) noexcept = default;

 private:
  const message* of_ = nullptr;
  std::size_t at_ = 0;
};

struct message::header_range {
  const message& of;
  [[nodiscard]] header_iterator begin() const noexcept { return {of, 0}; }
  [[nodiscard]] header_iterator end() const noexcept { return {of, of.header_count()}; }
};

inline message::header_range message::headers() const noexcept { return {*this}; }

} // namespace tandem::sip
