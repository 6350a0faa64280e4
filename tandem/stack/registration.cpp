// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/registration.hpp>

#include <tandem/base/decimal.hpp>
#include <tandem/base/text.hpp>
#include <tandem/sip/headers.hpp>
#include <tandem/sip/single_values.hpp>
#include <tandem/sip/validate.hpp>

#include <algorithm>
#include <array>

namespace tandem::stack {

namespace {

using sip::binding;
using sip::header_id;
using verdict = std::optional<sip::rejection>;

/// How a contact that an operator has made permanent is shown. A phone never has one: what it asks
/// for ends, be it in 34 years.
constexpr std::uint32_t permanent_seconds = 1'073'741'823;

verdict refuse(int status, std::string_view reason, header_id header = header_id::unknown,
               std::string_view value = {}) {
  return sip::rejection{.status = status,
                        .reason = std::string{reason},
                        .header = header,
                        .value = std::string{value}};
}

/// One Contact of a 200.
class contact_line {
 public:
  contact_line(const binding& of, instant now)
      : of_{of}, expires_{of.expires == instant::max()
                              ? permanent_seconds
                              : static_cast<std::uint32_t>(
                                    (of.expires - now + seconds{1} - duration{1}) / seconds{1})} {
    const auto digit = [&](int unit) { return static_cast<char>('0' + of.q / unit % 10); };
    q_ = {digit(1000), '.', digit(100), digit(10), digit(1)};
  }

  [[nodiscard]] std::size_t size() const noexcept {
    constexpr std::size_t fixed = std::string_view{"Contact: <>;q=;expires=\r\n"}.size();
    return fixed + of_.contact.size() + q().size() + expires_.view().size() + of_.parameters.size();
  }

  void write(sip::response_writer& to) const {
    to.add(header_id::contact,
           {"<", of_.contact, ">;q=", q(), ";expires=", expires_.view(), of_.parameters});
  }

 private:
  /// A third decimal only where it says something.
  [[nodiscard]] std::string_view q() const noexcept {
    return {q_.data(), q_.back() == '0' ? q_.size() - 1 : q_.size()};
  }

  const binding& of_;
  decimal expires_;
  std::array<char, 5> q_{};
};

/// The same contact by the comparison of URIs (RFC 3261 10.3 step 7, 19.1.4). Only what is alike is
/// parsed.
bool is_same(const binding& stored, const binding& wanted, const sip::uri& wanted_uri) {
  if (stored.likeness != wanted.likeness) return false;
  if (stored.contact == wanted.contact) return true;
  const auto uri = sip::uri::parse(stored.contact);
  return uri && equivalent(*uri, wanted_uri);
}

} // namespace

verdict registration::read(std::uint16_t flags, std::size_t credit) {
  const auto key = request_.key();
  if (!key) return refuse(400, "Call-ID or CSeq Cannot Be Read");
  if (key->call_id.size() > longest_call_id) return refuse(513, "Call-ID Too Long");
  // RFC 3327 5.3: the proxies that want to be on the way to this phone.
  for_each_value(request_, header_id::path, [&](std::string_view value) {
    if (path_.size() > longest_path) return;
    if (!path_.empty()) path_ += ", ";
    path_ += value;
  });
  if (path_.size() > longest_path) return refuse(513, "Path Too Long");
  common_.cseq = key->cseq;
  common_.call_id = key->call_id;
  common_.path = path_;
  common_.user_agent = request_.first(header_id::user_agent)
                           .value_or(std::string_view{})
                           .substr(0, longest_user_agent);
  common_.flags = flags;
  common_.transport = from_.transport;
  common_.modified = from_.at;
  common_.received = from_.source;
  common_.flow = from_.flow;
  if (auto refused = read_contacts()) return refused;
  for (wish& w : wishes_) w.value.paid = static_cast<std::uint32_t>(credit / wishes_.size());
  return {};
}

verdict registration::read_contacts() {
  std::optional<std::uint32_t> of_all;
  if (const auto expires = request_.get<sip::hdr::expires>()) of_all = *expires;
  for (const auto& contact : request_.all<sip::hdr::contact>()) {
    if (!contact)
      return refuse(400, std::string{"Bad Contact: "}.append(sip::describe(contact.error().code)));
    if (is_star_ || (contact->is_star && !wishes_.empty()))
      return refuse(400, "Contact * Beside Another Contact");
    if (contact->is_star) {
      // RFC 3261 10.2.2: the star stands only beside "Expires: 0".
      if (of_all != 0U) return refuse(400, "Contact * Without Expires 0");
      is_star_ = true;
      continue;
    }
    if (auto refused = add(*contact, of_all)) return refused;
  }
  return {};
}

verdict registration::add(const sip::contact& contact, std::optional<std::uint32_t> of_all) {
  if (contact.address.text().size() + contact.params.text().size() > longest_contact)
    return refuse(513, "Contact Too Long");
  // RFC 3261 7.3.1, 19.1.1: two lifetimes or two transports, and nobody knows which is meant.
  if (sip::has_repeated(contact.params) || contact.address.has_repeated())
    return refuse(400, "Repeated Parameter in Contact");
  // One that is named again counts, too: `parameters_` has a place for each.
  if (++named_ > sip::most_contacts) return refuse(400, "Too Many Contacts");
  // RFC 3261 10.3 step 7: the parameter, else the header, else our own choice; 20.10: what is
  // malformed counts as not there.
  const wish_parameters said = read_parameters(contact);
  std::uint32_t wanted =
      sip::parse_lifetime(said.expires).value_or(of_all.value_or(rules_.default_expires));
  if (wanted > 0 && wanted < rules_.min_expires)
    return refuse(423, "Interval Too Brief", header_id::min_expires,
                  decimal{rules_.min_expires}.view());
  wanted = std::min(wanted, rules_.max_expires > 0 ? rules_.max_expires : permanent_seconds - 1);

  wish made{contact.address, common_, wanted == 0};
  made.value.contact = contact.address.text();
  made.value.likeness = likeness(contact.address);
  made.value.parameters = said.returned;
  made.value.q = sip::parse_qvalue(said.q).value_or(rules_.default_q);
  made.value.expires = from_.at + seconds{wanted};
  // A contact that is named twice is what is said of it last.
  const auto earlier = std::find_if(wishes_.begin(), wishes_.end(), [&](const wish& w) {
    return is_same(w.value, made.value, made.uri);
  });
  if (earlier != wishes_.end())
    *earlier = made;
  else
    wishes_.push_back(made);
  return {};
}

/// In one walk. What comes back in the answer (RFC 3261 10.3 step 8, RFC 5626 6), each with its
/// semicolon, is viewed as it stands where it stands together.
registration::wish_parameters registration::read_parameters(const sip::contact& contact) {
  wish_parameters said;
  // The registrar says these two itself, and does not give them back.
  const auto find_own = [&said](std::string_view name) -> std::string_view* {
    if (iequals(name, "expires")) return &said.expires;
    return iequals(name, "q") ? &said.q : nullptr;
  };
  const char* begin = nullptr;
  const char* end = nullptr;
  bool is_apart = false; // something else stands between
  for (auto at = contact.params.begin(); at != contact.params.end(); ++at) {
    if (std::string_view* const own = find_own(at->name)) {
      *own = at->value;
      continue;
    }
    const std::string_view text = at.text();
    is_apart |= text.data()[-1] != ';' || (begin && text.data() - 1 != end);
    if (!begin) begin = text.data() - 1;
    end = text.data() + text.size();
  }
  if (!begin) return said;
  said.returned = {begin, static_cast<std::size_t>(end - begin)};
  if (!is_apart) return said;
  if (parameters_.capacity() == 0) parameters_.reserve(sip::most_contacts + 1); // views stay good
  std::string& kept = parameters_.emplace_back();
  for (auto at = contact.params.begin(); at != contact.params.end(); ++at)
    if (!find_own(at->name)) kept.append(";").append(at.text());
  said.returned = kept;
  return said;
}

bool registration::says_the_same(const binding& stored, const wish& w) const noexcept {
  return !w.is_removal && stored.cseq == w.value.cseq && stored.q == w.value.q &&
         stored.parameters == w.value.parameters && stored.path == w.value.path &&
         stored.expires - stored.modified == w.value.expires - w.value.modified;
}

verdict registration::decide(std::span<const binding> stored, sip::binding_edits& edits) {
  bool is_copy = false;  // of the REGISTER that made a binding
  bool is_other = false; // than what is stored
  bool is_late = false;
  // RFC 3261 10.3 step 7: what came after a later one of its call changes nothing. A copy of the
  // REGISTER that made the bindings, whose answer was lost, is answered as that one was; what has
  // its CSeq and says something else is refused.
  const auto judge = [&](const binding& b, const wish* w) {
    const bool is_of_call = b.call_id == common_.call_id;
    is_late |= is_of_call && common_.cseq < b.cseq;
    is_copy |= is_of_call && common_.cseq == b.cseq;
    is_other |= !(is_of_call && w && says_the_same(b, *w));
  };
  if (is_star_)
    for (std::size_t i = 0; i < stored.size(); ++i) {
      judge(stored[i], nullptr);
      edits.push_back({.old = i, .put = nullptr});
    }
  std::array<bool, sip::most_bindings> is_taken{};
  std::size_t count = stored.size();
  bool is_growing = false;
  for (const wish& w : wishes_) {
    std::size_t at = 0;
    while (at < stored.size() && (is_taken[at] || !is_same(stored[at], w.value, w.uri))) ++at;
    if (at == stored.size()) {
      if (w.is_removal) continue;
      edits.push_back({.old = {}, .put = &w.value});
      ++count;
      is_growing = true;
      continue;
    }
    judge(stored[at], &w);
    is_taken[at] = true;
    edits.push_back({.old = at, .put = w.is_removal ? nullptr : &w.value});
    count -= w.is_removal ? 1 : 0;
  }
  if (is_late || (is_copy && (is_other || is_growing))) return refuse(500, "REGISTER Out of Order");
  if (is_copy) edits.clear();
  if (!is_copy && is_growing && count > rules_.max_contacts)
    return refuse(503, "Too Many Contacts", header_id::retry_after, "60");
  note_following(stored, edits);
  return {};
}

void registration::note_following(std::span<const binding> stored,
                                  const sip::binding_edits& edits) {
  following_.clear();
  for (const binding& b : stored) following_.push_back(&b);
  for (const sip::binding_edit& e : edits) {
    if (e.old)
      following_[*e.old] = e.put;
    else
      following_.push_back(e.put);
  }
  following_.erase(std::remove(following_.begin(), following_.end(), nullptr), following_.end());
  if (following_.size() < 2) return;
  std::stable_sort(following_.begin(), following_.end(), [](const binding* a, const binding* b) {
    return a->q != b->q ? a->q > b->q : a->modified > b->modified;
  });
}

bool registration::is_own(const binding* b) const noexcept {
  return std::any_of(wishes_.begin(), wishes_.end(), [b](const wish& w) { return b == &w.value; });
}

void registration::list(sip::response_writer& ok, std::size_t room) {
  const auto leave_room = [&room](std::size_t bytes) { room -= std::min(room, bytes); };
  constexpr std::size_t around_path = 8; // its name and the line break
  if (!path_.empty())
    for_each_value(request_, header_id::path,
                   [&](std::string_view v) { leave_room(v.size() + around_path); });
  std::size_t wanted = 0;
  for (const binding* const b : following_) wanted += contact_line{*b, from_.at}.size();
  if (wanted > room) {
    constexpr std::size_t warning = 110;
    leave_room(warning);
    std::stable_partition(following_.begin(), following_.end(),
                          [&](const binding* b) { return is_own(b); });
  }
  std::size_t left_out = 0;
  for (const binding* const b : following_) {
    const contact_line line{*b, from_.at};
    if (line.size() > room) {
      ++left_out;
      continue;
    }
    room -= line.size();
    line.write(ok);
  }
  if (left_out > 0)
    ok.add(header_id::warning, {"399 registrar \"", decimal{left_out}.view(),
                                " contacts are left out of this datagram; ask by TCP\""});
  if (!path_.empty())
    for_each_value(request_, header_id::path,
                   [&](std::string_view v) { ok.add(header_id::path, v); });
}

} // namespace tandem::stack
