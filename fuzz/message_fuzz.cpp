// SPDX-License-Identifier: Apache-2.0
// Any bytes as a datagram and as a stream: everything that is done with a message is done, and what
// must agree is compared.
#include <tandem/sip/build.hpp>
#include <tandem/sip/framer.hpp>
#include <tandem/sip/headers.hpp>
#include <tandem/sip/max_forwards.hpp>
#include <tandem/sip/message_editor.hpp>
#include <tandem/sip/received.hpp>
#include <tandem/sip/validate.hpp>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace tandem;
using namespace tandem::sip;

void must(bool holds) {
  if (!holds) std::abort();
}

/// Parses again what was written: the same lines, and nothing wrong that was not wrong before.
void must_parse_to_itself(const message& msg) {
  const std::string text = msg.to_string();
  must(text.size() == msg.wire_size());
  if (text.size() > max_message_size || msg.header_count() > max_header_lines) return;
  const auto again = message::parse(text);
  must(again.has_value());
  must(!again->defect());
  must(again->header_count() == msg.header_count());
  for (std::size_t i = 0; i < msg.header_count(); ++i) {
    must(again->header(i).id == msg.header(i).id);
    must(again->header(i).name == msg.header(i).name);
    must(again->header(i).value == msg.header(i).value);
  }
  must(again->body() == msg.body());
  must(again->request_uri() == msg.request_uri());
  must(again->reason() == msg.reason());
}

template <auto Header>
void read_all(const message& msg) {
  for (const auto& value : msg.all<Header>())
    if (value) (void)text_size(*value);
  (void)msg.front(Header);
  (void)msg.back(Header);
}

void edit(message msg, std::string_view piece) {
  const bool was_sound = !msg.defect();
  (void)stamp_received(msg, {ip_address::v4(192, 0, 2, 1), 5060});
  (void)decrement_max_forwards(msg);
  (void)msg.edit().put_front(hdr::via, "SIP/2.0/UDP me;branch=z9hG4bKme");
  (void)msg.edit().pop_front(hdr::route);
  (void)msg.edit().pop_back(hdr::contact);
  (void)msg.edit().set_request_uri(piece);
  (void)msg.edit().append(piece.substr(0, piece.size() / 2), piece);
  (void)msg.edit().update_front(hdr::record_route, [&](std::string_view) { return piece; });
  (void)msg.edit().put(hdr::subject, piece);
  const message branch = msg.clone();
  msg.edit().erase(hdr::via);
  (void)msg.edit().set_body("text/plain", piece);
  if (!was_sound) return;
  must_parse_to_itself(branch);
  must_parse_to_itself(msg);
}

void datagram(std::string_view bytes) {
  auto msg = message::parse(bytes);
  if (!msg) return;
#define TANDEM_HEADER(id, name, compact, shape, value, source) read_all<hdr::id>(*msg);
#include <tandem/sip/headers.def>
#undef TANDEM_HEADER
  if (!msg->defect()) must_parse_to_itself(*msg);
  const auto key = msg->key();
  const auto via = msg->get<hdr::via>();
  // The quick reader of the key and the typed value read the same.
  if (key && via) must(key->branch == via->branch());
  for (const role as : {role::user_agent, role::proxy, role::registrar}) {
    const auto owed = validate(*msg, as);
    if (!owed) must(key.has_value() && !msg->defect());
  }
  if (const auto reply = make_response(*msg, 200, {}, "tag")) {
    must_parse_to_itself(*reply);
    (void)make_ack(*msg, *reply);
  }
  if (const auto cancel = make_cancel(*msg)) must_parse_to_itself(*cancel);
  edit(std::move(*msg), bytes.substr(0, 200));
}

struct seen {
  frame_kind kind;
  std::string text;
};

/// Frames of a stream that is read in pieces of that size; pings and pongs depend on the cuts.
std::vector<seen> frames(std::string_view bytes, std::size_t piece) {
  framer in;
  std::vector<seen> out;
  while (!bytes.empty()) {
    in.feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    for (auto f = in.next(); f.kind != frame_kind::need_more; f = in.next()) {
      if (f.kind == frame_kind::message) out.push_back({f.kind, {f.block.data(), f.size}});
      if (f.kind == frame_kind::failed) out.push_back({f.kind, {}});
      must(f.size <= max_message_size);
    }
  }
  must(in.buffered() <= max_message_size + piece);
  return out;
}

void stream(std::string_view bytes) {
  const auto whole = frames(bytes, bytes.size() + 1);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{64}}) {
    const auto cut = frames(bytes, piece);
    must(cut.size() == whole.size());
    for (std::size_t i = 0; i < cut.size(); ++i)
      must(cut[i].kind == whole[i].kind && cut[i].text == whole[i].text);
  }
  // What the framer lets pass, the parser reads to the same end.
  for (const auto& f : whole) {
    if (f.kind != frame_kind::message) continue;
    const auto msg = message::parse(f.text);
    if (msg && !msg->defect()) must(msg->to_string().size() == f.text.size());
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  datagram(bytes);
  stream(bytes);
  return 0;
}
