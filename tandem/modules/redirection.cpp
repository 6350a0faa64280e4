// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/redirection.hpp>

namespace tandem::modules {

namespace {

/// A bare URI as SER wrote it, but in angle brackets where its own parameters would else be taken
/// for those of the header (RFC 3261 20.10).
void append_contact(std::string& to, std::string_view uri) {
  const bool needs_brackets = uri.find_first_of(";,?") != std::string_view::npos;
  if (needs_brackets) to += '<';
  to += uri;
  if (needs_brackets) to += '>';
}

} // namespace

std::string contacts_for_redirection(const server::message_context& message) {
  if (!message.is_uri_rewritten() && message.branches().empty()) return {};
  std::string line = "Contact: ";
  append_contact(line, message.uri());
  for (const server::destination& branch : message.branches().all()) {
    line += ", ";
    append_contact(line, branch.uri);
  }
  line += "\r\n";
  return line;
}

} // namespace tandem::modules
