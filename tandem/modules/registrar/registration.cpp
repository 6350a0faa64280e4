// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/registrar/registration.hpp>

#include <tandem/base/decimal.hpp>
#include <tandem/base/text.hpp>
#include <tandem/modules/registrar/address_of_record.hpp>
#include <tandem/server/core.hpp>
#include <tandem/server/rejection_headers.hpp>
#include <tandem/sip/headers.hpp>
#include <tandem/sip/validate.hpp>

#include <algorithm>
#include <boost/container/static_vector.hpp>
#include <optional>
#include <string>

namespace tandem::modules {

namespace {

using server::message_context;
using sip::header_id;
using sip::response_writer;
using storage::binding;
using storage::record;

/// A REGISTER names no more contacts than this; RFC 3261 sets no limit, sanity does.
constexpr std::size_t most_contacts = 32;

/// "For ever", as tools that add permanent contacts write it.
constexpr std::uint32_t permanent_seconds = 1'073'741'823;

/// One contact of the request, judged.
struct wish {
  sip::contact contact;
  std::uint32_t seconds = 0;
  std::uint16_t q = 0;
  const binding* stored = nullptr; ///< the same contact, before anything is changed
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

void add_contact(const binding& b, instant now, response_writer& to) {
  const auto left =
      b.expires() == instant::max()
          ? permanent_seconds
          : static_cast<std::uint32_t>((b.expires() - now + seconds{1} - duration{1}) / seconds{1});
  const auto digit = [&](int unit) { return static_cast<char>('0' + b.q() / unit % 10); };
  const char q[] = {digit(1000), '.', digit(100), digit(10), digit(1)};
  // A third decimal only where it says something, as ever.
  const std::size_t size = q[4] == '0' ? 4 : 5;
  to.add(header_id::contact,
         {"<", b.contact(), ">;q=", {q, size}, ";expires=", decimal{left}.view()});
}

/// One line a contact, by preference, then the newest first.
void add_contacts(const record& of, instant now, response_writer& to) {
  boost::container::static_vector<const binding*, 256> found;
  of.for_each(now, [&](const binding& b) {
    if (found.size() < found.capacity()) found.push_back(&b);
  });
  if (found.size() > 1)
    std::stable_sort(found.begin(), found.end(), [](const binding* a, const binding* b) {
      return a->q() != b->q() ? a->q() > b->q() : a->modified() > b->modified();
    });
  for (const binding* b : found) add_contact(*b, now, to);
}

class registration {
 public:
  registration(const message_context& message, const sip::uri& of, const registrar_settings& rules)
      : message_{message}, request_{message.message()}, rules_{rules}, now_{message.from().at},
        aor_{of, rules} {}

  /// Reads the request; the answer when it can not be processed.
  std::optional<response_writer> read() {
    if (aor_.empty()) return refuse("No username in To URI");
    const auto key = request_.key();
    if (!key) return refuse("Call-ID or CSeq can not be read");
    call_id_ = key->call_id;
    cseq_ = key->cseq;
    // RFC 3327 5.3: the proxies that want to be on the way to this phone.
    request_.for_each_value(header_id::path, [&](std::string_view value) {
      if (!path_.empty()) path_ += ", ";
      path_ += value;
    });
    return read_contacts();
  }

  response_writer apply(storage::location_table& table) {
    // Written as if all went well, so that under the table's mutex only the contacts are added.
    auto ok = message_.home().begin_reply(message_, 200, "OK");
    if (!table.update(aor_.view(), [&](record& of) { return change(table, of, ok); })) {
      auto full = message_.home().begin_reply(message_, 503, "Too many contacts");
      full.add(header_id::retry_after, "60");
      return full;
    }
    if (!path_.empty())
      request_.for_each_value(header_id::path,
                              [&](std::string_view v) { ok.add(header_id::path, v); });
    return ok;
  }

 private:
  response_writer refuse(std::string_view why) const {
    auto answer = message_.home().begin_reply(message_, 400, "Bad Request");
    answer.add(header_id::warning, {"399 registrar \"", why, "\""});
    return answer;
  }

  std::optional<response_writer> read_contacts() {
    std::optional<std::uint32_t> of_all;
    if (const auto expires = request_.get<sip::hdr::expires>()) of_all = *expires;
    for (const auto& contact : request_.all<sip::hdr::contact>()) {
      if (!contact) return refuse("Contact parse error");
      if (is_star_ || (contact->is_star && !wishes_.empty()))
        return refuse("* used in contact together with another contact");
      if (contact->is_star) {
        // RFC 3261 10.2.2: the star stands only beside "Expires: 0".
        if (of_all != 0U) return refuse("* used in contact and expires != 0");
        is_star_ = true;
        continue;
      }
      if (wishes_.size() == most_contacts) return refuse("Too many contacts");
      wish& w = wishes_.emplace_back();
      w.contact = *contact;
      w.q = contact->q().value_or(rules_.default_q);
      // RFC 3261 10.3 step 7: the parameter, else the header, else our own choice; 20.10: what is
      // malformed counts as not there.
      w.seconds = contact->expires().value_or(of_all.value_or(rules_.default_expires));
      if (w.seconds > 0 && w.seconds < rules_.min_expires) {
        auto brief = message_.home().begin_reply(message_, 423, "Interval Too Brief");
        brief.add(header_id::min_expires, decimal{rules_.min_expires}.view());
        return brief;
      }
      if (rules_.max_expires > 0) w.seconds = std::min(w.seconds, rules_.max_expires);
    }
    return std::nullopt;
  }

  /// False when there is no room; then nothing was changed.
  bool change(const storage::location_table& table, record& of, response_writer& ok) {
    for (wish& w : wishes_) w.stored = find_same(of, w.contact, now_);
    if (!is_overtaken(of)) {
      if (!has_room(table, of)) return false;
      if (is_star_) of.clear();
      // What the first changes may be what the second means.
      for (const wish& w : wishes_)
        change(of, w, &w == &wishes_.front() ? w.stored : find_same(of, w.contact, now_));
    }
    add_contacts(of, now_, ok);
    return true;
  }

  void change(record& of, const wish& w, const binding* old) const {
    if (w.seconds == 0) {
      if (old) of.remove(*old);
      return;
    }
    const stack::arrival& from = message_.from();
    of.put({.contact = w.contact.address.text(),
            .path = path_,
            .call_id = call_id_,
            .user_agent = request_.first(header_id::user_agent).value_or(std::string_view{}),
            .cseq = cseq_,
            .q = w.q,
            .flags = static_cast<std::uint16_t>(message_.flags()),
            .transport = static_cast<std::uint8_t>(from.transport),
            .expires = w.seconds >= permanent_seconds ? instant::max() : now_ + seconds{w.seconds},
            .modified = now_,
            .received = from.source,
            .flow = {from.flow.shard, from.flow.slot, from.flow.generation}},
           old);
  }

  /// A REGISTER of the same call must be younger than the one that made the binding; a copy of it,
  /// or one that was overtaken on the way, changes nothing.
  [[nodiscard]] bool is_out_of_order(const binding& b) const {
    return b.call_id() == call_id_ && cseq_ <= b.cseq();
  }

  [[nodiscard]] bool is_overtaken(const record& of) const {
    if (is_star_) return of.find(now_, [&](const binding& b) { return is_out_of_order(b); });
    return std::any_of(wishes_.begin(), wishes_.end(),
                       [&](const wish& w) { return w.stored && is_out_of_order(*w.stored); });
  }

  [[nodiscard]] bool has_room(const storage::location_table& table, const record& of) const {
    const auto more = static_cast<std::size_t>(std::count_if(
        wishes_.begin(), wishes_.end(), [](const wish& w) { return w.seconds > 0 && !w.stored; }));
    if (more == 0) return true;
    if (rules_.max_contacts > 0 && of.size() + more > rules_.max_contacts) return false;
    return table.has_room(of, more);
  }

  const message_context& message_;
  const sip::message& request_;
  const registrar_settings& rules_;
  instant now_;
  address_of_record aor_;
  std::string path_;
  std::string_view call_id_;
  std::uint32_t cseq_ = 0;
  bool is_star_ = false;
  boost::container::static_vector<wish, most_contacts> wishes_; ///< room that nothing fills
};

/// What a registrar checks besides what the core has checked of every request, and read_contacts()
/// checks (RFC 3261 10.3 step 2): that the extensions which are asked for are there.
std::optional<response_writer> check(const message_context& message) {
  if (!message.message().has(header_id::require)) return std::nullopt;
  const auto owed = sip::validate(message.message(), sip::role::registrar);
  if (!owed) return std::nullopt;
  auto answer = message.home().begin_reply(message, owed->status, owed->reason);
  server::add_header_of(*owed, answer);
  return answer;
}

} // namespace

response_writer register_contacts(const message_context& message, storage::location_table& table,
                                  const registrar_settings& rules) {
  if (auto refused = check(message)) return std::move(*refused);
  // A To that the script has made unreadable has no user either.
  const auto to = message.message().get<sip::hdr::to>();
  registration of{message, to ? to->address : sip::uri{}, rules};
  if (auto refused = of.read()) return std::move(*refused);
  return of.apply(table);
}

} // namespace tandem::modules
