// SPDX-License-Identifier: Apache-2.0
// belle-sip under measurement. It wants a text that ends in NUL, and gets a copy, as from its own
// transport.
#include "parser.hpp"

#include <belle-sip/belle-sip.h>
#include <string>

namespace tandem::bench {

const char* const parser_name = "belle-sip";

namespace {

std::string_view text(const char* c_string) {
  return c_string == nullptr ? std::string_view{} : std::string_view{c_string};
}

} // namespace

void prepare_parser() { belle_sip_object_enable_marshal_check(0); }

bool read_message(std::string_view message, take_answer take) {
  // Takes what the parser makes for itself.
  belle_sip_object_pool_t* pool = belle_sip_object_pool_push();
  const std::string copy(message);
  belle_sip_message_t* parsed = belle_sip_message_parse(copy.c_str());
  if (parsed == nullptr) {
    belle_sip_object_unref(pool);
    return false;
  }
  answer found;
  if (belle_sip_message_is_request(parsed) != 0) {
    found.method = text(belle_sip_request_get_method(BELLE_SIP_REQUEST(parsed)));
  } else {
    found.status = belle_sip_response_get_status_code(BELLE_SIP_RESPONSE(parsed));
  }
  if (auto* via = belle_sip_message_get_header_by_type(parsed, belle_sip_header_via_t)) {
    found.branch = text(belle_sip_header_via_get_branch(via));
  }
  found.from_tag = text(belle_sip_header_from_get_tag(
      belle_sip_message_get_header_by_type(parsed, belle_sip_header_from_t)));
  found.to_tag = text(belle_sip_header_to_get_tag(
      belle_sip_message_get_header_by_type(parsed, belle_sip_header_to_t)));
  found.call_id = text(belle_sip_header_call_id_get_call_id(
      belle_sip_message_get_header_by_type(parsed, belle_sip_header_call_id_t)));
  auto* cseq = belle_sip_message_get_header_by_type(parsed, belle_sip_header_cseq_t);
  found.cseq = belle_sip_header_cseq_get_seq_number(cseq);
  found.cseq_method = text(belle_sip_header_cseq_get_method(cseq));
  if (auto* contact = belle_sip_message_get_header_by_type(parsed, belle_sip_header_contact_t)) {
    belle_sip_uri_t* uri = belle_sip_header_address_get_uri(BELLE_SIP_HEADER_ADDRESS(contact));
    found.contact_user = text(belle_sip_uri_get_user(uri));
    found.contact_host = text(belle_sip_uri_get_host(uri));
  }
  take(found);
  belle_sip_object_unref(parsed);
  belle_sip_object_unref(pool);
  return true;
}

} // namespace tandem::bench
