// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/protocol/json.hpp>

#include <tandem/base/json_text.hpp>
#include <tandem/sip2/protocol/charset.hpp>

#include <algorithm>
#include <cmath>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace tandem::sip2 {
namespace {

namespace bj = boost::json;

/// The text of a plain value; false for null, arrays and objects.
bool append_plain(std::string& out, const bj::value& v) {
  switch (v.kind()) {
  case bj::kind::string: out += std::string_view{v.get_string()}; return true;
  case bj::kind::int64: out += fmt::format("{}", v.get_int64()); return true;
  case bj::kind::uint64: out += fmt::format("{}", v.get_uint64()); return true;
  case bj::kind::double_: out += fmt::format("{}", v.get_double()); return true;
  case bj::kind::bool_: out += v.get_bool() ? '1' : '0'; return true;
  case bj::kind::null:
  case bj::kind::array:
  case bj::kind::object: break;
  }
  return false;
}

/// "93" of "93" and of 93, "09" of 9.
result<message_code, json_errc> read_code(const bj::object& object) {
  const auto* v = object.if_contains("code");
  std::string text;
  if (!v || v->is_bool() || !append_plain(text, *v)) return fail(json_errc::no_code);
  if (v->is_number() && text.size() == 1) text.insert(0, 1, '0');
  if (text.size() != 2) return fail(json_errc::no_code);
  const auto c = message_code::of(text);
  if (!find_message(c)) return fail(json_errc::unknown_code);
  return c;
}

/// Fixed fields are ASCII: one question mark for each character that is not, so that widths hold.
std::string to_fixed(std::string_view utf8) {
  std::string out;
  for (const char c : utf8) {
    const auto b = static_cast<unsigned char>(c);
    if ((b & 0xc0) == 0x80) continue;
    out += b < 0x20 || b == 0x7f ? ' ' : b < 0x80 ? c : '?';
  }
  return out;
}

/// The fixed field that begins at an offset; null within one and behind the last.
const fixed_field* field_at(const message_spec& spec, std::size_t offset) noexcept {
  std::size_t begin = 0;
  for (const auto& f : spec.fixed) {
    if (begin == offset) return &f;
    begin += f.width;
  }
  return nullptr;
}

/// Fields whose values are digits: a number can stand in them.
bool holds_digits(fixed_kind kind) noexcept {
  switch (kind) {
  case fixed_kind::flag:
  case fixed_kind::language:
  case fixed_kind::count:
  case fixed_kind::number:
  case fixed_kind::limit:
  case fixed_kind::circulation:
  case fixed_kind::security:
  case fixed_kind::fee_type:
  case fixed_kind::payment_type:
  case fixed_kind::algorithm:
  case fixed_kind::sc_status_code:
  case fixed_kind::version: return true;
  case fixed_kind::yes_no:
  case fixed_kind::yes_no_unknown:
  case fixed_kind::date:
  case fixed_kind::patron_status:
  case fixed_kind::summary:
  case fixed_kind::currency:
  case fixed_kind::hold_mode: break;
  }
  return false;
}

/// A number as the field writes it: 2 is 0002 as a count, 2.0 is 2.00 as a version. False when it
/// is none that the field can hold.
bool append_number(std::string& out, const bj::value& v, const fixed_field& f) {
  if (!holds_digits(f.kind)) return false;
  std::string text;
  if (f.kind == fixed_kind::version && v.is_number())
    text = fmt::format("{:.2f}", v.to_number<double>());
  else
    append_plain(text, v);
  const auto is_allowed = [&f](char c) {
    return (c >= '0' && c <= '9') || (c == '.' && f.kind == fixed_kind::version);
  };
  if (text.size() > f.width || !std::ranges::all_of(text, is_allowed)) return false;
  out.append(f.width - text.size(), '0');
  out += text;
  return true;
}

void read_fixed(message& m, const bj::object& object, json_notes& notes) {
  std::string text;
  const auto append = [&](const bj::value& v) {
    if (!v.is_number() && !v.is_bool()) {
      if (!append_plain(text, v)) notes.null_fixed = true;
      return;
    }
    const auto* f = field_at(*m.spec(), text.size());
    if (!f || !append_number(text, v, *f)) notes.wrong_number = true;
  };
  if (const auto* v = object.if_contains("fixed_fields")) {
    if (const auto* list = v->if_array())
      std::ranges::for_each(*list, append);
    else if (!v->is_null())
      append(*v);
  }
  m.fixed = is_ascii(text) ? std::move(text) : to_fixed(text);
  for (char& c : m.fixed)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  const auto width = m.spec()->fixed_width();
  notes.long_fixed = notes.long_fixed || m.fixed.size() > width;
  notes.short_fixed = m.fixed.size() < width;
  if (m.fixed.size() > width) m.fixed.resize(width);
}

void read_field(message& m, std::string_view name, const bj::value& value, null_rule nulls,
                json_notes& notes) {
  if (name.size() != 2 || !field_id::of(name).is_printable()) {
    notes.odd_field = true;
    return;
  }
  const auto id = field_id::of(name);
  if (value.is_null()) {
    if (nulls == null_rule::empty) m.add(id, {});
    return;
  }
  if (const auto* list = value.if_array()) { // a repeated field, as some back-ends write it
    for (const auto& item : *list) {
      std::string text;
      if (append_plain(text, item))
        m.add(id, text);
      else
        notes.odd_field = true;
    }
    return;
  }
  std::string text;
  if (append_plain(text, value))
    m.fields.push_back({id, std::move(text)});
  else
    notes.odd_field = true;
}

void read_fields(message& m, const bj::object& object, null_rule nulls, json_notes& notes) {
  const auto* v = object.if_contains("fields");
  if (!v || v->is_null()) return;
  const auto read_object = [&](const bj::object& fields) {
    for (const auto& [name, value] : fields) read_field(m, name, value, nulls, notes);
  };
  if (const auto* fields = v->if_object()) {
    read_object(*fields);
  } else if (const auto* list = v->if_array()) {
    m.fields.reserve(list->size());
    for (const auto& item : *list)
      if (const auto* fields_of_item = item.if_object())
        read_object(*fields_of_item);
      else
        notes.odd_field = true;
  } else {
    notes.odd_field = true;
  }
}

} // namespace

std::string_view to_text(json_errc e) noexcept {
  switch (e) {
  case json_errc::not_json: return "not JSON";
  case json_errc::no_message: return "no JSON object where the message should be";
  case json_errc::no_code: return "no message code";
  case json_errc::unknown_code: return "unknown message code";
  }
  return "unknown";
}

std::string to_json(const message& m) {
  std::string out = "{\"code\":\"";
  out.reserve(256);
  out += m.code.text();
  out += "\",\"fixed_fields\":[";
  const auto* spec = m.spec();
  for (std::size_t i = 0; spec && i < spec->fixed.size(); ++i) {
    if (i > 0) out += ',';
    append_json(out, m.fixed_at(i));
  }
  out += "],\"fields\":[";
  for (std::size_t i = 0; i < m.fields.size(); ++i) {
    out += i > 0 ? ",{" : "{";
    append_json(out, m.fields[i].id.text());
    out += ':';
    append_json(out, m.fields[i].value);
    out += '}';
  }
  out += "]}";
  return out;
}

result<message, json_errc> from_json(std::string_view text, const json_rules& rules,
                                     json_notes* notes) {
  json_notes ignored;
  json_notes& seen = notes ? *notes : ignored;
  unsigned char memory[4096];
  bj::monotonic_resource arena{memory};
  boost::system::error_code error;
  const auto root = bj::parse(bj::string_view{text.data(), text.size()}, error, &arena);
  if (error) return fail(json_errc::not_json);
  const auto* where = &root;
  if (!rules.pointer.empty()) {
    where = root.find_pointer(rules.pointer, error);
    if (!where) return fail(json_errc::no_message);
  }
  const auto* object = where->if_object();
  if (!object) return fail(json_errc::no_message);

  message m;
  const auto c = read_code(*object);
  if (!c) return fail(c.error());
  m.code = *c;
  read_fixed(m, *object, seen);
  read_fields(m, *object, rules.nulls, seen);
  if (rules.order == field_order::sorted) std::ranges::stable_sort(m.fields, {}, &field::id);
  return m;
}

} // namespace tandem::sip2
