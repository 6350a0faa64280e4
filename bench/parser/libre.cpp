// SPDX-License-Identifier: Apache-2.0
// libre under measurement. It keeps a reference to the buffer, so the message is put into one of
// its own first, as its own transport does for each datagram.
#include "parser.hpp"

#include <cstring>

extern "C" {
#include <re.h>
}

namespace tandem::bench {

const char* const parser_name = "libre";

namespace {

std::string_view text(const pl& view) {
  return view.p == nullptr ? std::string_view{} : std::string_view{view.p, view.l};
}

} // namespace

void prepare_parser() { libre_init(); }

bool read_message(std::string_view message, take_answer take) {
  mbuf* buffer = mbuf_alloc(message.size());
  mbuf_write_mem(buffer, reinterpret_cast<const std::uint8_t*>(message.data()), message.size());
  buffer->pos = 0;
  sip_msg* parsed = nullptr;
  const bool good = sip_msg_decode(&parsed, buffer) == 0;
  if (good) {
    answer found;
    if (parsed->req) {
      found.method = text(parsed->met);
    } else {
      found.status = parsed->scode;
    }
    found.branch = text(parsed->via.branch);
    found.from_tag = text(parsed->from.tag);
    found.to_tag = text(parsed->to.tag);
    found.call_id = text(parsed->callid);
    found.cseq = parsed->cseq.num;
    found.cseq_method = text(parsed->cseq.met);
    const sip_hdr* contact = sip_msg_hdr(parsed, SIP_HDR_CONTACT);
    sip_addr address{};
    if (contact != nullptr && sip_addr_decode(&address, &contact->val) == 0) {
      found.contact_user = text(address.uri.user);
      found.contact_host = text(address.uri.host);
    }
    take(found);
    mem_deref(parsed);
  }
  mem_deref(buffer);
  return good;
}

} // namespace tandem::bench
