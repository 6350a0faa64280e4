// SPDX-License-Identifier: Apache-2.0
// Edits of header lines: the index becomes an own copy, new text goes into the block of edits, and
// the received bytes stay as they are. What is shared with a clone is copied before it changes.
#include <tandem/sip/line_writer.hpp>
#include <tandem/sip/message.hpp>

#include <tandem/base/text.hpp>

#include <algorithm>
#include <cstring>

namespace tandem::sip {
namespace {

constexpr std::size_t max_edited_lines = 400;

} // namespace

std::string_view to_string(edit_errc errc) noexcept {
  switch (errc) {
  case edit_errc::unsafe_text: return "CR, LF or NUL in a text for the wire";
  case edit_errc::bad_name: return "a header name that is no token";
  case edit_errc::bad_value: return "a value that would not parse again";
  case edit_errc::no_such_header: return "no such header";
  case edit_errc::too_large: return "too many or too large edits of one message";
  }
  return "";
}

bool message::is_safe(std::string_view text) noexcept { return is_one_line(text); }

/// Makes room for that much text and that many lines in an index that nobody shares. The block it
/// replaces, into which arguments of the caller may point, is kept alive in `replaced`.
bool message::reserve(std::size_t bytes, std::size_t more_lines, block_ref& replaced) {
  const std::size_t text = at_.text_used + bytes;
  const std::size_t lines = at_.lines + more_lines;
  if (text > max_message_size || lines > max_edited_lines) return false;
  const std::size_t need = text + index_size(lines) + sizeof(line); // which rounding may take
  if (at_.index_is_edit && edits_.is_unique() && need <= edits_.capacity()) return true;

  // Room for a few more, so that the edits of a proxy need one block.
  block_ref fresh = block_ref::make(need + need / 2);
  if (at_.text_used != 0) std::memcpy(fresh.data(), edits_.data(), at_.text_used);
  line* const end = end_of_index(fresh.data(), fresh.capacity());
  if (at_.index_end) std::memcpy(end - at_.lines, at_.index_end - at_.lines, index_size(at_.lines));
  replaced = std::exchange(edits_, std::move(fresh));
  at_.index_end = end;
  at_.index_is_edit = true;
  return true;
}

message::part message::add_text(std::string_view bytes) noexcept {
  const auto begin = at_.text_used;
  if (!bytes.empty()) std::memcpy(edits_.data() + begin, bytes.data(), bytes.size());
  at_.text_used = static_cast<std::uint16_t>(begin + bytes.size());
  return {begin, at_.text_used};
}

/// Writes "name: value CRLF", for which there is room.
message::line message::add_line(header_id id, std::string_view name,
                                std::initializer_list<std::string_view> value) noexcept {
  char* const first = edits_.data();
  const auto written = write_line(first + at_.text_used, name, value);
  const auto place = [first](const char* p) { return static_cast<std::uint16_t>(p - first); };
  line l{};
  l.begin = at_.text_used;
  l.value = place(written.value);
  l.end = place(written.value_end);
  l.id = id;
  l.set_name_size(name.size());
  l.is_edit = 1;
  at_.text_used = place(written.end);
  return l;
}

result<void, edit_errc> message::insert_line(std::size_t i, header_name name,
                                             std::string_view value) {
  if (const auto fault = fault_of_line(name, {value})) return fail(*fault);
  if (i > at_.lines) return fail(edit_errc::no_such_header);
  block_ref replaced;
  if (!reserve(line_size(name.text(), {value}), 1, replaced)) return fail(edit_errc::too_large);
  const line added = add_line(name.id(), name.text(), {value});
  line* const end = const_cast<line*>(at_.index_end); // ours alone since reserve()
  const std::size_t behind = at_.lines - i;
  line* const last = end - at_.lines;
  std::memmove(last - 1, last, behind * sizeof(line));
  end[-1 - static_cast<std::ptrdiff_t>(i)] = added;
  ++at_.lines;
  known().forget(name.id());
  return {};
}

result<void, edit_errc> message::rewrite_line(std::size_t i,
                                              std::initializer_list<std::string_view> value) {
  const line old = line_at(i);
  const std::string_view name = name_of(old);
  block_ref replaced;
  if (!reserve(line_size(name, value), 0, replaced)) return fail(edit_errc::too_large);
  const line changed = add_line(old.id, name, value);
  const_cast<line*>(at_.index_end)[-1 - static_cast<std::ptrdiff_t>(i)] = changed;
  known().forget(changed.id);
  return {};
}

result<void, edit_errc> message::replace_line(std::size_t i, std::string_view value) {
  if (i >= at_.lines) return fail(edit_errc::no_such_header);
  if (!is_one_line(value)) return fail(edit_errc::unsafe_text);
  return rewrite_line(i, {value});
}

void message::erase_line(std::size_t i) {
  block_ref replaced;
  // Never refused: nothing is added.
  if (i >= at_.lines || !reserve(0, 0, replaced)) return;
  known().forget(line_at(i).id);
  line* const last = const_cast<line*>(at_.index_end) - at_.lines;
  std::memmove(last + 1, last, (at_.lines - i - 1) * sizeof(line));
  --at_.lines;
}

result<void, edit_errc> message::put(header_name name, std::string_view value) {
  const std::size_t at = find(name);
  if (at == npos) return append(name, value);
  const block_ref kept = name.id() == header_id::unknown ? edits_ : block_ref{}; // of its text
  if (const auto done = replace_line(at, value); !done) return done;
  for (std::size_t i = find_last(name); i != at; i = find_last(name)) erase_line(i);
  return {};
}

result<void, edit_errc> message::put_new(header_name name, std::string_view value) {
  if (has(name)) return {};
  return append(name, value);
}

result<void, edit_errc> message::put_front(header_name name, std::string_view value) {
  const std::size_t at = find(name);
  return insert_line(at == npos ? 0 : at, name, value);
}

result<void, edit_errc> message::put_back(header_name name, std::string_view value) {
  const std::size_t at = find_last(name);
  return insert_line(at == npos ? header_count() : at + 1, name, value);
}

std::size_t message::erase(header_name name) {
  std::size_t n = 0;
  const block_ref kept = name.id() == header_id::unknown ? edits_ : block_ref{}; // of its text
  for (std::size_t i = find_last(name); i != npos; i = find_last(name)) {
    erase_line(i);
    ++n;
  }
  return n;
}

std::size_t message::drop(std::initializer_list<header_name> names) {
  std::size_t n = 0;
  for (const auto& name : names) n += erase(name);
  return n;
}

result<void, edit_errc> message::splice_value(header_name name, bool is_back,
                                              std::string_view value) {
  if (!is_one_line(value)) return fail(edit_errc::unsafe_text);
  if (trim(value).empty()) return fail(edit_errc::bad_value);
  const auto found = locate(name, is_back);
  if (found.line == npos) return fail(edit_errc::no_such_header);
  const std::string_view whole = value_of(line_at(found.line));
  const auto before = static_cast<std::size_t>(found.text.data() - whole.data());
  return rewrite_line(found.line,
                      {whole.substr(0, before), value, whole.substr(before + found.text.size())});
}

std::optional<std::string_view> message::pop_value(header_name name, bool is_back) {
  const auto found = locate(name, is_back);
  if (found.line == npos) return std::nullopt;
  const line old = line_at(found.line);
  const std::string_view whole = value_of(old);
  // What an edit moves to another block keeps its offset.
  const auto offset = static_cast<std::size_t>(found.text.data() - origin(old.is_edit));

  const auto begin = static_cast<std::size_t>(found.text.data() - whole.data());
  std::string_view left =
      is_back ? whole.substr(0, begin) : whole.substr(begin + found.text.size());
  const auto is_filler = [](char c) { return is_blank(c) || c == ','; };
  while (!left.empty() && is_filler(left.front())) left.remove_prefix(1);
  while (!left.empty() && is_filler(left.back())) left.remove_suffix(1);
  if (left.empty())
    erase_line(found.line);
  else if (!rewrite_line(found.line, {left}))
    return std::nullopt;
  return std::string_view{origin(old.is_edit) + offset, found.text.size()};
}

std::optional<std::string_view> message::pop_front(header_name name) {
  return pop_value(name, false);
}
std::optional<std::string_view> message::pop_back(header_name name) {
  return pop_value(name, true);
}

} // namespace tandem::sip
