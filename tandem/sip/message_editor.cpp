// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/message_editor.hpp>

#include <tandem/base/decimal.hpp>
#include <tandem/base/text.hpp>
#include <tandem/sip/lexical.hpp>
#include <tandem/sip/line_writer.hpp>
#include <tandem/sip/status.hpp>

#include <cstring>
#include <utility>

namespace tandem::sip {
namespace {

constexpr std::size_t max_edited_lines = 400;

} // namespace

/// Makes room for that much text and that many lines in an index that nobody shares. The block it
/// replaces, into which arguments of the caller may point, is kept alive in `replaced`.
bool message_editor::reserve(std::size_t bytes, std::size_t more_lines, block_ref& replaced) {
  message_places& at = of_.at_;
  const std::size_t text = at.text_used + bytes;
  const std::size_t lines = at.lines + more_lines;
  if (text > max_message_size || lines > max_edited_lines) return false;
  const std::size_t need = text + index_size(lines) + sizeof(index_line); // which rounding may take
  if (at.index_is_edit && of_.edits_.is_unique() && need <= of_.edits_.capacity()) return true;

  // Room for a few more, so that the edits of a proxy need one block.
  block_ref fresh = block_ref::make(need + need / 2);
  if (at.text_used != 0) std::memcpy(fresh.data(), of_.edits_.data(), at.text_used);
  index_line* const index = end_of_index(fresh.data(), fresh.capacity());
  if (at.index_end) std::memcpy(index - at.lines, at.index_end - at.lines, index_size(at.lines));
  replaced = std::exchange(of_.edits_, std::move(fresh));
  at.index_end = index;
  at.index_is_edit = true;
  return true;
}

text_place message_editor::add_text(std::string_view bytes) noexcept {
  const std::size_t begin = of_.at_.text_used;
  put_bytes(of_.edits_.data() + begin, bytes);
  of_.at_.text_used = static_cast<std::uint16_t>(begin + bytes.size());
  return {begin, begin + bytes.size()};
}

/// Writes "name: value CRLF", for which there is room.
index_line message_editor::add_line(header_id id, std::string_view name,
                                    std::initializer_list<std::string_view> value) noexcept {
  char* const first = of_.edits_.data();
  const auto written = write_line(first + of_.at_.text_used, name, value);
  const auto place = [first](const char* p) { return static_cast<std::uint16_t>(p - first); };
  index_line l{};
  l.begin = of_.at_.text_used;
  l.value = place(written.value);
  l.end = place(written.value_end);
  l.id = id;
  l.set_name_size(name.size());
  l.is_edit = 1;
  of_.at_.text_used = place(written.end);
  return l;
}

index_line* message_editor::own_index() noexcept {
  return const_cast<index_line*>(of_.at_.index_end);
}

// --- start line

result<void, edit_errc> message_editor::set_request_uri(std::string_view uri) {
  if (!of_ || !of_.is_request()) return fail(edit_errc::no_such_header);
  // More would be wrong: what a peer sent and a script kept goes out as it came.
  for (const char c : uri)
    if (!is(char_class::request_uri, c))
      return fail(is_one_line(uri) ? edit_errc::bad_value : edit_errc::unsafe_text);
  const auto colon = uri.find(':');
  if (colon == 0 || colon == std::string_view::npos) return fail(edit_errc::bad_value);
  block_ref replaced;
  if (!reserve(uri.size(), 0, replaced)) return fail(edit_errc::too_large);
  of_.at_.target = add_text(uri);
  of_.at_.target_is_edit = true;
  return {};
}

result<void, edit_errc> message_editor::set_status(int status, std::string_view reason) {
  if (!of_.is_response()) return fail(edit_errc::no_such_header);
  if (!is_status(status)) return fail(edit_errc::bad_value);
  if (!is_one_line(reason)) return fail(edit_errc::unsafe_text);
  if (reason.empty()) reason = default_reason(status);
  block_ref replaced;
  constexpr std::string_view version = "SIP/2.0 ";
  if (!reserve(version.size() + 4 + reason.size() + 2, 0, replaced))
    return fail(edit_errc::too_large);
  message_places& at = of_.at_;
  at.start.begin = add_text(version).begin;
  at.method_end = static_cast<std::uint16_t>(at.start.begin + version.size() - 1);
  add_text(decimal{static_cast<std::uint64_t>(status)}.view());
  add_text(" ");
  at.target = add_text(reason);
  at.start.end = at.target.end;
  add_text("\r\n");
  at.start_is_edit = true;
  at.target_is_edit = true;
  at.status = static_cast<std::uint16_t>(status);
  return {};
}

// --- header lines by number

result<void, edit_errc> message_editor::insert_line(std::size_t i, header_name name,
                                                    std::string_view value) {
  return insert_pieces(i, name, {value});
}

result<void, edit_errc>
message_editor::insert_pieces(std::size_t i, const header_name& name,
                              std::initializer_list<std::string_view> value) {
  if (const auto fault = fault_of_line(name, value)) return fail(*fault);
  if (i > of_.at_.lines) return fail(edit_errc::no_such_header);
  block_ref replaced;
  if (!reserve(line_size(name.text(), value), 1, replaced)) return fail(edit_errc::too_large);
  const index_line added = add_line(name.id(), name.text(), value);
  index_line* const last = own_index() - of_.at_.lines;
  std::memmove(last - 1, last, (of_.at_.lines - i) * sizeof(index_line));
  own_index()[-1 - static_cast<std::ptrdiff_t>(i)] = added;
  ++of_.at_.lines;
  of_.known().forget(name.id());
  of_.known().names.add(name.id());
  return {};
}

result<void, edit_errc>
message_editor::rewrite_line(std::size_t i, std::initializer_list<std::string_view> value) {
  const index_line old = of_.line_at(i);
  const std::string_view name = of_.name_of(old);
  block_ref replaced;
  if (!reserve(line_size(name, value), 0, replaced)) return fail(edit_errc::too_large);
  own_index()[-1 - static_cast<std::ptrdiff_t>(i)] = add_line(old.id, name, value);
  of_.known().forget(old.id);
  return {};
}

result<void, edit_errc> message_editor::replace_line(std::size_t i, std::string_view value) {
  if (i >= of_.at_.lines) return fail(edit_errc::no_such_header);
  if (!is_one_line(value)) return fail(edit_errc::unsafe_text);
  return rewrite_line(i, {value});
}

result<void, edit_errc> message_editor::overwrite(std::size_t i, std::size_t at,
                                                  std::string_view text) {
  if (i >= of_.at_.lines) return fail(edit_errc::no_such_header);
  if (!is_one_line(text)) return fail(edit_errc::unsafe_text);
  const index_line line = of_.line_at(i);
  const std::string_view old = of_.value_of(line);
  if (at > old.size() || text.size() > old.size() - at || trim(text).size() != text.size())
    return fail(edit_errc::bad_value);
  // What no clone sees is changed where it stands.
  if (!line.is_edit || !of_.edits_.is_unique())
    return rewrite_line(i, {old.substr(0, at), text, old.substr(at + text.size())});
  std::memmove(of_.edits_.data() + line.value + at, text.data(), text.size());
  of_.known().forget(line.id);
  return {};
}

void message_editor::erase_line(std::size_t i) {
  block_ref replaced;
  // Never refused: nothing is added.
  if (i >= of_.at_.lines || !reserve(0, 0, replaced)) return;
  of_.known().forget(of_.id(i));
  index_line* const last = own_index() - of_.at_.lines;
  std::memmove(last + 1, last, (of_.at_.lines - i - 1) * sizeof(index_line));
  --of_.at_.lines;
}

// --- header lines by name

result<void, edit_errc> message_editor::put(header_name name, std::string_view value) {
  const std::size_t at = of_.find(name);
  if (at == message::npos) return append(name, value);
  const block_ref kept = name.id() == header_id::unknown ? of_.edits_ : block_ref{}; // of its text
  if (const auto done = replace_line(at, value); !done) return done;
  for (std::size_t i = of_.find_last(name); i != at; i = of_.find_last(name)) erase_line(i);
  return {};
}

result<void, edit_errc> message_editor::put_front(header_name name, std::string_view value) {
  return put_front(name, std::initializer_list<std::string_view>{value});
}

result<void, edit_errc> message_editor::put_front(header_name name,
                                                  std::initializer_list<std::string_view> value) {
  const std::size_t at = of_.find(name);
  return insert_pieces(at == message::npos ? 0 : at, name, value);
}

result<void, edit_errc> message_editor::put_back(header_name name, std::string_view value) {
  const std::size_t at = of_.find_last(name);
  return insert_line(at == message::npos ? of_.header_count() : at + 1, name, value);
}

result<void, edit_errc> message_editor::append(header_name name, std::string_view value) {
  return insert_line(of_.header_count(), name, value);
}

std::size_t message_editor::erase(header_name name) {
  std::size_t n = 0;
  const block_ref kept = name.id() == header_id::unknown ? of_.edits_ : block_ref{}; // of its text
  for (std::size_t i = of_.find_last(name); i != message::npos; i = of_.find_last(name)) {
    erase_line(i);
    ++n;
  }
  return n;
}

std::size_t message_editor::erase(std::initializer_list<header_name> names) {
  std::size_t n = 0;
  for (const auto& name : names) n += erase(name);
  return n;
}

// --- single values

result<void, edit_errc> message_editor::splice_value(header_name name, side which,
                                                     std::string_view value) {
  if (!is_one_line(value)) return fail(edit_errc::unsafe_text);
  if (trim(value).empty()) return fail(edit_errc::bad_value);
  const auto found = of_.locate(name, which);
  if (found.line == message::npos) return fail(edit_errc::no_such_header);
  const std::string_view whole = of_.value(found.line);
  const auto before = static_cast<std::size_t>(found.text.data() - whole.data());
  return rewrite_line(found.line,
                      {whole.substr(0, before), value, whole.substr(before + found.text.size())});
}

std::optional<std::string_view> message_editor::pop_value(header_name name, side which) {
  const auto found = of_.locate(name, which);
  if (found.line == message::npos) return std::nullopt;
  const index_line old = of_.line_at(found.line);
  const std::string_view whole = of_.value_of(old);
  // What an edit moves to another block keeps its offset.
  const auto offset = static_cast<std::size_t>(found.text.data() - of_.origin(old.is_edit));

  const auto begin = static_cast<std::size_t>(found.text.data() - whole.data());
  std::string_view left =
      which == side::back ? whole.substr(0, begin) : whole.substr(begin + found.text.size());
  const auto is_filler = [](char c) { return is_blank(c) || c == ','; };
  while (!left.empty() && is_filler(left.front())) left.remove_prefix(1);
  while (!left.empty() && is_filler(left.back())) left.remove_suffix(1);
  if (left.empty())
    erase_line(found.line);
  else if (!rewrite_line(found.line, {left}))
    return std::nullopt;
  return std::string_view{of_.origin(old.is_edit) + offset, found.text.size()};
}

std::optional<std::string_view> message_editor::pop_front(header_name name) {
  return pop_value(name, side::front);
}
std::optional<std::string_view> message_editor::pop_back(header_name name) {
  return pop_value(name, side::back);
}

// --- body

result<void, edit_errc> message_editor::set_body(std::string_view bytes) {
  if (bytes.size() > max_message_size) return fail(edit_errc::too_large);
  block_ref copy = bytes.empty() ? block_ref{} : block_ref::copy_of(bytes);
  if (const auto done = put(header_id::content_length, decimal{bytes.size()}.view()); !done)
    return done;
  of_.body_ = std::move(copy);
  of_.at_.body_size = static_cast<std::uint32_t>(bytes.size());
  of_.at_.body_is_edit = true;
  return {};
}

result<void, edit_errc> message_editor::set_body(std::string_view type, std::string_view bytes) {
  if (bytes.empty()) {
    if (const auto done = set_body(bytes); !done) return done;
    erase({header_id::content_type, header_id::content_encoding, header_id::content_disposition,
           header_id::content_language});
    return {};
  }
  if (!is_one_line(type)) return fail(edit_errc::unsafe_text);
  if (trim(type).empty()) return fail(edit_errc::bad_value);
  if (bytes.size() > max_message_size) return fail(edit_errc::too_large);
  // `bytes` may be a view into what the next edit replaces.
  const block_ref kept = of_.edits_;
  if (const auto done = put(header_id::content_type, type); !done) return done;
  return set_body(bytes);
}

} // namespace tandem::sip
