// SPDX-License-Identifier: Apache-2.0
#include <tandem/xmpp/xml_writer.hpp>

#include <tandem/base/utf8.hpp>

#include <cassert>
#include <utility>

namespace tandem::xmpp {

namespace {

/// XML 1.0 2.2, beyond ASCII.
bool is_xml_character(char32_t c) noexcept { return c != 0xfffe && c != 0xffff; }

void append_ascii(std::string& to, char c) {
  switch (c) {
  case '&': to += "&amp;"; return;
  case '<': to += "&lt;"; return;
  case '>': to += "&gt;"; return;
  case '\'': to += "&apos;"; return;
  case '"': to += "&quot;"; return;
  case '\t': to += "&#9;"; return;
  case '\n': to += "&#10;"; return;
  case '\r': to += "&#13;"; return;
  default: break;
  }
  if (static_cast<unsigned char>(c) < ' ')
    to += "\xef\xbf\xbd";
  else
    to += c;
}

} // namespace

void append_escaped(std::string& to, std::string_view text) {
  while (!text.empty()) {
    if (static_cast<unsigned char>(text.front()) < 0x80) {
      append_ascii(to, text.front());
      text.remove_prefix(1);
      continue;
    }
    const std::string_view before = text;
    const auto character = take_utf8(text);
    if (character && is_xml_character(*character))
      to += before.substr(0, before.size() - text.size());
    else
      to += "\xef\xbf\xbd";
  }
}

xml_writer& xml_writer::open(std::string_view name, std::string_view space) {
  end_start_tag();
  names_.push_back(name);
  out_ += '<';
  out_ += name;
  is_in_start_tag_ = true;
  if (!space.empty()) attribute("xmlns", space);
  return *this;
}

xml_writer& xml_writer::attribute(std::string_view name, std::string_view value) {
  assert(is_in_start_tag_);
  out_ += ' ';
  out_ += name;
  out_ += "='";
  append_escaped(out_, value);
  out_ += '\'';
  return *this;
}

xml_writer& xml_writer::text(std::string_view value) {
  end_start_tag();
  append_escaped(out_, value);
  return *this;
}

xml_writer& xml_writer::leaf(std::string_view name, std::string_view value) {
  return open(name).text(value).close();
}

xml_writer& xml_writer::written(std::string_view xml) {
  if (xml.empty()) return *this;
  end_start_tag();
  out_ += xml;
  return *this;
}

xml_writer& xml_writer::close() {
  assert(!names_.empty());
  if (std::exchange(is_in_start_tag_, false)) {
    out_ += "/>";
  } else {
    out_ += "</";
    out_ += names_.back();
    out_ += '>';
  }
  names_.pop_back();
  return *this;
}

std::string xml_writer::take() && {
  assert(names_.empty());
  return std::move(out_);
}

void xml_writer::end_start_tag() {
  if (std::exchange(is_in_start_tag_, false)) out_ += '>';
}

} // namespace tandem::xmpp
