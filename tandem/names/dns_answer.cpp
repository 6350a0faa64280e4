// SPDX-License-Identifier: Apache-2.0
#include <tandem/names/dns_answer.hpp>

#include <tandem/base/text.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <tuple>
#include <vector>

namespace tandem::names {

namespace {

constexpr std::size_t header_size = 12;
constexpr std::uint16_t class_in = 1;
/// Flags and services of a NAPTR that mean anything are shorter.
constexpr std::size_t longest_word = 64;

bool is_name_character(char c) noexcept { return is_alnum(c) || c == '-' || c == '_'; }

/// A place in a message. What does not fit into it makes it broken, and from then on all is 0.
class cursor {
 public:
  cursor(std::string_view bytes, std::size_t at) noexcept : bytes_{bytes}, at_{at} {}

  [[nodiscard]] bool is_broken() const noexcept { return is_broken_; }
  [[nodiscard]] std::size_t at() const noexcept { return at_; }

  std::string_view take(std::size_t size) noexcept {
    if (is_broken_ || size > bytes_.size() - at_) {
      is_broken_ = true;
      return {};
    }
    const std::string_view taken = bytes_.substr(at_, size);
    at_ += size;
    return taken;
  }
  std::uint8_t take_8() noexcept {
    const auto b = take(1);
    return b.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(b[0]);
  }
  std::uint16_t take_16() noexcept {
    const unsigned high = take_8();
    return static_cast<std::uint16_t>(high << 8U | take_8());
  }
  std::uint32_t take_32() noexcept {
    const std::uint32_t high = take_16();
    return high << 16U | take_16();
  }
  /// RFC 1035 3.3: a length and so many bytes.
  std::string_view take_text() noexcept { return take(take_8()); }

  /// RFC 1035 3.1, 4.1.4. A pointer leads backwards only, so that no name is without an end.
  /// \return the name in lower case, empty for the root; nothing when it is no host name
  std::optional<std::string> take_name() {
    std::string name;
    bool is_host_name = true;
    std::size_t at = at_;
    std::size_t lowest = at_;
    std::optional<std::size_t> end; // where the message goes on
    for (;;) {
      if (at >= bytes_.size()) return broken();
      const auto length = static_cast<std::uint8_t>(bytes_[at]);
      if (length >= 0xc0) {
        if (at + 1 >= bytes_.size()) return broken();
        const std::size_t to = (length & 0x3fU) << 8U | static_cast<std::uint8_t>(bytes_[at + 1]);
        if (!end) end = at + 2;
        if (to >= lowest) return broken();
        at = lowest = to;
        continue;
      }
      if (length > 63 || length > bytes_.size() - at - 1) return broken();
      ++at;
      if (length == 0) break;
      const std::string_view label = bytes_.substr(at, length);
      at += length;
      if (name.size() + length + 1 > 255) return broken();
      is_host_name &= std::all_of(label.begin(), label.end(), is_name_character);
      if (!name.empty()) name += '.';
      name += label;
    }
    at_ = end.value_or(at);
    if (!is_host_name || name.size() > 253) return std::nullopt;
    return to_lower_copy(name);
  }

 private:
  std::nullopt_t broken() noexcept {
    is_broken_ = true;
    return std::nullopt;
  }

  std::string_view bytes_;
  std::size_t at_;
  bool is_broken_ = false;
};

/// The head of a record; its data begin at `data`.
struct record_head {
  std::optional<std::string> owner;
  std::uint16_t type = 0;
  std::uint16_t of_class = 0;
  std::uint32_t ttl = 0;
  std::size_t data = 0;
  std::size_t size = 0;

  [[nodiscard]] bool is(record_type of) const noexcept {
    return type == static_cast<std::uint16_t>(of) && of_class == class_in;
  }
};

/// RFC 1035 4.1.3.
record_head take_record(cursor& c) {
  record_head r;
  r.owner = c.take_name();
  r.type = c.take_16();
  r.of_class = c.take_16();
  r.ttl = c.take_32();
  if (r.ttl > 0x7fffffffU) r.ttl = 0; // RFC 2181 8
  r.size = c.take_16();
  r.data = c.at();
  c.take(r.size);
  return r;
}

void take_data(const record_head& head, record_type type, std::string_view bytes,
               dns_records& into) {
  // A name in the data may point anywhere before it, and nothing ends behind the data.
  cursor c{bytes.substr(0, head.data + head.size), head.data};
  switch (type) {
  case record_type::a: {
    std::array<std::uint8_t, 4> ip;
    if (head.size != ip.size() || into.addresses.size() == most_records) return;
    std::memcpy(ip.data(), c.take(ip.size()).data(), ip.size());
    into.addresses.push_back(ip_address::v4(ip));
    return;
  }
  case record_type::aaaa: {
    std::array<std::uint8_t, 16> ip;
    if (head.size != ip.size() || into.addresses.size() == most_records) return;
    std::memcpy(ip.data(), c.take(ip.size()).data(), ip.size());
    into.addresses.push_back(ip_address::v6(ip));
    return;
  }
  case record_type::srv: {
    srv_record r;
    r.priority = c.take_16();
    r.weight = c.take_16();
    r.port = c.take_16();
    auto target = c.take_name();
    if (c.is_broken() || !target) return;
    r.target = std::move(*target);
    into.servers.push_back(std::move(r));
    return;
  }
  case record_type::naptr: {
    naptr_record r;
    r.order = c.take_16();
    r.preference = c.take_16();
    const std::string_view flags = c.take_text();
    const std::string_view services = c.take_text();
    r.has_regexp = !c.take_text().empty();
    auto replacement = c.take_name();
    if (c.is_broken() || !replacement || flags.size() > longest_word ||
        services.size() > longest_word)
      return;
    r.flags = flags;
    r.services = services;
    r.replacement = std::move(*replacement);
    into.services.push_back(std::move(r));
    return;
  }
  case record_type::cname:
  case record_type::soa: return;
  }
}

/// Those that are tried first come first, and no more than may be kept.
void keep_best(dns_records& all) {
  std::stable_sort(
      all.servers.begin(), all.servers.end(),
      [](const srv_record& a, const srv_record& b) { return a.priority < b.priority; });
  std::stable_sort(all.services.begin(), all.services.end(),
                   [](const naptr_record& a, const naptr_record& b) {
                     return std::tie(a.order, a.preference) < std::tie(b.order, b.preference);
                   });
  if (all.servers.size() > most_records) all.servers.resize(most_records);
  if (all.services.size() > most_records) all.services.resize(most_records);
}

struct alias {
  std::string from;
  std::string to;
  std::uint32_t ttl;
};

/// RFC 2308 5: for how long there is none, which the SOA of the zone says.
std::optional<seconds> negative_ttl(cursor c, unsigned authorities, std::string_view bytes) {
  for (unsigned i = 0; i < authorities && !c.is_broken(); ++i) {
    const record_head r = take_record(c);
    if (!r.is(record_type::soa)) continue;
    cursor data{bytes.substr(0, r.data + r.size), r.data};
    (void)data.take_name();
    (void)data.take_name();
    for (int skipped = 0; skipped < 4; ++skipped) (void)data.take_32();
    const std::uint32_t minimum = data.take_32();
    if (c.is_broken() || data.is_broken()) return std::nullopt;
    return seconds{std::min({r.ttl, minimum, 0x7fffffffU})};
  }
  return std::nullopt;
}

} // namespace

std::string canonical_name(std::string_view name) {
  if (!name.empty() && name.back() == '.') name.remove_suffix(1);
  if (name.empty() || name.size() > 253) return {};
  std::size_t label = 0;
  for (const char c : name) {
    if (c == '.') {
      if (label == 0) return {};
      label = 0;
    } else if (is_name_character(c)) {
      if (++label > 63) return {};
    } else {
      return {};
    }
  }
  if (label == 0) return {};
  return to_lower_copy(name);
}

result<dns_answer, answer_fault> read_answer(std::string_view bytes, std::string_view name,
                                             record_type type) {
  cursor head{bytes, 0};
  (void)head.take_32(); // the id and the flags, which whoever matched the answer has read
  const unsigned questions = head.take_16();
  const unsigned answers = head.take_16();
  const unsigned authorities = head.take_16();
  (void)head.take_16();
  for (unsigned i = 0; i < questions && !head.is_broken(); ++i) {
    (void)head.take_name();
    (void)head.take_32();
  }
  if (head.is_broken()) return fail(answer_fault::broken);

  // The records may stand in any order: first where the name leads to.
  std::vector<alias> aliases;
  cursor first = head;
  for (unsigned i = 0; i < answers; ++i) {
    record_head r = take_record(first);
    if (first.is_broken()) return fail(answer_fault::broken);
    if (!r.is(record_type::cname) || !r.owner || aliases.size() > 2 * longest_alias_row) continue;
    cursor data{bytes.substr(0, r.data + r.size), r.data};
    auto to = data.take_name();
    if (to) aliases.push_back({std::move(*r.owner), std::move(*to), r.ttl});
  }
  std::uint32_t ttl = 0x7fffffffU;
  std::string wanted{name};
  for (std::size_t hops = 0;; ++hops) {
    const auto next = std::find_if(aliases.begin(), aliases.end(),
                                   [&](const alias& a) { return a.from == wanted; });
    if (next == aliases.end()) break;
    if (hops == longest_alias_row) return fail(answer_fault::aliases);
    ttl = std::min(ttl, next->ttl);
    wanted = next->to;
  }

  dns_answer found;
  cursor second = head;
  for (unsigned i = 0; i < answers; ++i) {
    const record_head r = take_record(second);
    if (!r.is(type) || r.owner != wanted) continue;
    ttl = std::min(ttl, r.ttl);
    take_data(r, type, bytes, found.records);
  }
  keep_best(found.records);
  if (!found.records.empty())
    found.ttl = seconds{ttl};
  else
    found.ttl = negative_ttl(second, authorities, bytes);
  return found;
}

} // namespace tandem::names
