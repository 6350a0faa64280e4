// SPDX-License-Identifier: Apache-2.0
// Reading a message: start line, header lines, single values, body.
#include <tandem/sip/message.hpp>

#include <tandem/base/text.hpp>
#include <tandem/sip/lexical.hpp>
#include <tandem/sip/single_values.hpp>

namespace tandem::sip {

std::optional<parse_error> message::defect() const noexcept {
  if (at_.defect.code == parse_errc{}) return std::nullopt;
  return at_.defect;
}

std::string_view message::method_text() const noexcept {
  if (is_response()) return {};
  return text({at_.start.begin, at_.method_end}, at_.start_is_edit);
}

std::string_view message::request_uri() const noexcept {
  if (is_response()) return {};
  return text(at_.target, at_.target_is_edit);
}

std::string_view message::version() const noexcept {
  const auto whole = text(at_.start, at_.start_is_edit);
  if (is_response())
    return whole.substr(0, static_cast<std::size_t>(at_.method_end - at_.start.begin));
  const auto blank = whole.rfind(' ');
  return blank == std::string_view::npos ? std::string_view{} : whole.substr(blank + 1);
}

std::string_view message::reason() const noexcept {
  if (is_request()) return {};
  return text(at_.target, at_.target_is_edit);
}

std::string_view message::name_of(const index_line& l) const noexcept {
  const char* const begin = origin(l.is_edit) + l.begin;
  if (l.name_size != index_line::long_name) return {begin, l.name_size};
  const char* end = begin;
  while (is(char_class::token, *end)) ++end;
  return {begin, static_cast<std::size_t>(end - begin)};
}

header_line message::header(std::size_t i) const noexcept {
  const index_line& l = line_at(i);
  return {l.id, name_of(l), value_of(l)};
}

std::size_t message::find(header_name name, std::size_t from) const noexcept {
  const header_id id = name.id();
  if (from >= at_.lines || !known().names.present.has(id)) return npos;
  // Whoever goes on behind the only line of that name is done.
  if (from != 0 && line_at(from - 1).id == id && !known().names.repeated.has(id)) return npos;
  const index_line* const last = at_.index_end - at_.lines;
  for (const index_line* l = at_.index_end - from; l != last;)
    if ((--l)->id == id && (id != header_id::unknown || iequals(name_of(*l), name.text())))
      return static_cast<std::size_t>(at_.index_end - l) - 1;
  return npos;
}

std::size_t message::find_last(header_name name) const noexcept {
  const header_id id = name.id();
  for (const index_line* l = at_.index_end - at_.lines; l != at_.index_end; ++l)
    if (l->id == id && (id != header_id::unknown || iequals(name_of(*l), name.text())))
      return static_cast<std::size_t>(at_.index_end - l) - 1;
  return npos;
}

std::size_t message::count(header_name name) const noexcept {
  std::size_t n = 0;
  for (std::size_t i = find(name); i != npos; i = find(name, i + 1)) ++n;
  return n;
}

std::optional<std::string_view> message::nth(header_name name, std::size_t n) const noexcept {
  for (std::size_t i = find(name); i != npos; i = find(name, i + 1))
    if (n-- == 0) return value_of(line_at(i));
  return std::nullopt;
}

message::place_of_value message::locate(const header_name& name, side which) const noexcept {
  place_of_value found;
  if (name.id() == header_id::via && which == side::front && knows(header_id::via)) {
    const std::size_t top = find(name);
    return {top, known().via.whole.in(origin(known().in_edits.has(header_id::via)))};
  }
  for (std::size_t i = find(name); i != npos; i = find(name, i + 1)) {
    const index_line& l = line_at(i);
    std::string_view rest = value_of(l);
    for (;;) {
      const auto value = next_value(l.id, rest);
      if (value.empty()) break;
      found = {i, value};
      if (which == side::front) return found;
    }
  }
  return found;
}

std::optional<std::string_view> message::front(header_name name) const noexcept {
  const auto found = locate(name, side::front);
  if (found.line == npos) return std::nullopt;
  return found.text;
}

std::optional<std::string_view> message::back(header_name name) const noexcept {
  const auto found = locate(name, side::back);
  if (found.line == npos) return std::nullopt;
  return found.text;
}

std::string_view message::body() const noexcept {
  if (at_.body_size == 0) return {};
  return {at_.body_is_edit ? body_.data() : base_.data() + at_.body_begin, at_.body_size};
}

} // namespace tandem::sip
