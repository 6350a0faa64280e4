// SPDX-License-Identifier: Apache-2.0
// libosip2 under measurement.
#include "parser.hpp"

#include <cstdlib>
#include <osipparser2/osip_parser.h>

namespace tandem::bench {

const char* const parser_name = "libosip2";

namespace {

std::string_view text(const char* c_string) {
  return c_string == nullptr ? std::string_view{} : std::string_view{c_string};
}

} // namespace

void prepare_parser() { parser_init(); }

bool read_message(std::string_view message, take_answer take) {
  osip_message_t* parsed = nullptr;
  if (osip_message_init(&parsed) != 0) {
    return false;
  }
  const bool good = osip_message_parse(parsed, message.data(), message.size()) == 0;
  if (good) {
    answer found;
    if (MSG_IS_REQUEST(parsed)) {
      found.method = text(parsed->sip_method);
    } else {
      found.status = parsed->status_code;
    }
    osip_via_t* via = nullptr;
    osip_generic_param_t* param = nullptr;
    osip_message_get_via(parsed, 0, &via);
    if (via != nullptr &&
        osip_via_param_get_byname(via, const_cast<char*>("branch"), &param) == 0) {
      found.branch = text(param->gvalue);
    }
    if (osip_from_get_tag(parsed->from, &param) == 0) {
      found.from_tag = text(param->gvalue);
    }
    if (osip_to_get_tag(parsed->to, &param) == 0) {
      found.to_tag = text(param->gvalue);
    }
    found.cseq = static_cast<std::uint32_t>(std::strtoul(parsed->cseq->number, nullptr, 10));
    found.cseq_method = text(parsed->cseq->method);
    osip_contact_t* contact = nullptr;
    osip_message_get_contact(parsed, 0, &contact);
    if (contact != nullptr && contact->url != nullptr) {
      found.contact_user = text(contact->url->username);
      found.contact_host = text(contact->url->host);
    }
    char* call_id = nullptr; // it keeps the two halves apart
    osip_call_id_to_str(parsed->call_id, &call_id);
    found.call_id = text(call_id);
    take(found);
    osip_free(call_id);
  }
  osip_message_free(parsed);
  return good;
}

} // namespace tandem::bench
