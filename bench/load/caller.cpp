// SPDX-License-Identifier: Apache-2.0
// The calling side.
#include "caller.hpp"

#include "sip_text.hpp"

#include <random>

namespace tandem::bench {

namespace {

constexpr std::string_view magic = "z9hG4bK"; // RFC 3261 8.1.1.7
constexpr int run_digits = 6;
constexpr int place_digits = 5;
constexpr int generation_digits = 6;
constexpr std::uint32_t generation_mask = 0xFFFFFF;
constexpr auto patience = std::chrono::seconds(1);

constexpr std::string_view offer =
    "v=0\r\no=alice 2890844526 2890844526 IN IP4 127.0.0.1\r\ns=-\r\n"
    "c=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4002 RTP/AVP 0 8 9 101\r\n"
    "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:9 G722/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=sendrecv\r\n";
constexpr std::string_view phone_lines =
    "User-Agent: load\r\nAllow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE\r\n"
    "Supported: replaces, timer\r\n";
constexpr std::string_view no_body = "Content-Length: 0\r\n\r\n";

} // namespace

caller::caller(plan work, std::vector<std::unique_ptr<channel>>& channels)
    : work_(std::move(work)), channels_(channels), places_(work_.places),
      run_(std::random_device{}()) {
  for (std::size_t index = places_.size(); index > 0; --index) {
    free_.push_back(index - 1);
  }
  callee_uri_ = "sip:bob@127.0.0.1:" + std::to_string(work_.callee_port) +
                (work_.kind == transport::tcp ? ";transport=tcp" : "");
  // CSeq numbers of a user's registrations must rise from run to run too (RFC 3261 10.2).
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  serial_ =
      static_cast<std::uint64_t>(
          std::chrono::duration_cast<std::chrono::seconds>(since_1970).count() - 1'600'000'000) *
      4;
}

void caller::start(std::uint64_t at_most) {
  now_ = clock::now();
  for (; at_most > 0 && !free_.empty() && !has_started_all(); --at_most) {
    const std::size_t index = free_.back();
    free_.pop_back();
    begin(index);
  }
}

void caller::open_request(std::size_t index, char step, std::string_view start_line) {
  text_ = start_line;
  text_ += " SIP/2.0\r\nVia: SIP/2.0/";
  text_ += work_.kind == transport::udp ? "UDP" : "TCP";
  text_ += " 127.0.0.1:" + std::to_string(channel_of(index).port()) + ";branch=";
  text_ += magic;
  append_hex(text_, run_, run_digits);
  append_hex(text_, index, place_digits);
  append_hex(text_, places_[index].generation, generation_digits);
  text_ += step;
  text_ += "\r\nMax-Forwards: 70\r\n";
}

void caller::append_call_id(std::size_t index) {
  text_ += "Call-ID: ";
  append_hex(text_, run_, run_digits);
  append_hex(text_, index, place_digits);
  append_hex(text_, places_[index].generation, generation_digits);
  text_ += "@load\r\n";
}

void caller::begin(std::size_t index) {
  place& one = places_[index];
  one.generation = (one.generation + 1) & generation_mask;
  one.now = phase::asked;
  one.began = one.heard = now_;
  ++busy_;
  ++counts_.started;
  ++serial_;
  std::string user = "u"; // += and not +: GCC 12 warns of an overlap that cannot be
  user += std::to_string(serial_ % work_.users);
  const std::string aor = "sip:" + user + "@" + work_.domain;
  const std::string port = std::to_string(channel_of(index).port());
  const std::string_view tail = work_.kind == transport::tcp ? ";transport=tcp" : "";
  switch (work_.what) {
  case unit::call:
    open_request(index, 'i', "INVITE " + callee_uri_);
    text_ += "From: \"Alice\" <sip:alice@example.test>;tag=caller\r\nTo: <" + callee_uri_ + ">\r\n";
    append_call_id(index);
    text_ += "CSeq: 1 INVITE\r\nContact: <sip:alice@127.0.0.1:" + port;
    text_ += tail;
    text_ += ">\r\n";
    text_ += phone_lines;
    text_ += "Content-Type: application/sdp\r\nContent-Length: " + std::to_string(offer.size()) +
             "\r\n\r\n";
    text_ += offer;
    break;
  case unit::options:
  case unit::lookup: {
    const std::string uri = work_.what == unit::lookup ? aor : "sip:" + work_.server;
    open_request(index, 'o', "OPTIONS " + uri);
    text_ += "From: <sip:alice@example.test>;tag=caller\r\nTo: <" + uri + ">\r\n";
    append_call_id(index);
    text_ += "CSeq: 1 OPTIONS\r\nAccept: application/sdp\r\n";
    text_ += no_body;
    break;
  }
  case unit::registration:
    open_request(index, 'r', "REGISTER sip:" + work_.domain);
    text_ += "From: <" + aor + ">;tag=caller\r\nTo: <" + aor + ">\r\nCall-ID: registration-" +
             user + "@load\r\n";
    text_ += "CSeq: " + std::to_string(serial_ & 0x7FFFFFFF) +
             " REGISTER\r\nContact: <sip:" + user + "@127.0.0.1:" + port;
    text_ += tail;
    text_ += ">;expires=3600\r\n";
    text_ += phone_lines;
    text_ += no_body;
    break;
  }
  channel_of(index).send(text_);
}

void caller::end(std::size_t index) {
  places_[index].now = phase::free;
  --busy_;
  if (closed_loop_ && !has_started_all()) {
    begin(index);
  } else {
    free_.push_back(index);
  }
}

void caller::on_message(std::size_t channel_index, std::string_view message) {
  const int status = status_of(message);
  if (status == 0) {
    return;
  }
  // The topmost Via is ours, so the branch is the first one in the message.
  const std::size_t at = message.find(magic);
  if (at == std::string_view::npos) {
    return;
  }
  std::string_view rest = message.substr(at + magic.size());
  const auto run = read_hex(rest, run_digits);
  rest.remove_prefix(std::min<std::size_t>(rest.size(), run_digits));
  const auto index = read_hex(rest, place_digits);
  rest.remove_prefix(std::min<std::size_t>(rest.size(), place_digits));
  const auto generation = read_hex(rest, generation_digits);
  if (!run || !index || !generation || rest.size() <= generation_digits ||
      *run != (run_ & 0xFFFFFF) || *index >= places_.size() ||
      *index % channels_.size() != channel_index) {
    return;
  }
  place& one = places_[*index];
  if (one.now == phase::free || one.generation != *generation) {
    return; // an answer to a unit that is over: a repetition
  }
  now_ = one.heard = clock::now();
  const char step = rest[generation_digits];
  if (step == 'i') {
    on_call_answer(*index, status, message);
  } else if (status >= 200 && (step != 'b' || one.now == phase::ending)) {
    if (status < 300) {
      ++counts_.done;
      counts_.took.push_back(static_cast<std::uint32_t>(
          std::chrono::duration_cast<std::chrono::microseconds>(now_ - one.began).count()));
    } else {
      ++counts_.refused;
    }
    end(*index);
  }
}

void caller::on_call_answer(std::size_t index, int status, std::string_view message) {
  place& one = places_[index];
  if (status < 200) {
    if (status >= 180 && one.now == phase::asked) {
      one.now = phase::ringing;
      ++counts_.ringing;
    } else if (status >= 180 && one.now == phase::ending) {
      ++counts_.reordered;
    }
    return;
  }
  if (one.now == phase::ending) {
    return; // a repeated 200; its ACK is on its way
  }
  std::string routes;
  if (status >= 300) {
    open_request(index, 'i', "ACK " + callee_uri_); // RFC 3261 17.1.1.3: same branch
  } else {
    append_route_lines(routes, message);
    open_request(index, 'a', "ACK " + callee_uri_);
    text_ += routes;
  }
  const auto append_dialog = [&](std::string_view cseq) {
    text_ += "From: \"Alice\" <sip:alice@example.test>;tag=caller\r\nTo: ";
    text_ += header_value(message, "To");
    text_ += "\r\n";
    append_call_id(index);
    text_ += cseq;
    text_ += no_body;
  };
  append_dialog("CSeq: 1 ACK\r\n");
  channel_of(index).send(text_);
  if (status >= 300) {
    ++counts_.refused;
    end(index);
    return;
  }
  one.now = phase::ending;
  open_request(index, 'b', "BYE " + callee_uri_);
  text_ += routes;
  append_dialog("CSeq: 2 BYE\r\n");
  channel_of(index).send(text_);
}

void caller::give_up_silent(clock::time_point now) {
  now_ = now;
  for (std::size_t index = 0; index < places_.size(); ++index) {
    if (places_[index].now != phase::free && now - places_[index].heard > patience) {
      ++counts_.lost;
      end(index);
    }
  }
}

} // namespace tandem::bench
