// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/message_context.hpp>

#include <tandem/server/core.hpp>
#include <tandem/server/own_names.hpp>
#include <tandem/sip/headers.hpp>
#include <tandem/sip/message_editor.hpp>
#include <tandem/sip/received.hpp>
#include <tandem/sip/uri.hpp>

#include <charconv>

namespace tandem::server {

void message_context::begin(run_handle self, std::shared_ptr<const loaded_script> version,
                            script::block_kind block, sip::message&& message,
                            const stack::arrival& from) {
  self_ = self;
  script_ = std::move(version);
  block_ = block;
  message_ = std::move(message);
  from_ = from;
  set_arrived(message_.clone());
  credit_ = block == script::block_kind::request ? received().size() : 0;
}

void message_context::end() noexcept {
  self_ = {};
  script_.reset();
  error_ = routing_error::none;
  flags_ = 0;
  message_ = {};
  arrived_ = {};
  original_parsed_.reset();
  transaction_ = {};
  routing_.reset();
  hops_ = stack::hop_count::here;
  is_served_ = false;
  branches_.clear();
  reach_.clear();
  reply_headers_.clear();
  states_.for_each([](held_state& one) { one.clear(); });
}

void message_context::take_read(const sip::read_values& read) noexcept {
  // Of these bytes, and not of a copy that will go.
  if (read.target && read.target->text().data() == original_uri().data() &&
      read.target->text().size() == original_uri().size())
    original_parsed_ = read.target;
}

const stack::routing_id& message_context::routing() const {
  if (!routing_) routing_ = stack::routing_hash(arrived_, core_.transactions().secret());
  return *routing_;
}

std::optional<sip::uri> message_context::parsed_uri() const {
  const auto read = [](std::string_view text) {
    const auto uri = sip::uri::parse(text);
    return uri ? std::optional{*uri} : std::nullopt;
  };
  if (is_uri_rewritten()) return read(message_.request_uri());
  // Most scripts look at it several times before they change it.
  if (!original_parsed_) original_parsed_ = read(original_uri());
  return original_parsed_;
}

bool message_context::rewrite_uri(std::string_view uri) {
  if (sip::uri::parse(uri) && message_.edit().set_request_uri(uri)) return true;
  error_ = routing_error::bad_uri;
  return false;
}

bool message_context::force_rport() {
  const auto ask_and_stamp = [&](sip::message& of) {
    const auto top = of.get<sip::hdr::via>();
    if (!top) return false;
    if (!top->has_rport()) {
      const auto asked = of.edit().update_front(
          sip::hdr::via, [](std::string_view via) { return std::string{via} + ";rport"; });
      if (!asked) return false;
    }
    return stamp_received(of, from_.source).has_value();
  };
  original_parsed_.reset(); // a view into what is edited
  // Our own replies look at the one, those of the next hop come back with the other.
  return ask_and_stamp(message_) && ask_and_stamp(arrived_);
}

std::string_view message_context::method() const {
  if (message_.is_request()) return message_.method_text();
  const auto key = message_.key();
  return key ? key->cseq_method_text : std::string_view{};
}

std::string_view message_context::uri() const { return message_.request_uri(); }

std::string_view message_context::status() const {
  if (message_.is_request()) return {};
  char* const begin = status_text_.data();
  const auto [end, errc] = std::to_chars(begin, begin + status_text_.size(), message_.status());
  return {begin, static_cast<std::size_t>(end - begin)};
}

script::protocol message_context::transport() const {
  switch (from_.transport) {
  case transport_kind::udp: return script::protocol::udp;
  case transport_kind::tcp: return script::protocol::tcp;
  case transport_kind::tls: return script::protocol::tls;
  case transport_kind::ws: return script::protocol::ws;
  case transport_kind::wss: return script::protocol::wss;
  }
  return script::protocol::none;
}

bool message_context::is_myself(script::subject what) const {
  const own_names& names = script().names();
  switch (what) {
  case script::subject::source: return names.contains(from_.source.ip);
  case script::subject::destination: return names.contains(from_.local.ip);
  case script::subject::uri: break;
  }
  const auto uri = parsed_uri();
  return uri && uri->is_sip() && names.contains(*uri);
}

bool message_context::is_host(std::string_view name, const ip_address& address) const {
  return core_.is_host(script(), name, address);
}

void message_context::set_flag(unsigned number, bool value) {
  const std::uint32_t bit = std::uint32_t{1} << number;
  flags_ = value ? flags_ | bit : flags_ & ~bit;
}

} // namespace tandem::server
