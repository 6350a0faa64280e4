// SPDX-License-Identifier: Apache-2.0
// A SIP message (RFC 3261 7): the bytes as they came, an index of eight bytes a header line, and an
// overlay of edits that every later reader sees and the writer obeys. One thread at a time.
// Every view returned lives until the message dies, is moved from, or is edited.
#pragma once

#include <tandem/base/block.hpp>
#include <tandem/base/result.hpp>
#include <tandem/base/text.hpp>
#include <tandem/sip/essentials.hpp>
#include <tandem/sip/header_id.hpp>
#include <tandem/sip/header_name.hpp>
#include <tandem/sip/method.hpp>
#include <tandem/sip/parse_error.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace tandem::sip {

struct via;

inline constexpr std::size_t max_message_size = 65'535;
inline constexpr std::size_t max_header_lines = 200;

/// One header line: its id, its name as it stands, its value without the blanks around it. The
/// line breaks of a folded value are blanks already (RFC 3261 7.3.1).
struct header_line {
  header_id id;
  std::string_view name;
  std::string_view value;
};

/// Why an edit was refused; the message is as before.
enum class edit_errc : std::uint8_t {
  unsafe_text,    ///< CR, LF or NUL in a text that would go on the wire
  bad_name,       ///< a header name that is no token
  bad_value,      ///< a text that would not parse again
  no_such_header, ///< nothing there to change
  too_large,      ///< the edits of a message have a bound (65,535 bytes, 400 lines)
};

[[nodiscard]] std::string_view to_string(edit_errc errc) noexcept;

/// What matches a message to its transaction and its dialog (RFC 3261 12, 17.1.3, 17.2.3), all of
/// it views; an absent part is empty.
struct message_key {
  std::string_view branch;        ///< of the top Via
  std::string_view sent_by_host;  ///< of the top Via; IPv6 with its brackets
  std::uint16_t sent_by_port = 0; ///< 0: none written
  std::string_view call_id;
  std::string_view from_tag;
  std::string_view to_tag;
  std::uint32_t cseq = 0;
  sip::method cseq_method = sip::method::unknown;
  std::string_view cseq_method_text;

  /// RFC 3261 8.1.1.7: the branch is unique, so that it alone names the transaction. The cookie
  /// alone is not (RFC 4475 3.3.11).
  [[nodiscard]] bool has_magic_cookie() const noexcept {
    return branch.size() > 7 && iequals(branch.substr(0, 7), "z9hG4bK");
  }
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
        body_{std::move(other.body_)}, at_{std::exchange(other.at_, places{})} {}
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

  /// There is a message.
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(base_); }

  /// The first fault of the bytes that validate() refuses (a NUL, a line without colon ...).
  [[nodiscard]] std::optional<parse_error> defect() const noexcept;

  /// What parse() was given, whatever was edited since; only the line breaks of folded headers
  /// are blanks now. Of a message that was built, its bytes as they were then.
  [[nodiscard]] std::string_view received_bytes() const noexcept {
    return {base_ ? base_.data() : nullptr, at_.size};
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
  /// Text of the first line of that name (all its values).
  [[nodiscard]] std::optional<std::string_view> first(header_name name) const noexcept {
    return nth(name, 0);
  }
  /// Text of the last line of that name.
  [[nodiscard]] std::optional<std::string_view> last(header_name name) const noexcept;
  /// Text of line number `n`, from 0, among those of that name.
  [[nodiscard]] std::optional<std::string_view> nth(header_name name, std::size_t n) const noexcept;

  /// First and last single value of that name: of a list header one item of its commas.
  [[nodiscard]] std::optional<std::string_view> front(header_name name) const noexcept;
  [[nodiscard]] std::optional<std::string_view> back(header_name name) const noexcept;
  /// Number of single values of that name, over all its lines; empty items do not count.
  [[nodiscard]] std::size_t count_values(header_name name) const noexcept;
  /// Calls `f(std::string_view)` for each single value of that name, in order.
  template <typename F>
  void for_each_value(header_name name, F&& f) const;

  /// Single values of list headers are split where RFC 3261 7.3.1 says; the first value of `rest`
  /// without blanks, empty at the end; `rest` is left behind its comma.
  [[nodiscard]] static std::string_view next_value(header_id id, std::string_view& rest) noexcept;

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

  // --- typed values: msg.get<hdr::via>() (headers.hpp has the tags)

  /// The first value of the header, parsed now. Fails with parse_errc::empty when there is none.
  template <auto Header>
  [[nodiscard]] auto get() const noexcept;
  /// All values, parsed one by one as they are asked for:
  /// `for (const auto& value : msg.all<hdr::contact>())` where each is a result.
  template <auto Header>
  [[nodiscard]] auto all() const noexcept;
  /// Replaces all lines of the header by one with this value; appends it when there is none.
  template <typename Header, typename Value>
  [[nodiscard]] result<void, edit_errc> set(Header header, const Value& value);
  /// Inserts the value before all others of the header.
  template <typename Header, typename Value>
  [[nodiscard]] result<void, edit_errc> push_front(Header header, const Value& value);
  /// Appends the value after all others of the header.
  template <typename Header, typename Value>
  [[nodiscard]] result<void, edit_errc> push_back(Header header, const Value& value);

  // --- edits of header lines

  /// Replaces all lines of that name by one, where the first was; appends it when there is none.
  [[nodiscard]] result<void, edit_errc> put(header_name name, std::string_view value);
  /// The same when there is none yet; otherwise nothing changes.
  [[nodiscard]] result<void, edit_errc> put_new(header_name name, std::string_view value);
  /// A line before the first of that name; the first of all when there is none.
  [[nodiscard]] result<void, edit_errc> put_front(header_name name, std::string_view value);
  /// A line after the last of that name; the last of all when there is none.
  [[nodiscard]] result<void, edit_errc> put_back(header_name name, std::string_view value);
  /// A line at the end of all.
  [[nodiscard]] result<void, edit_errc> append(header_name name, std::string_view value) {
    return insert_line(header_count(), name, value);
  }
  /// A line before line `i`, which may be header_count().
  [[nodiscard]] result<void, edit_errc> insert_line(std::size_t i, header_name name,
                                                    std::string_view value);
  /// Another value for line `i`; its name stays as it was written.
  [[nodiscard]] result<void, edit_errc> replace_line(std::size_t i, std::string_view value);
  /// Removes line `i`.
  void erase_line(std::size_t i);

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

  /// Removes every line of that name, however its name is written. \return how many.
  std::size_t erase(header_name name);
  /// The same for several names.
  std::size_t drop(std::initializer_list<header_name> names);

  // --- edits that a proxy makes (RFC 3261 16.6, 16.7, 18.2)

  [[nodiscard]] result<void, edit_errc> set_request_uri(std::string_view uri);
  /// Of a response.
  [[nodiscard]] result<void, edit_errc> set_status(int status, std::string_view reason);
  /// RFC 3261 18.2.1, RFC 3581 4: writes `;received=address` into the top Via, and the port into
  /// its rport parameter where it has one. `address` is an IPv4 or IPv6 address without brackets.
  [[nodiscard]] result<void, edit_errc> stamp_received(std::string_view address,
                                                       std::uint16_t port);
  /// RFC 3261 16.6 step 3: one less; 70 when there is none.
  /// \return what is there now; bad_value when it was 0 or no number (then nothing changed).
  [[nodiscard]] result<unsigned, edit_errc> decrement_max_forwards();

  // --- body

  [[nodiscard]] std::string_view body() const noexcept;
  /// Replaces the body; any bytes. Content-Length follows.
  [[nodiscard]] result<void, edit_errc> set_body(std::string_view bytes);
  /// The same with its Content-Type; an empty body takes Content-Type away.
  [[nodiscard]] result<void, edit_errc> set_body(std::string_view type, std::string_view bytes);
  /// Writes Content-Length when it is missing or wrong: streams need it (RFC 3261 18.3).
  [[nodiscard]] result<void, edit_errc> ensure_content_length();

  // --- writing: the received bytes with pieces cut out and put in

  /// The message as pieces to send one after the other, views into it. \return how many there are;
  /// when that is more than `pieces` holds, only the first ones were written.
  [[nodiscard]] std::size_t write_pieces(std::span<std::string_view> pieces) const noexcept;
  /// Bytes of the whole.
  [[nodiscard]] std::size_t wire_size() const noexcept;
  /// At least wire_size(), without a walk over the lines.
  [[nodiscard]] std::size_t most_wire_size() const noexcept {
    constexpr std::size_t line_break = 2; // where a line came without a whole one
    return at_.size + std::size_t{at_.text_used} + (at_.body_is_edit ? at_.body_size : 0) +
           (at_.lines + std::size_t{2}) * line_break;
  }
  /// Copies wire_size() bytes to `to`. \return the end of what was written.
  char* copy_to(char* to) const noexcept;
  /// The whole in a block of its own.
  [[nodiscard]] std::pair<block_ref, std::uint32_t> to_block() const;
  [[nodiscard]] std::string to_string() const;

 private:
  friend class message_builder;
  friend class message_scanner;

  /// An entry of the index: offsets into the received bytes, or into the text of the edits.
  struct line {
    std::uint16_t begin;
    std::uint16_t value;
    std::uint16_t end; ///< of the value, without blanks
    header_id id;
    std::uint8_t name_size : 7; ///< long_name: look for its end
    std::uint8_t is_edit : 1;

    static constexpr unsigned long_name = 127;
    void set_name_size(std::size_t size) noexcept {
      name_size = (size < long_name ? size : long_name) & long_name;
    }
  };
  static_assert(sizeof(line) == 8);

  using part = text_place;

  /// Where everything is; the index hangs down from `index_end`, line 0 highest, and what is known
  /// of its lines stands above it.
  struct places {
    const line* index_end = nullptr;
    parse_error defect{parse_errc{}, 0};
    std::uint32_t body_size = 0;
    std::uint16_t lines = 0;
    std::uint16_t text_used = 0; ///< of the edits
    std::uint16_t status = 0;
    std::uint16_t size = 0; ///< of the received bytes
    part start;             ///< the start line without its line break
    part target;            ///< Request-URI or reason phrase
    std::uint16_t method_end = 0;
    std::uint16_t headers_begin = 0;
    std::uint16_t headers_end = 0; ///< where the blank line is
    std::uint16_t body_begin = 0;
    sip::method method = sip::method::unknown;
    bool start_is_edit = false;
    bool target_is_edit = false;
    bool body_is_edit = false;
    bool index_is_edit = false; ///< the index is in edits_ and may be written when unshared
  };

  message(const message&) noexcept = default;
  void swap(message& other) noexcept {
    std::swap(base_, other.base_);
    std::swap(edits_, other.edits_);
    std::swap(body_, other.body_);
    std::swap(at_, other.at_);
  }

  const line& line_at(std::size_t i) const noexcept {
    return at_.index_end[-1 - static_cast<std::ptrdiff_t>(i)];
  }
  const char* origin(bool is_edit) const noexcept { return is_edit ? edits_.data() : base_.data(); }
  std::string_view text(part p, bool is_edit) const noexcept {
    if (p.begin == p.end) return {};
    return p.in(origin(is_edit));
  }
  std::string_view name_of(const line& l) const noexcept;
  std::string_view value_of(const line& l) const noexcept {
    return {origin(l.is_edit) + l.value, static_cast<std::size_t>(l.end - l.value)};
  }
  /// Bytes of an index of so many lines.
  static constexpr std::size_t index_size(std::size_t lines) noexcept {
    return sizeof(essentials) + lines * sizeof(line);
  }
  /// The end of an index in the last bytes of a block, of which nothing is known yet.
  static line* end_of_index(char* block, std::size_t capacity) noexcept {
    char* const head = block + (capacity - sizeof(essentials)) / sizeof(line) * sizeof(line);
    new (head) essentials;
    return reinterpret_cast<line*>(head);
  }
  essentials& known() const noexcept {
    return *reinterpret_cast<essentials*>(const_cast<line*>(at_.index_end));
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
  static bool is_safe(std::string_view text) noexcept;
  place_of_value locate(const header_name& name, bool is_back) const noexcept;
  bool reserve(std::size_t bytes, std::size_t more_lines, block_ref& replaced);
  part add_text(std::string_view bytes) noexcept;
  line add_line(header_id id, std::string_view name,
                std::initializer_list<std::string_view> value) noexcept;
  result<void, edit_errc> rewrite_line(std::size_t i,
                                       std::initializer_list<std::string_view> value);
  result<void, edit_errc> splice_value(header_name name, bool is_back, std::string_view value);
  std::optional<std::string_view> pop_value(header_name name, bool is_back);
  template <typename F>
  void for_each_piece(F&& f) const;
  template <typename Value>
  static result<std::string_view, edit_errc> write_typed(const Value& value, block_ref& room);

  block_ref base_;  ///< the bytes as they came, and the index where it fitted behind them
  block_ref edits_; ///< text of edits from the front, index from the end
  block_ref body_;  ///< a replaced body
  places at_;
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

template <typename F>
void message::for_each_value(header_name name, F&& f) const {
  for (std::size_t i = find(name); i != npos; i = find(name, i + 1)) {
    const header_line h = header(i);
    std::string_view rest = h.value;
    for (auto value = next_value(h.id, rest); !value.empty(); value = next_value(h.id, rest))
      f(value);
  }
}

template <typename F>
result<void, edit_errc> message::update_front(header_name name, F&& f) {
  const auto old = front(name);
  if (!old) return fail(edit_errc::no_such_header);
  return splice_value(name, false, f(*old));
}

template <typename F>
result<void, edit_errc> message::update_back(header_name name, F&& f) {
  const auto old = back(name);
  if (!old) return fail(edit_errc::no_such_header);
  return splice_value(name, true, f(*old));
}

} // namespace tandem::sip
