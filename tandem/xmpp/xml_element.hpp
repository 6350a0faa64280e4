// SPDX-License-Identifier: Apache-2.0
// An element of XML as a value: names with their namespaces, attributes, text and children. Any
// thread.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::xmpp {

struct xml_attribute {
  std::string space; ///< namespace; empty for one without prefix
  std::string name;
  std::string value;
};

struct xml_element {
  std::string space; ///< namespace; empty: none
  std::string name;
  std::vector<xml_attribute> attributes;
  std::string text; ///< of the element itself, all pieces joined
  std::vector<xml_element> children;

  [[nodiscard]] bool is(std::string_view of_name, std::string_view of_space) const noexcept {
    return name == of_name && space == of_space;
  }

  /// Its value, or null. Views into the element live as long as it is unchanged.
  [[nodiscard]] const std::string* find_attribute(std::string_view of_name,
                                                  std::string_view of_space = {}) const noexcept {
    const auto found = std::ranges::find_if(attributes, [&](const xml_attribute& a) {
      return a.name == of_name && a.space == of_space;
    });
    return found == attributes.end() ? nullptr : &found->value;
  }

  /// Its value; empty when it is not there.
  [[nodiscard]] std::string_view attribute(std::string_view of_name,
                                           std::string_view of_space = {}) const noexcept {
    const std::string* const found = find_attribute(of_name, of_space);
    return found ? std::string_view{*found} : std::string_view{};
  }

  /// The first child of that name and namespace, or null.
  [[nodiscard]] const xml_element* find_child(std::string_view of_name,
                                              std::string_view of_space) const noexcept {
    const auto found =
        std::ranges::find_if(children, [&](const auto& c) { return c.is(of_name, of_space); });
    return found == children.end() ? nullptr : &*found;
  }
};

} // namespace tandem::xmpp
