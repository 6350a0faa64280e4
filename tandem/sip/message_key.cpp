// SPDX-License-Identifier: Apache-2.0
// What transactions and dialogs match by (RFC 3261 12, 17.1.3, 17.2.3), read without the typed
// values: this runs once for every message.
#include <tandem/sip/lexical.hpp>
#include <tandem/sip/line_break.hpp>
#include <tandem/sip/message.hpp>

#include <tandem/base/text.hpp>

namespace tandem::sip {
namespace {

/// Digits as a number up to `most`; nothing when there are none or it is larger.
std::optional<std::uint32_t> take_number(cursor& at, std::uint32_t most) noexcept {
  if (!is_digit(at.peek())) return std::nullopt;
  std::uint64_t number = 0;
  for (; is_digit(at.peek()); at.skip(1)) {
    number = number * 10 + static_cast<unsigned>(at.peek() - '0');
    if (number > most) return std::nullopt;
  }
  return static_cast<std::uint32_t>(number);
}

/// Value of the first parameter of that name among the parameters that stand here.
std::string_view find_parameter(cursor& at, std::string_view wanted) noexcept {
  while (at.take_separator(';')) {
    const auto name = at.take_token();
    std::string_view value;
    if (at.take_separator('=')) {
      if (at.peek() == '"') {
        const auto quoted = at.take_quoted();
        if (!quoted) return {};
        value = *quoted;
      } else {
        value = at.take_while(char_class::param_value);
      }
    }
    if (iequals(name, wanted)) return value;
  }
  return {};
}

/// RFC 3261 20.20: the parameters stand behind the angle brackets, or without brackets behind the
/// first semicolon.
std::string_view find_tag(std::string_view address) noexcept {
  cursor at{address};
  for (;;) {
    const auto rest = at.rest();
    const char* const end = rest.data() + rest.size();
    at.skip(static_cast<std::size_t>(find_byte<'"', '<', ';'>(rest.data(), end) - rest.data()));
    switch (at.peek()) {
    case '"':
      if (!at.take_quoted()) return {};
      break;
    case '<': {
      const auto close = at.rest().find('>');
      if (close == std::string_view::npos) return {};
      at.skip(close + 1);
      return find_parameter(at, "tag");
    }
    case ';': return find_parameter(at, "tag");
    default: return {};
    }
  }
}

/// via-parm = sent-protocol LWS sent-by *( SEMI via-params ), as far as the key needs it.
bool read_via(std::string_view text, message_key& key) noexcept {
  cursor at{text};
  constexpr std::string_view usual = "SIP/2.0/";
  if (text.starts_with(usual)) {
    at.skip(usual.size());
  } else {
    for (int word = 0; word < 2; ++word)
      if (at.take_token().empty() || !at.take_separator('/')) return false;
  }
  if (at.take_token().empty()) return false;
  at.skip_lws();
  const std::size_t host = at.offset();
  if (at.peek() == '[') {
    const auto close = at.rest().find(']');
    if (close == std::string_view::npos) return false;
    at.skip(close + 1);
  } else if (at.take_while(char_class::host).empty()) {
    return false;
  }
  key.sent_by_host = at.since(host);
  if (at.take_separator(':')) {
    const auto port = take_number(at, 0xffff);
    if (!port) return false;
    key.sent_by_port = static_cast<std::uint16_t>(*port);
  }
  key.branch = find_parameter(at, "branch");
  return true;
}

/// CSeq = 1*DIGIT LWS Method
bool read_cseq(std::string_view text, message_key& key) noexcept {
  cursor at{text};
  const auto number = take_number(at, 0xffff'ffff);
  at.skip_lws();
  key.cseq_method_text = at.take_token();
  if (!number || key.cseq_method_text.empty() || !at.at_end()) return false;
  key.cseq = *number;
  key.cseq_method = find_method(key.cseq_method_text);
  return true;
}

} // namespace

std::string_view message::top_via() const noexcept {
  return front(header_id::via).value_or(std::string_view{});
}

std::string_view message::from_tag() const noexcept {
  return find_tag(first(header_id::from).value_or(std::string_view{}));
}

std::string_view message::to_tag() const noexcept {
  return find_tag(first(header_id::to).value_or(std::string_view{}));
}

result<message_key, header_id> message::key() const noexcept {
  message_key key;
  // One walk over the index instead of five.
  const line* via = nullptr;
  const line* from = nullptr;
  const line* to = nullptr;
  const line* cseq = nullptr;
  for (std::size_t i = at_.lines; i-- != 0;) {
    const line& l = line_at(i);
    switch (static_cast<header_id>(l.id)) {
    case header_id::via: via = &l; break;
    case header_id::from: from = &l; break;
    case header_id::to: to = &l; break;
    case header_id::cseq: cseq = &l; break;
    case header_id::call_id: key.call_id = value_of(l); break;
    default: break;
    }
  }
  // read_via stops where the first value of the line ends.
  if (!via || !read_via(value_of(*via), key)) return fail(header_id::via);
  if (!from) return fail(header_id::from);
  if (!to) return fail(header_id::to);
  if (key.call_id.empty()) return fail(header_id::call_id);
  if (!cseq || !read_cseq(value_of(*cseq), key)) return fail(header_id::cseq);
  key.from_tag = find_tag(value_of(*from));
  key.to_tag = find_tag(value_of(*to));
  return key;
}

} // namespace tandem::sip
