// SPDX-License-Identifier: Apache-2.0
// Messages for the tests of this room, as text and parsed.
#pragma once

#include <tandem/sip/message.hpp>
#include <tandem/sip/parsed_for_test.hpp>
#include <tandem/sip/uri.hpp>
#include <tandem/stack/target.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace tandem::stack::for_test {

/// What a test request is made of.
struct request_parts {
  std::string method = "INVITE";
  std::string uri = "sip:bob@192.0.2.2";
  std::string via = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKaaa1";
  std::string more = ""; ///< whole header lines
  std::string call_id = "call-1@192.0.2.1";
  std::string from = "<sip:alice@example.com>;tag=alice-1";
  std::string to = "<sip:bob@example.com>";
  unsigned cseq = 1;
  std::string body = "";
};

inline std::string request_text(const request_parts& p) {
  return p.method + " " + p.uri + " SIP/2.0\r\nVia: " + p.via + "\r\n" + p.more +
         "From: " + p.from + "\r\nTo: " + p.to + "\r\nCall-ID: " + p.call_id +
         "\r\nCSeq: " + std::to_string(p.cseq) + " " + p.method +
         "\r\nMax-Forwards: 70\r\nContent-Length: " + std::to_string(p.body.size()) + "\r\n\r\n" +
         p.body;
}

using sip::for_test::parsed;

inline sip::uri uri_of(std::string_view text) {
  const auto uri = sip::uri::parse(text);
  EXPECT_TRUE(uri) << text;
  return uri ? *uri : sip::uri{};
}

inline sip::message make_request(const request_parts& p) { return parsed(request_text(p)); }

/// The answer of a peer to a request that was sent to it.
inline std::string answer_text(std::string_view request, int status,
                               std::string_view to_tag = "bob-1", std::string_view more = {}) {
  const sip::message r = parsed(request);
  std::string text = "SIP/2.0 " + std::to_string(status) + " Whatever\r\n";
  for (const auto& h : r.headers()) {
    using id = sip::header_id;
    if (h.id != id::via && h.id != id::from && h.id != id::to && h.id != id::call_id &&
        h.id != id::cseq && h.id != id::record_route)
      continue;
    text += std::string{h.name} + ": " + std::string{h.value};
    if (h.id == id::to && r.to_tag().empty() && status > 100) text += ";tag=" + std::string{to_tag};
    text += "\r\n";
  }
  return text + std::string{more} + "Content-Length: 0\r\n\r\n";
}

inline arrival arrived_from(std::string_view address,
                            transport_kind transport = transport_kind::udp, flow_handle flow = {}) {
  arrival from;
  from.source = *socket_address::parse(address, 5060);
  from.local = *socket_address::parse("192.0.2.100:5060");
  from.transport = transport;
  from.flow = flow;
  return from;
}

inline target target_at(std::string_view address, transport_kind transport = transport_kind::udp) {
  target to;
  to.address = *socket_address::parse(address, 5060);
  to.transport = transport;
  return to;
}

} // namespace tandem::stack::for_test
