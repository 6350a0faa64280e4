// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/registrar/registration.hpp>

#include <tandem/modules/registrar/address_of_record.hpp>
#include <tandem/server/rejection_headers.hpp>
#include <tandem/sip/headers.hpp>
#include <tandem/sip/validate.hpp>

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <iterator>
#include <optional>

namespace tandem::modules {

namespace {

using storage::binding;
using storage::record;

/// A REGISTER names no more contacts than this; RFC 3261 sets no limit, sanity does.
constexpr std::size_t most_contacts = 32;

/// "For ever", as tools that add permanent contacts write it.
constexpr std::uint32_t permanent_seconds = 1'073'741'823;

registration_answer refuse(int status, std::string_view reason, std::string_view why) {
  return {status, reason, fmt::format("Warning: 399 registrar \"{}\"\r\n", why)};
}

/// One contact of the request, judged.
struct wish {
  sip::contact contact;
  std::uint32_t seconds = 0;
  std::uint16_t q = 0;
};

/// RFC 3261 10.3 step 7: the same contact by the comparison of URIs (19.1.4).
const binding* find_same(const record& of, const sip::contact& contact, instant now) {
  const std::string_view text = contact.address.text();
  return of.find(now, [&](const binding& b) {
    if (b.contact() == text) return true;
    const auto stored = sip::uri::parse(b.contact());
    return stored && equivalent(*stored, contact.address);
  });
}

/// A REGISTER of the same call must be younger than the one that made the binding; a copy of it, or
/// one that was overtaken on the way, changes nothing.
bool is_out_of_order(const binding& b, std::string_view call_id, std::uint32_t cseq) {
  return b.call_id() == call_id && cseq <= b.cseq();
}

/// One line a contact, by preference, then the newest first.
void append_contacts(std::string& to, const record& of, instant now) {
  std::array<const binding*, 256> found;
  std::size_t count = 0;
  of.for_each(now, [&](const binding& b) {
    if (count < found.size()) found[count++] = &b;
  });
  std::stable_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(count),
                   [](const binding* a, const binding* b) {
                     return a->q() != b->q() ? a->q() > b->q() : a->modified() > b->modified();
                   });
  for (std::size_t i = 0; i < count; ++i) {
    const binding& b = *found[i];
    const auto left = b.expires() == instant::max()
                          ? permanent_seconds
                          : static_cast<std::uint32_t>(
                                (b.expires() - now + seconds{1} - duration{1}) / seconds{1});
    fmt::format_to(std::back_inserter(to), "Contact: <{}>;q={}.{:02}", b.contact(), b.q() / 1000,
                   b.q() % 1000 / 10);
    if (b.q() % 10 != 0) to += static_cast<char>('0' + b.q() % 10);
    fmt::format_to(std::back_inserter(to), ";expires={}\r\n", left);
  }
}

class registration {
 public:
  registration(const sip::message& request, const stack::arrival& from,
               const registrar_settings& rules, std::uint16_t flags, instant now)
      : request_{request}, from_{from}, rules_{rules}, flags_{flags}, now_{now} {}

  /// Reads the request; the answer when it can not be processed.
  std::optional<registration_answer> read() {
    if (const auto owed = sip::validate(request_, sip::role::registrar))
      return registration_answer{owed->status, owed->reason, server::headers_for(*owed)};
    const auto to = request_.get<sip::hdr::to>();
    if (!to) return refuse(400, "Bad Request", "To can not be read");
    aor_ = address_of_record(to->address, rules_);
    if (aor_.empty()) return refuse(400, "Bad Request", "No username in To URI");
    const auto key = request_.key();
    if (!key) return refuse(400, "Bad Request", "Call-ID or CSeq can not be read");
    call_id_ = key->call_id;
    cseq_ = key->cseq;
    return read_contacts();
  }

  registration_answer apply(storage::location_table& table) {
    return table.update(aor_, [&](record& of) { return change(table, of); });
  }

 private:
  std::optional<registration_answer> read_contacts() {
    std::optional<std::uint32_t> of_all;
    if (const auto expires = request_.get<sip::hdr::expires>()) of_all = *expires;
    for (const auto& contact : request_.all<sip::hdr::contact>()) {
      if (!contact) return refuse(400, "Bad Request", "Contact parse error");
      if (is_star_ || (contact->is_star && count_ > 0))
        return refuse(400, "Bad Request", "* used in contact together with another contact");
      if (contact->is_star) {
        // RFC 3261 10.2.2: the star stands only beside "Expires: 0".
        if (of_all != 0U) return refuse(400, "Bad Request", "* used in contact and expires != 0");
        is_star_ = true;
        continue;
      }
      if (count_ == wishes_.size()) return refuse(400, "Bad Request", "Too many contacts");
      wish& w = wishes_[count_++];
      w.contact = *contact;
      w.q = contact->q().value_or(rules_.default_q);
      // RFC 3261 10.3 step 7: the parameter, else the header, else our own choice; 20.10: what is
      // malformed counts as not there.
      w.seconds = contact->expires().value_or(of_all.value_or(rules_.default_expires));
      if (w.seconds > 0 && w.seconds < rules_.min_expires)
        return registration_answer{423, "Interval Too Brief",
                                   fmt::format("Min-Expires: {}\r\n", rules_.min_expires)};
      if (rules_.max_expires > 0) w.seconds = std::min(w.seconds, rules_.max_expires);
    }
    return std::nullopt;
  }

  registration_answer change(storage::location_table& table, record& of) {
    registration_answer answer;
    if (!is_overtaken(of)) {
      if (!has_room(table, of))
        return registration_answer{503, "Too many contacts", "Retry-After: 60\r\n"};
      if (is_star_) of.clear();
      for (const wish& w : std::span{wishes_}.first(count_)) change(of, w);
    }
    append_contacts(answer.headers, of, now_);
    for (const auto& path : paths()) answer.headers += fmt::format("Path: {}\r\n", path);
    return answer;
  }

  void change(record& of, const wish& w) {
    const binding* const old = find_same(of, w.contact, now_);
    if (w.seconds == 0) {
      if (old) of.remove(*old);
      return;
    }
    std::string path;
    for (const auto& value : paths()) {
      if (!path.empty()) path += ", ";
      path += value;
    }
    of.put({.contact = w.contact.address.text(),
            .path = path,
            .call_id = call_id_,
            .user_agent = request_.first(sip::header_id::user_agent).value_or(std::string_view{}),
            .cseq = cseq_,
            .q = w.q,
            .flags = flags_,
            .transport = static_cast<std::uint8_t>(from_.transport),
            .expires = w.seconds >= permanent_seconds ? instant::max() : now_ + seconds{w.seconds},
            .modified = now_,
            .received = from_.source,
            .flow = {from_.flow.shard, from_.flow.slot, from_.flow.generation}},
           old);
  }

  [[nodiscard]] bool is_overtaken(const record& of) const {
    if (is_star_)
      return of.find(now_, [&](const binding& b) { return is_out_of_order(b, call_id_, cseq_); });
    return std::any_of(wishes_.begin(), wishes_.begin() + static_cast<std::ptrdiff_t>(count_),
                       [&](const wish& w) {
                         const binding* const old = find_same(of, w.contact, now_);
                         return old && is_out_of_order(*old, call_id_, cseq_);
                       });
  }

  [[nodiscard]] bool has_room(const storage::location_table& table, const record& of) const {
    std::size_t more = 0;
    for (const wish& w : std::span{wishes_}.first(count_))
      if (w.seconds > 0 && !find_same(of, w.contact, now_)) ++more;
    if (more == 0) return true;
    if (rules_.max_contacts > 0 && of.size() + more > rules_.max_contacts) return false;
    return table.has_room(of, more);
  }

  /// RFC 3327 5.3: the proxies that want to be on the way to this phone.
  [[nodiscard]] std::vector<std::string_view> paths() const {
    std::vector<std::string_view> all;
    if (request_.has(sip::header_id::path))
      request_.for_each_value(sip::header_id::path, [&](std::string_view v) { all.push_back(v); });
    return all;
  }

  const sip::message& request_;
  const stack::arrival& from_;
  const registrar_settings& rules_;
  std::uint16_t flags_;
  instant now_;
  std::string aor_;
  std::string_view call_id_;
  std::uint32_t cseq_ = 0;
  bool is_star_ = false;
  std::array<wish, most_contacts> wishes_;
  std::size_t count_ = 0;
};

} // namespace

registration_answer register_contacts(const sip::message& request, const stack::arrival& from,
                                      storage::location_table& table,
                                      const registrar_settings& rules, std::uint16_t flags,
                                      instant now) {
  registration of{request, from, rules, flags, now};
  if (auto refused = of.read()) return *std::move(refused);
  return of.apply(table);
}

} // namespace tandem::modules
