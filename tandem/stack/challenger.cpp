// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/challenger.hpp>

#include <tandem/sip/auth.hpp>
#include <tandem/sip/message_editor.hpp>
#include <tandem/sip/plain_text.hpp>

namespace tandem::stack {

void erase_credentials(sip::message& from, challenger by, std::string_view realm) {
  const sip::header_id header = credentials_header(by);
  for (std::size_t i = from.find(header); i != sip::message::npos; i = from.find(header, i)) {
    const auto there = sip::credentials::parse(from.value(i));
    if (there && sip::plain_text{there->realm()}.view() == realm)
      from.edit().erase_line(i);
    else
      ++i;
  }
}

bool copy_credentials(sip::message& ack, const sip::message& invite) {
  for (const challenger by : challengers) {
    const sip::header_id header = credentials_header(by);
    for (std::size_t i = invite.find(header); i != sip::message::npos;
         i = invite.find(header, i + 1))
      if (!ack.edit().append(header, invite.value(i))) return false;
  }
  return true;
}

} // namespace tandem::stack
