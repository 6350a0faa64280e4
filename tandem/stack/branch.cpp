// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/branch.hpp>

#include <tandem/base/letters.hpp>
#include <tandem/base/text.hpp>
#include <tandem/sip/line_writer.hpp>
#include <tandem/sip/magic_cookie.hpp>
#include <tandem/sip/message.hpp>
#include <tandem/sip/single_values.hpp>
#include <tandem/sip/via.hpp>

#include <charconv>

namespace tandem::stack {

namespace {

constexpr std::string_view cookie = sip::magic_cookie;
constexpr std::size_t letters = 12;
/// Behind the routing part of a branch without a transaction.
constexpr std::string_view stateless_mark = ".s";

/// The twelve letters after the cookie, empty when the branch is not of our shape.
std::string_view routing_part(std::string_view branch) noexcept {
  constexpr std::size_t end = cookie.size() + letters;
  if (branch.size() <= end || branch[end] != '.' || !branch.starts_with(cookie)) return {};
  return branch.substr(cookie.size(), letters);
}

/// What is hashed of a request: two kinds, so that no URI can be written that gives away the other.
enum class hashed : std::uint64_t { routing = 0x726f7574, hop = 0x686f70 };

keyed_hasher begin_hash(hashed what, const sip::message_key& key, const hash_key& secret) noexcept {
  keyed_hasher hash{secret};
  hash.add(static_cast<std::uint64_t>(what) << 32 | key.cseq).add(key.call_id).add(key.from_tag);
  return hash;
}

/// What stays the same in a request, its copies, its ACK and its CANCEL on one hop, and comes back
/// in the response: the Via of the hop before us.
std::uint64_t hop_hash(const sip::message_key& key, std::string_view branch, std::string_view host,
                       const hash_key& secret) noexcept {
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2); // of an IPv6 address
  return begin_hash(hashed::hop, key, secret).add(branch).add(host).finish();
}

void put_home(branch_text& branch, std::uint16_t home) noexcept {
  branch.put(".");
  branch.put_number(home);
}

/// A line of Vias that holds this.
template <typename Holds>
bool has_via_line(const sip::message& request, Holds&& holds) noexcept {
  for (std::size_t i = request.find(sip::header_id::via); i != sip::message::npos;
       i = request.find(sip::header_id::via, i + 1))
    if (holds(request.value(i))) return true;
  return false;
}

/// Somewhere in the text stands what may be a branch of our shape.
bool may_hold_own_branch(std::string_view text) noexcept {
  for (std::size_t at = text.find(cookie); at != std::string_view::npos;
       at = text.find(cookie, at + cookie.size()))
    if (!routing_part(text.substr(at)).empty()) return true;
  return false;
}

/// One of the Vias has a branch of ours with these bits and, behind them, this mark.
bool has_own_via(const sip::message& request, std::uint64_t routing,
                 std::string_view mark) noexcept {
  branch_text ours;
  ours.put(cookie);
  ours.put_bits(routing);
  ours.put(mark);
  if (!has_via_line(request, [&ours](std::string_view line) {
        return line.find(ours.view()) != std::string_view::npos;
      }))
    return false;
  bool found = false;
  for_each_value(request, sip::header_id::via, [&](std::string_view value) {
    if (found) return;
    if (const auto via = sip::via::parse(value))
      found = !routing_part(via->branch()).empty() && via->branch().starts_with(ours.view());
  });
  return found;
}

} // namespace

void branch_text::put(std::string_view text) noexcept {
  sip::put_bytes(text_.data() + size_, text);
  size_ += text.size();
}

void branch_text::put_bits(std::uint64_t bits) noexcept {
  write_letters(text_.data() + size_, bits, letters);
  size_ += letters;
}

void branch_text::put_number(unsigned number) noexcept {
  const auto end = std::to_chars(text_.data() + size_, text_.data() + text_.size(), number).ptr;
  size_ = static_cast<std::size_t>(end - text_.data());
}

routing_id routing_hash(const sip::message& request, const hash_key& secret) noexcept {
  const auto key = request.key();
  if (!key) return {};
  const auto for_each_line = [&request](sip::header_id id, auto&& f) {
    for (std::size_t i = request.find(id); i != sip::message::npos; i = request.find(id, i + 1))
      f(request.value(i));
  };
  keyed_hasher hash = begin_hash(hashed::routing, *key, secret);
  hash.add(request.request_uri());
  for_each_line(sip::header_id::route, [&](std::string_view line) { hash.add(line); });
  const std::uint64_t hop = hash.finish();
  std::uint64_t proxies = 0;
  for (const auto id : {sip::header_id::proxy_require, sip::header_id::proxy_authorization})
    for_each_line(id, [&](std::string_view line) {
      proxies = keyed_hash(secret, line, {}, proxies ^ static_cast<std::uint64_t>(id));
    });
  return {hop ^ proxies, hop};
}

bool is_loop(const sip::message& request, const routing_id& routing) noexcept {
  // Mostly no branch has our shape: then no text of ours needs to be written to compare with.
  if (!has_via_line(request, may_hold_own_branch)) return false;
  return has_own_via(request, routing.all, {}) ||
         (routing.hop != routing.all && has_own_via(request, routing.hop, stateless_mark));
}

branch_text make_branch(const routing_id& routing, std::uint64_t unique, unsigned index,
                        std::uint16_t home) noexcept {
  branch_text branch;
  branch.put(cookie);
  branch.put_bits(routing.all);
  branch.put(".");
  branch.put_bits(unique);
  branch.put(".");
  branch.put_number(index);
  put_home(branch, home);
  return branch;
}

std::optional<std::uint16_t> home_of_branch(std::string_view branch) noexcept {
  if (routing_part(branch).empty()) return std::nullopt;
  return parse_number<std::uint16_t>(branch.substr(branch.rfind('.') + 1));
}

branch_text make_stateless_branch(const sip::message& request, const routing_id& routing,
                                  const hash_key& secret, std::uint16_t home) noexcept {
  const auto key = request.key();
  branch_text branch;
  branch.put(cookie);
  branch.put_bits(routing.hop);
  branch.put(stateless_mark);
  branch.put_bits(key ? hop_hash(*key, key->branch, key->sent_by_host, secret) : 0);
  put_home(branch, home);
  return branch;
}

bool is_stateless_response(const sip::message& response, const hash_key& secret) noexcept {
  std::string_view ours;
  std::string_view next;
  unsigned n = 0;
  for_each_value(response, sip::header_id::via, [&](std::string_view value) {
    if (n == 0) ours = value;
    if (n == 1) next = value;
    ++n;
  });
  const auto via = sip::via::parse(ours);
  const auto hop = sip::via::parse(next);
  const auto key = response.key();
  if (n < 2 || !via || !hop || !key) return false;
  const std::string_view branch = via->branch();
  if (routing_part(branch).empty()) return false;
  branch_text expected;
  expected.put(stateless_mark);
  expected.put_bits(hop_hash(*key, hop->branch(), hop->sent_by.host.text, secret));
  // Behind it stands the shard, which has been read.
  const std::string_view marked = branch.substr(cookie.size() + letters);
  return marked.substr(0, marked.rfind('.')) == expected.view();
}

} // namespace tandem::stack
