// SPDX-License-Identifier: Apache-2.0
// The six messages that are measured: a call through a proxy, and a registration.
#include "parser.hpp"

#include <array>

namespace tandem::bench {

namespace {

constexpr std::string_view invite =
    "INVITE sip:bob@biloxi.example.com SIP/2.0\r\n"
    "Via: SIP/2.0/UDP proxy.atlanta.example.com:5060;branch=z9hG4bK2d4790.1\r\n"
    "Via: SIP/2.0/UDP 192.0.2.101:5062;branch=z9hG4bK74bf9;received=192.0.2.101;rport=5062\r\n"
    "Max-Forwards: 69\r\n"
    "Record-Route: <sip:proxy.atlanta.example.com;lr>\r\n"
    "From: \"Alice Liddell\" <sip:alice@atlanta.example.com>;tag=9fxced76sl\r\n"
    "To: Bob <sip:bob@biloxi.example.com>\r\n"
    "Call-ID: 3848276298220188511@atlanta.example.com\r\n"
    "CSeq: 4711 INVITE\r\n"
    "Contact: <sip:alice@192.0.2.101:5062;transport=udp>\r\n"
    "User-Agent: Example Phone 3.14 (release 2041)\r\n"
    "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, REFER, NOTIFY\r\n"
    "Supported: replaces, timer, 100rel\r\n"
    "Session-Expires: 1800\r\n"
    "P-Preferred-Identity: \"Alice Liddell\" <sip:alice@atlanta.example.com>\r\n"
    "Subject: The rabbit hole, and what to do about it\r\n"
    "Date: Thu, 21 Feb 2002 13:02:03 GMT\r\n"
    "Content-Type: application/sdp\r\n"
    "Content-Length: 274\r\n"
    "\r\n"
    "v=0\r\n"
    "o=alice 2890844526 2890844527 IN IP4 192.0.2.101\r\n"
    "s=Session SDP\r\n"
    "c=IN IP4 192.0.2.101\r\n"
    "t=0 0\r\n"
    "m=audio 49172 RTP/AVP 0 8 9 101\r\n"
    "a=rtpmap:0 PCMU/8000\r\n"
    "a=rtpmap:8 PCMA/8000\r\n"
    "a=rtpmap:9 G722/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\n"
    "a=fmtp:101 0-15\r\n"
    "a=ptime:20\r\n"
    "a=sendrecv\r\n";

constexpr std::string_view ringing =
    "SIP/2.0 180 Ringing\r\n"
    "Via: SIP/2.0/UDP "
    "proxy.atlanta.example.com:5060;branch=z9hG4bK2d4790.1;received=192.0.2.111\r\n"
    "Via: SIP/2.0/UDP 192.0.2.101:5062;branch=z9hG4bK74bf9;received=192.0.2.101;rport=5062\r\n"
    "Record-Route: <sip:proxy.atlanta.example.com;lr>\r\n"
    "From: \"Alice Liddell\" <sip:alice@atlanta.example.com>;tag=9fxced76sl\r\n"
    "To: Bob <sip:bob@biloxi.example.com>;tag=314159\r\n"
    "Call-ID: 3848276298220188511@atlanta.example.com\r\n"
    "CSeq: 4711 INVITE\r\n"
    "Contact: <sip:bob@198.51.100.4>\r\n"
    "Content-Length: 0\r\n"
    "\r\n";

constexpr std::string_view ok =
    "SIP/2.0 200 OK\r\n"
    "Via: SIP/2.0/UDP "
    "proxy.atlanta.example.com:5060;branch=z9hG4bK2d4790.1;received=192.0.2.111\r\n"
    "Via: SIP/2.0/UDP 192.0.2.101:5062;branch=z9hG4bK74bf9;received=192.0.2.101;rport=5062\r\n"
    "Record-Route: <sip:proxy.atlanta.example.com;lr>\r\n"
    "From: \"Alice Liddell\" <sip:alice@atlanta.example.com>;tag=9fxced76sl\r\n"
    "To: Bob <sip:bob@biloxi.example.com>;tag=314159\r\n"
    "Call-ID: 3848276298220188511@atlanta.example.com\r\n"
    "CSeq: 4711 INVITE\r\n"
    "Contact: <sip:bob@198.51.100.4>\r\n"
    "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO\r\n"
    "Supported: timer\r\n"
    "Content-Type: application/sdp\r\n"
    "Content-Length: 174\r\n"
    "\r\n"
    "v=0\r\n"
    "o=bob 2808844564 2808844564 IN IP4 198.51.100.4\r\n"
    "s=-\r\n"
    "c=IN IP4 198.51.100.4\r\n"
    "t=0 0\r\n"
    "m=audio 3456 RTP/AVP 0 101\r\n"
    "a=rtpmap:0 PCMU/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\n";

constexpr std::string_view ack =
    "ACK sip:bob@198.51.100.4 SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 192.0.2.101:5062;branch=z9hG4bK74b76;rport\r\n"
    "Max-Forwards: 70\r\n"
    "Route: <sip:proxy.atlanta.example.com;lr>\r\n"
    "From: \"Alice Liddell\" <sip:alice@atlanta.example.com>;tag=9fxced76sl\r\n"
    "To: Bob <sip:bob@biloxi.example.com>;tag=314159\r\n"
    "Call-ID: 3848276298220188511@atlanta.example.com\r\n"
    "CSeq: 4711 ACK\r\n"
    "User-Agent: Example Phone 3.14\r\n"
    "Content-Length: 0\r\n"
    "\r\n";

constexpr std::string_view bye =
    "BYE sip:alice@192.0.2.101:5062;transport=udp SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 198.51.100.4:5060;branch=z9hG4bKnashds7\r\n"
    "Max-Forwards: 70\r\n"
    "Route: <sip:proxy.atlanta.example.com;lr>\r\n"
    "From: Bob <sip:bob@biloxi.example.com>;tag=314159\r\n"
    "To: \"Alice Liddell\" <sip:alice@atlanta.example.com>;tag=9fxced76sl\r\n"
    "Call-ID: 3848276298220188511@atlanta.example.com\r\n"
    "CSeq: 231 BYE\r\n"
    "User-Agent: Example Phone 2.0\r\n"
    "Content-Length: 0\r\n"
    "\r\n";

constexpr std::string_view registration =
    "REGISTER sip:atlanta.example.com SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 192.0.2.101:5062;branch=z9hG4bKnashds8;rport\r\n"
    "Max-Forwards: 70\r\n"
    "From: \"Alice Liddell\" <sip:alice@atlanta.example.com>;tag=456248\r\n"
    "To: \"Alice Liddell\" <sip:alice@atlanta.example.com>\r\n"
    "Call-ID: 843817637684230@998sdasdh09\r\n"
    "CSeq: 1826 REGISTER\r\n"
    "Contact: <sip:alice@192.0.2.101:5062;transport=udp>;expires=3600;q=0.7\r\n"
    "User-Agent: Example Phone 3.14 (release 2041)\r\n"
    "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS\r\n"
    "Expires: 3600\r\n"
    "Content-Length: 0\r\n"
    "\r\n";

constexpr std::array messages{invite, ringing, ok, ack, bye, registration};

} // namespace

std::span<const std::string_view> measured_messages() { return messages; }

} // namespace tandem::bench
