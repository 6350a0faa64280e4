// SPDX-License-Identifier: Apache-2.0
// Any bytes as a document: within its limits, and what was read is written and read again as the
// same.
#include <tandem/xmpp/jid.hpp>
#include <tandem/xmpp/xml_reader.hpp>
#include <tandem/xmpp/xml_writer.hpp>

#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace tandem::xmpp;

namespace {

constexpr xml_limits limits{
    .document = 4096, .memory = 65536, .elements = 64, .depth = 8, .attributes = 8};

/// Counts elements; ends the process where a limit was passed.
std::size_t count(const xml_element& of, std::size_t depth) {
  if (depth > limits.depth || of.attributes.size() > limits.attributes) std::abort();
  std::size_t all = 1;
  for (const xml_element& child : of.children) all += count(child, depth + 1);
  return all;
}

void check_text(const std::string& text) {
  xml_writer xml;
  xml.open("a").attribute("b", text).text(text).close();
  const auto again = read_xml(std::move(xml).take(), {.memory = std::size_t{1} << 20U});
  if (!again || again->text != text || again->attribute("b") != text) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  if (const auto read = read_xml(bytes, limits)) {
    if (size > limits.document || count(*read, 1) > limits.elements) std::abort();
    check_text(read->text);
  }
  if (const auto address = jid::parse(bytes); address && jid::parse(address->full()) != address)
    std::abort();
  return 0;
}
