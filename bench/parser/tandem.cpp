// SPDX-License-Identifier: Apache-2.0
// Tandem's message room under measurement. The message is copied into a block of its own with room
// behind it, as the kernel would put it.
#include "parser.hpp"

#include <tandem/sip/headers.hpp>

namespace tandem::bench {

const char* const parser_name = "tandem";

void prepare_parser() {}

bool read_message(std::string_view message, take_answer take) {
  const auto parsed = sip::message::parse(message);
  if (!parsed) {
    return false;
  }
  const auto key = parsed->key();
  if (!key) {
    return false;
  }
  answer found;
  found.method = parsed->method_text();
  found.status = parsed->status();
  found.branch = key->branch;
  found.from_tag = key->from_tag;
  found.to_tag = key->to_tag;
  found.call_id = key->call_id;
  found.cseq = key->cseq;
  found.cseq_method = key->cseq_method_text;
  if (const auto contact = parsed->get<sip::hdr::contact>()) {
    found.contact_user = contact->address.user();
    found.contact_host = contact->address.host().text;
  }
  take(found);
  return true;
}

} // namespace tandem::bench
