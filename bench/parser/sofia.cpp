// SPDX-License-Identifier: Apache-2.0
// sofia-sip under measurement.
#include "parser.hpp"

#include <sofia-sip/msg.h>
#include <sofia-sip/msg_addr.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>

namespace tandem::bench {

const char* const parser_name = "sofia-sip";

namespace {

std::string_view text(const char* c_string) {
  return c_string == nullptr ? std::string_view{} : std::string_view{c_string};
}

} // namespace

void prepare_parser() {}

bool read_message(std::string_view message, take_answer take) {
  msg_t* parsed =
      msg_make(sip_default_mclass(), 0, message.data(), static_cast<ssize_t>(message.size()));
  if (parsed == nullptr) {
    return false;
  }
  const sip_t* sip = sip_object(parsed);
  const bool good = sip != nullptr && sip->sip_error == nullptr && sip->sip_via != nullptr &&
                    sip->sip_cseq != nullptr;
  if (good) {
    answer found;
    if (sip->sip_request != nullptr) {
      found.method = text(sip->sip_request->rq_method_name);
    } else {
      found.status = sip->sip_status->st_status;
    }
    found.branch = text(sip->sip_via->v_branch);
    found.from_tag = text(sip->sip_from->a_tag);
    found.to_tag = text(sip->sip_to->a_tag);
    found.call_id = text(sip->sip_call_id->i_id);
    found.cseq = sip->sip_cseq->cs_seq;
    found.cseq_method = text(sip->sip_cseq->cs_method_name);
    if (sip->sip_contact != nullptr) {
      found.contact_user = text(sip->sip_contact->m_url->url_user);
      found.contact_host = text(sip->sip_contact->m_url->url_host);
    }
    take(found);
  }
  msg_destroy(parsed);
  return good;
}

} // namespace tandem::bench
