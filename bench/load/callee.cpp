// SPDX-License-Identifier: Apache-2.0
// The called side.
#include "callee.hpp"

#include "sip_text.hpp"

namespace tandem::bench {

namespace {

constexpr std::string_view description =
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";

} // namespace

callee::callee(answering how, transport kind, std::uint16_t port)
    : how_(how), contact_line_("Contact: <sip:bob@127.0.0.1:" + std::to_string(port) +
                               (kind == transport::tcp ? ";transport=tcp" : "") + ">\r\n") {}

void callee::on_request(channel& from, std::string_view request) {
  if (request.starts_with("ACK ") || status_of(request) != 0) {
    return;
  }
  std::string copied;
  append_copied_lines(copied, request, "callee");
  const auto answer = [&](std::string_view line, std::string_view body) {
    buffer_ = line;
    buffer_ += copied;
    buffer_ += contact_line_;
    if (!body.empty()) {
      buffer_ += "Content-Type: application/sdp\r\n";
    }
    buffer_ += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
    buffer_ += body;
    from.send(buffer_);
  };
  if (!request.starts_with("INVITE ")) {
    answer("SIP/2.0 200 OK\r\n", "");
    return;
  }
  answer("SIP/2.0 180 Ringing\r\n", "");
  if (how_ == answering::at_once) {
    answer("SIP/2.0 200 OK\r\n", description);
  }
}

} // namespace tandem::bench
