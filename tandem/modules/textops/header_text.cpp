// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/textops/header_text.hpp>

#include <tandem/base/split.hpp>
#include <tandem/sip/message_editor.hpp>

#include <algorithm>

namespace tandem::modules {

std::optional<std::vector<header_field>> split_header_text(std::string_view text,
                                                           std::string& room) {
  // A continuation is joined in `room` first, so that no view moves afterwards.
  room.clear();
  room.reserve(text.size() + 1);
  for (const std::string_view line : tandem::split(text, '\n')) {
    const std::string_view content = trim(line);
    if (content.empty()) continue;
    if (!room.empty()) room += is_blank(line.front()) ? ' ' : '\n';
    room += content;
  }
  std::vector<header_field> fields;
  for (const std::string_view line : tandem::split(room, '\n')) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const std::string_view name = trim(line.substr(0, colon));
    if (name.empty()) return std::nullopt;
    fields.push_back({name, trim(line.substr(colon + 1))});
  }
  return fields;
}

bool insert_fields(sip::message& m, std::size_t at, const std::vector<header_field>& fields) {
  sip::message changed = m.clone();
  for (const header_field& f : fields)
    if (!changed.edit().insert_line(at++, f.name, f.value)) return false;
  m = std::move(changed);
  return true;
}

std::optional<std::vector<header_field>> header_text::split(std::string_view text,
                                                            std::string& room) const {
  auto fields = split_header_text(text, room);
  if (fields && fields->size() != lines) fields.reset();
  return fields;
}

std::shared_ptr<const void> check_header_text(script::check& c) {
  // Variables stand for a word here: what they bring must not alter the lines.
  std::string written{c.text(0)};
  for (const script::text_piece& piece : c.at(0).pieces) {
    written += piece.literal;
    if (piece.variable.info) written += 'x';
  }
  std::string room;
  const auto fields = split_header_text(written, room);
  auto scratch = sip::message::parse("OPTIONS sip:a SIP/2.0\r\n\r\n");
  if (!fields || fields->empty() || !scratch || !insert_fields(*scratch, 0, *fields)) {
    c.error(0, "this is not a header line", R"(usage: "Name: value\r\n")");
    return nullptr;
  }
  header_text made{fields->size()};
  if (c.is_constant(0))
    for (const header_field& f : *fields)
      if (!made.constant.add(f.name, f.value)) made.constant.clear();
  return std::make_shared<const header_text>(std::move(made));
}

} // namespace tandem::modules
