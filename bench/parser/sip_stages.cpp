// SPDX-License-Identifier: Apache-2.0
// The stages of a message's life whose cost has a budget, on an INVITE of about 900 bytes with 20
// header lines and SDP.
//   sip_stages --list              stages with their budgets in instructions
//   sip_stages STAGE ROUNDS        one line of JSON; under callgrind,
//   --toggle-collect=measured_stage counts the rounds
#include "parser.hpp"

#include <tandem/sip/headers.hpp>
#include <tandem/sip/max_forwards.hpp>
#include <tandem/sip/message_editor.hpp>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

namespace sip = tandem::sip;
namespace hdr = tandem::sip::hdr;

constexpr std::string_view invite =
    "INVITE sip:bob@biloxi.example.com SIP/2.0\r\n"
    "Via: SIP/2.0/UDP proxy.example.com;branch=z9hG4bK2d4790.1\r\n"
    "Via: SIP/2.0/UDP 192.0.2.101:5062;branch=z9hG4bK74bf9;received=192.0.2.9\r\n"
    "Route: <sip:edge.example.com;lr>\r\n"
    "Record-Route: <sip:proxy.example.com;lr>\r\n"
    "Max-Forwards: 69\r\n"
    "From: \"Alice\" <sip:alice@example.com>;tag=9fxced76sl\r\n"
    "To: Bob <sip:bob@biloxi.example.com>\r\n"
    "Call-ID: 3848276298220188511@192.0.2.101\r\n"
    "CSeq: 4711 INVITE\r\n"
    "Contact: <sip:alice@192.0.2.101:5062>\r\n"
    "User-Agent: Phone 3.14\r\n"
    "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS\r\n"
    "Supported: replaces, timer\r\n"
    "Accept: application/sdp\r\n"
    "Date: Thu, 21 Feb 2002 13:02:03 GMT\r\n"
    "Subject: Rabbits\r\n"
    "Priority: normal\r\n"
    "Expires: 180\r\n"
    "Content-Type: application/sdp\r\n"
    "Content-Length: 140\r\n"
    "\r\n"
    "v=0\r\n"
    "o=alice 28908 28908 IN IP4 192.0.2.101\r\n"
    "s=-\r\n"
    "c=IN IP4 192.0.2.101\r\n"
    "t=0 0\r\n"
    "m=audio 49172 RTP/AVP 0 8\r\n"
    "a=rtpmap:0 PCMU/8000\r\n"
    "a=sendrecv\r\n";

std::uint64_t seen = 0; // keeps the compiler from leaving the work out

void scan_and_key() {
  const auto parsed = sip::message::parse(invite);
  seen += parsed ? parsed->key()->branch.size() : 0;
}

template <auto Header>
void read_all(const sip::message& message) {
  for (const auto& value : message.all<Header>()) {
    seen += value.has_value() ? 1 : 0;
  }
}

void read_typed(const sip::message& message) {
  read_all<hdr::via>(message);
  read_all<hdr::route>(message);
  read_all<hdr::record_route>(message);
  read_all<hdr::max_forwards>(message);
  read_all<hdr::from>(message);
  read_all<hdr::to>(message);
  read_all<hdr::call_id>(message);
  read_all<hdr::cseq>(message);
  read_all<hdr::contact>(message);
  read_all<hdr::user_agent>(message);
  read_all<hdr::allow>(message);
  read_all<hdr::supported>(message);
  read_all<hdr::accept>(message);
  read_all<hdr::date>(message);
  read_all<hdr::subject>(message);
  read_all<hdr::priority>(message);
  read_all<hdr::expires>(message);
  read_all<hdr::content_type>(message);
  read_all<hdr::content_length>(message);
}

/// RFC 3261 16.6: a copy with another target, one hop less, our Via and our Record-Route, without
/// the Route that named us.
void write_forwarded(const sip::message& message) {
  sip::message copy = message.clone();
  bool good = copy.edit().set_request_uri("sip:bob@198.51.100.4:5060").has_value();
  good = decrement_max_forwards(copy).has_value() && good;
  copy.edit().pop_front(sip::header_id::route);
  good =
      copy.edit().put_front(sip::header_id::record_route, "<sip:192.0.2.1;lr>").has_value() && good;
  good = copy.edit()
             .put_front(sip::header_id::via, "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK77ef4c2312983.1")
             .has_value() &&
         good;
  seen += good ? copy.wire_size() : 0;
}

struct stage {
  std::string_view name;
  int budget; // instructions
};
constexpr std::array stages{stage{"scan-and-key", 4500}, stage{"typed-headers", 14500},
                            stage{"forwarded-copy", 3900}};

} // namespace

extern "C" [[gnu::noinline]] void measured_stage(std::size_t which, const sip::message& message) {
  if (which == 0) {
    scan_and_key();
  } else if (which == 1) {
    read_typed(message);
  } else {
    write_forwarded(message);
  }
}

int main(int argc, char** argv) {
  const std::string name = argc > 1 ? argv[1] : "--list";
  if (name == "--list") {
    for (const stage& one : stages) {
      std::printf("%s %d\n", std::string(one.name).c_str(), one.budget);
    }
    return 0;
  }
  std::size_t which = 0;
  while (which < stages.size() && stages[which].name != name) {
    ++which;
  }
  const auto message = sip::message::parse(invite);
  if (which == stages.size() || !message || !message->key()) {
    std::fprintf(stderr, "sip_stages: there is no stage '%s', or the message does not parse\n",
                 name.c_str());
    return 2;
  }
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 100000;
  constexpr int warm_up = 100;
  for (int n = 0; n < warm_up; ++n) { // what measured_stage does, not counted by callgrind
    scan_and_key();
    read_typed(*message);
    write_forwarded(*message);
  }
  const std::uint64_t allocated = tandem::bench::allocations();
  const auto began = std::chrono::steady_clock::now();
  for (int n = 0; n < rounds; ++n) {
    measured_stage(which, *message);
  }
  const auto took = std::chrono::steady_clock::now() - began;
  std::printf("{\"stage\": \"%s\", \"nanoseconds\": %.0f, \"allocations\": %.3f}\n", name.c_str(),
              std::chrono::duration<double, std::nano>(took).count() / rounds,
              static_cast<double>(tandem::bench::allocations() - allocated) / rounds);
  return seen == 0 ? 1 : 0;
}
