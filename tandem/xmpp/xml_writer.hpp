// SPDX-License-Identifier: Apache-2.0
// Writes XML: names are ours, values are anybody's and are escaped, so that nothing that a user
// wrote can begin an element or end an attribute. One thread for each object.
//
//   xml_writer xml;
//   xml.open("presence").attribute("id", "7");
//   xml.leaf("status", "On the phone.");
//   xml.close();
//   send(std::move(xml).take());
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tandem::xmpp {

/// Appends a text so that it can stand in an element or in an attribute between either quotes. Tab,
/// CR and LF become references, which attributes keep; what XML cannot hold (other control
/// characters, what is not UTF-8) becomes U+FFFD.
void append_escaped(std::string& to, std::string_view text);

class xml_writer {
 public:
  /// Begins an element. \param name of ours, with its prefix; it must live until close().
  xml_writer& open(std::string_view name, std::string_view space = {});
  /// An attribute of the element that was just begun, before its content.
  xml_writer& attribute(std::string_view name, std::string_view value);
  xml_writer& text(std::string_view value);
  /// An element with nothing but text.
  xml_writer& leaf(std::string_view name, std::string_view value);
  /// Whole elements that somebody has written already.
  xml_writer& written(std::string_view xml);
  /// Ends the innermost element.
  xml_writer& close();

  /// What was written. Every element must have been closed.
  [[nodiscard]] std::string take() &&;

 private:
  void end_start_tag();

  std::string out_;
  std::vector<std::string_view> names_;
  bool is_in_start_tag_ = false;
};

} // namespace tandem::xmpp
