// SPDX-License-Identifier: Apache-2.0
// Reads a whole document of XML that a peer has sent, with expat. What RFC 6120 11.1 forbids (a
// document type, comments, processing instructions, other entities than the five) is refused, and
// depth, elements and memory are bounded. Any thread.
#pragma once

#include <tandem/base/result.hpp>
#include <tandem/xmpp/xml_element.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tandem::xmpp {

enum class xml_errc : std::uint8_t {
  malformed,  ///< not well-formed, not UTF-8, or not whole
  restricted, ///< well-formed, but RFC 6120 11.1 forbids it
  too_large,  ///< more than a limit
  no_memory,  ///< there was none for it
};

[[nodiscard]] std::string_view to_string(xml_errc e) noexcept;

struct xml_limits {
  std::size_t document = std::size_t{256} * 1024; ///< bytes that are read
  std::size_t memory = std::size_t{1024} * 1024;  ///< bytes of the elements that are made
  std::size_t elements = 4096;
  std::size_t depth = 32;      ///< the root counts as one
  std::size_t attributes = 64; ///< of one element
};

/// The root of the document. It is read as UTF-8, whatever its declaration says (RFC 6120 11.6).
[[nodiscard]] result<xml_element, xml_errc> read_xml(std::string_view document,
                                                     const xml_limits& limits = {}) noexcept;

} // namespace tandem::xmpp
