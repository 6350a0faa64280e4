// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/protocol/message.hpp>

#include <algorithm>

namespace tandem::sip2 {
namespace {

/// Where a fixed field lies in message::fixed.
struct place {
  std::size_t offset = 0;
  std::size_t width = 0; ///< 0: no such field
};

place find_place(const message_spec* spec, std::string_view name) noexcept {
  std::size_t offset = 0;
  if (spec)
    for (const auto& f : spec->fixed) {
      if (f.name == name) return {offset, f.width};
      offset += f.width;
    }
  return {};
}

std::string_view cut(std::string_view text, std::size_t offset, std::size_t width) noexcept {
  return offset < text.size() ? text.substr(offset, width) : std::string_view{};
}

} // namespace

void drop_error_detection(message& m) {
  std::erase_if(m.fields,
                [](const field& f) { return f.id == field_id{"AY"} || f.id == field_id{"AZ"}; });
}

std::string blank_value(const fixed_field& f) {
  switch (f.kind) {
  case fixed_kind::flag:
  case fixed_kind::language:
  case fixed_kind::number:
  case fixed_kind::limit:
  case fixed_kind::algorithm:
  case fixed_kind::sc_status_code: return std::string(f.width, '0');
  case fixed_kind::yes_no:
  case fixed_kind::yes_no_unknown: return "N";
  case fixed_kind::circulation:
  case fixed_kind::fee_type: return "01"; // "other" in both lists
  case fixed_kind::security:
  case fixed_kind::payment_type: return "00";
  case fixed_kind::version: return "2.00";
  case fixed_kind::date:
  case fixed_kind::count:
  case fixed_kind::patron_status:
  case fixed_kind::summary:
  case fixed_kind::currency:
  case fixed_kind::hold_mode: break;
  }
  return std::string(f.width, ' ');
}

message::message(message_code c) : code{c} {
  if (const auto* row = spec())
    for (const auto& f : row->fixed) fixed += blank_value(f);
}

message::message(message_code c, std::initializer_list<std::string_view> fixed_values) : code{c} {
  const auto* row = spec();
  if (!row) return;
  auto given = fixed_values.begin();
  for (const auto& f : row->fixed) {
    if (given == fixed_values.end()) {
      fixed += blank_value(f);
      continue;
    }
    const auto value = given->substr(0, f.width);
    fixed += value;
    fixed.append(f.width - value.size(), ' ');
    ++given;
  }
}

std::string_view message::fixed_at(std::size_t index) const noexcept {
  const auto* row = spec();
  if (!row || index >= row->fixed.size()) return {};
  std::size_t offset = 0;
  for (std::size_t i = 0; i < index; ++i) offset += row->fixed[i].width;
  return cut(fixed, offset, row->fixed[index].width);
}

std::string_view message::fixed_named(std::string_view name) const noexcept {
  const auto where = find_place(spec(), name);
  return cut(fixed, where.offset, where.width);
}

bool message::set_fixed(std::string_view name, std::string_view value) {
  const auto where = find_place(spec(), name);
  if (where.width == 0) return false;
  if (fixed.size() < where.offset + where.width) fixed.resize(where.offset + where.width, ' ');
  const auto text = value.substr(0, where.width);
  for (std::size_t i = 0; i < where.width; ++i)
    fixed[where.offset + i] = i < text.size() ? text[i] : ' ';
  return true;
}

const std::string* message::find(field_id id) const noexcept {
  const auto found = std::ranges::find(fields, id, &field::id);
  return found == fields.end() ? nullptr : &found->value;
}

std::string_view message::value(field_id id) const noexcept {
  const auto* found = find(id);
  return found ? std::string_view{*found} : std::string_view{};
}

std::vector<std::string_view> message::values(field_id id) const {
  std::vector<std::string_view> all;
  for (const auto& f : fields)
    if (f.id == id) all.emplace_back(f.value);
  return all;
}

message& message::add(field_id id, std::string_view value) {
  fields.push_back({id, std::string{value}});
  return *this;
}

message& message::add_if(field_id id, std::string_view value) {
  return value.empty() ? *this : add(id, value);
}

void message::set(field_id id, std::string_view value) {
  const auto found = std::ranges::find(fields, id, &field::id);
  if (found == fields.end())
    add(id, value);
  else
    found->value = value;
}

std::size_t message::remove(field_id id) {
  return std::erase_if(fields, [id](const field& f) { return f.id == id; });
}

} // namespace tandem::sip2
