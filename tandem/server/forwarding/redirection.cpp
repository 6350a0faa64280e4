// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/forwarding/redirection.hpp>

#include <string>

namespace tandem::server {

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

void add_redirection(const message_context& message, sip::response_writer& answer) {
  if (answer.status() / 100 != 3) return;
  if (!message.is_uri_rewritten() && message.branches().empty()) return;
  std::string contacts;
  append_contact(contacts, message.uri());
  for (const destination& branch : message.branches().all()) {
    contacts += ", ";
    append_contact(contacts, branch.uri);
  }
  answer.add(sip::header_id::contact, contacts);
}

} // namespace tandem::server
