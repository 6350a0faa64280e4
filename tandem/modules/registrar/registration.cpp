// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/registrar/registration.hpp>

#include <tandem/base/decimal.hpp>
#include <tandem/base/text.hpp>
#include <tandem/modules/registrar/address_of_record.hpp>
#include <tandem/server/core.hpp>
#include <tandem/server/rejection_headers.hpp>
#include <tandem/sip/headers.hpp>
#include <tandem/sip/single_values.hpp>
#include <tandem/sip/validate.hpp>
#include <tandem/stack/via_rules.hpp>

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

/// A REGISTER names no more contacts than this, and no longer texts; RFC 3261 sets no limit, sanity
/// does. Every binding keeps them.
constexpr std::size_t most_contacts = 32;
constexpr std::size_t longest_contact = 1024; ///< with its parameters
constexpr std::size_t longest_path = 2048;    ///< all values
constexpr std::size_t longest_call_id = 512;
constexpr std::size_t longest_user_agent = 128; ///< the rest is not kept

/// How a contact that an operator has made permanent is shown. A phone never has one: what it asks
/// for ends, be it in 34 years.
constexpr std::uint32_t permanent_seconds = 1'073'741'823;

/// Of an answer, beside the contacts and what it repeats of its request: the status line, what ends
/// it, and the Warnings.
constexpr std::size_t room_for_the_rest = 600;

/// One contact of the request, judged.
struct wish {
  sip::contact contact;
  std::uint32_t seconds = 0;
  std::uint16_t q = 0;
  std::string params;              ///< to keep: all but q and expires
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

/// Bytes of the line that add_contact() writes, at most.
std::size_t line_size(const binding& b) {
  constexpr std::size_t fixed =
      std::string_view{"Contact: <>;q=0.000;expires=1073741823\r\n"}.size();
  return fixed + b.contact().size() + b.params().size();
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
         {"<", b.contact(), ">;q=", {q, size}, ";expires=", decimal{left}.view(), b.params()});
}

/// One line for each contact, by preference, then the newest first; those that this REGISTER has
/// made before the others when not all fit (RFC 3261 10.3 step 8 wants all).
void add_contacts(const record& of, instant now, std::size_t room, response_writer& to) {
  boost::container::static_vector<const binding*, 256> found;
  of.for_each(now, [&](const binding& b) {
    if (found.size() < found.capacity()) found.push_back(&b);
  });
  if (found.size() > 1)
    std::stable_sort(found.begin(), found.end(), [](const binding* a, const binding* b) {
      return a->q() != b->q() ? a->q() > b->q() : a->modified() > b->modified();
    });
  std::size_t wanted = 0;
  for (const binding* b : found) wanted += line_size(*b);
  if (wanted > room)
    std::stable_partition(found.begin(), found.end(),
                          [&](const binding* b) { return b->modified() == now; });
  std::size_t left_out = 0;
  for (const binding* b : found) {
    if (line_size(*b) > room) {
      ++left_out;
      continue;
    }
    room -= line_size(*b);
    add_contact(*b, now, to);
  }
  if (left_out > 0)
    to.add(header_id::warning, {"399 registrar \"", decimal{left_out}.view(),
                                " contacts are left out of this datagram; ask by TCP\""});
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
    for_each_value(request_, header_id::path, [&](std::string_view value) {
      if (!path_.empty()) path_ += ", ";
      if (path_.size() <= longest_path) path_ += value;
    });
    if (path_.size() > longest_path) return too_long("Path");
    if (call_id_.size() > longest_call_id) return too_long("Call-ID");
    return read_contacts();
  }

  response_writer apply(storage::location_table& table) {
    // Written as if all went well, so that under the table's mutex only the contacts are added.
    auto ok = message_.home().begin_reply(message_, 200, "OK");
    switch (table.update(aor_.view(), [&](record& of) { return change(table, of, ok); })) {
    case outcome::changed: break;
    case outcome::no_room: {
      auto full = message_.home().begin_reply(message_, 503, "Too many contacts");
      full.add(header_id::retry_after, "60");
      return full;
    }
    case outcome::out_of_order: {
      auto late = message_.home().begin_reply(message_, 500, "Server Internal Error");
      late.add(header_id::warning,
               "399 registrar \"CSeq is lower than that of an earlier REGISTER\"");
      return late;
    }
    }
    if (!path_.empty())
      for_each_value(request_, header_id::path,
                     [&](std::string_view v) { ok.add(header_id::path, v); });
    return ok;
  }

 private:
  response_writer refuse(std::string_view why) const {
    auto answer = message_.home().begin_reply(message_, 400, "Bad Request");
    answer.add(header_id::warning, {"399 registrar \"", why, "\""});
    return answer;
  }

  response_writer too_long(std::string_view what) const {
    auto answer = message_.home().begin_reply(message_, 513, "Message Too Large");
    answer.add(header_id::warning, {"399 registrar \"", what, " is too long to be kept\""});
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
      for (auto at = contact->params.begin(); at != contact->params.end(); ++at)
        if (!iequals(at->name, "q") && !iequals(at->name, "expires"))
          w.params.append(";").append(at.text());
      if (contact->address.text().size() + w.params.size() > longest_contact)
        return too_long("a contact");
      // RFC 3261 10.3 step 7: the parameter, else the header, else our own choice; 20.10: what is
      // malformed counts as not there.
      w.seconds = contact->expires().value_or(of_all.value_or(rules_.default_expires));
      if (w.seconds > 0 && w.seconds < rules_.min_expires) {
        auto brief = message_.home().begin_reply(message_, 423, "Interval Too Brief");
        brief.add(header_id::min_expires, decimal{rules_.min_expires}.view());
        return brief;
      }
      w.seconds =
          std::min(w.seconds, rules_.max_expires > 0 ? rules_.max_expires : permanent_seconds - 1);
    }
    return std::nullopt;
  }

  enum class outcome : std::uint8_t { changed, no_room, out_of_order };

  /// All or nothing (RFC 3261 10.3 step 7).
  outcome change(const storage::location_table& table, record& of, response_writer& ok) {
    for (wish& w : wishes_) w.stored = find_same(of, w.contact, now_);
    if (is_any(of, [&](const binding& b) { return b.call_id() == call_id_ && cseq_ < b.cseq(); }))
      return outcome::out_of_order;
    // A copy of the REGISTER that made them: its first answer was lost, and changes nothing.
    const bool is_copy =
        is_any(of, [&](const binding& b) { return b.call_id() == call_id_ && cseq_ == b.cseq(); });
    if (!is_copy) {
      if (!has_room(table, of)) return outcome::no_room;
      if (is_star_) of.clear();
      // What the first changes may be what the second means.
      for (const wish& w : wishes_)
        change(of, w, &w == &wishes_.front() ? w.stored : find_same(of, w.contact, now_));
    }
    add_contacts(of, now_, room_for_contacts(), ok);
    return outcome::changed;
  }

  /// The answer repeats lines of the request; it is bounded where the source may be forged.
  [[nodiscard]] std::size_t room_for_contacts() const {
    const std::size_t repeated = request_.received_bytes().size() + room_for_the_rest;
    const std::size_t limit =
        stack::answer_limit(request_.received_bytes().size(), message_.from().transport);
    return limit > repeated ? limit - repeated : 0;
  }

  [[nodiscard]] storage::binding_data data_of(const wish& w) const {
    const stack::arrival& from = message_.from();
    return {.contact = w.contact.address.text(),
            .path = path_,
            .call_id = call_id_,
            .user_agent = request_.first(header_id::user_agent)
                              .value_or(std::string_view{})
                              .substr(0, longest_user_agent),
            .params = w.params,
            .cseq = cseq_,
            .q = w.q,
            .flags = static_cast<std::uint16_t>(message_.flags()),
            .transport = from.transport,
            .expires = now_ + seconds{w.seconds},
            .modified = now_,
            .received = from.source,
            .flow = from.flow};
  }

  void change(record& of, const wish& w, const binding* old) const {
    if (w.seconds == 0) {
      if (old) of.remove(*old);
      return;
    }
    of.put(data_of(w), old);
  }

  /// Whether `pred` holds of a binding that this REGISTER would change.
  template <typename Predicate>
  [[nodiscard]] bool is_any(const record& of, Predicate&& pred) const {
    if (is_star_) return of.find(now_, pred);
    return std::any_of(wishes_.begin(), wishes_.end(),
                       [&](const wish& w) { return w.stored && pred(*w.stored); });
  }

  [[nodiscard]] bool has_room(const storage::location_table& table, const record& of) const {
    std::size_t more = 0;
    std::size_t bytes = 0;
    for (const wish& w : wishes_) {
      if (w.seconds == 0) continue;
      more += w.stored ? 0 : 1;
      const std::size_t before = w.stored ? w.stored->bytes() : 0;
      const std::size_t after = storage::location_table::bytes_of(data_of(w));
      if (after > before) bytes += after - before;
    }
    if (more == 0 && bytes == 0) return true;
    if (rules_.max_contacts > 0 && more > 0 && of.size() + more > rules_.max_contacts) return false;
    return table.has_room(of, more, bytes);
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
