// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/record_route.hpp>

#include <tandem/base/text.hpp>
#include <tandem/sip/message_editor.hpp>
#include <tandem/sip/single_values.hpp>
#include <tandem/sip/uri.hpp>
#include <tandem/stack/dialog_mark.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace tandem::stack {

namespace {

constexpr auto record_route = sip::header_id::record_route;

// Parameters of an entry of ours. The flows are read again when the entry comes back.
constexpr std::string_view begin_of_entry = "<sip:";
constexpr std::string_view begin_of_secure_entry = "<sips:";
constexpr std::string_view mark_begin = ";did=";
constexpr std::string_view calling_begin = ";cflow=";
constexpr std::string_view called_begin = ";dflow=";
constexpr std::string_view pair_name = "r2"; // some user agents drop its value
constexpr std::string_view pair_text = ";r2=on";

/// A mark that leads to nobody: what a request is recorded with before it is sealed, and what the
/// calling party is given where there is no called one to lead to.
constexpr std::string_view blank_mark = "000000000000000000000000000000";
static_assert(blank_mark.size() == dialog_mark::size);

/// Parameters of an entry of ours, as we have written them.
struct own_parameters {
  std::string_view mark;
  std::string_view calling_flow;
  std::string_view called_flow;
  bool is_of_pair = false;
};

/// Reads what may be an entry's parameters, the first without its semicolon. Names stand as we have
/// written them: these are not for anybody else to write.
own_parameters read_parameters(std::string_view list) {
  own_parameters found;
  while (!list.empty()) {
    const std::string_view one = list.substr(0, list.find(';'));
    list.remove_prefix(std::min(one.size() + 1, list.size()));
    const auto take = [one](std::string_view begin, std::string_view& value) {
      const std::string_view name = begin.substr(1); // without the semicolon
      if (one.starts_with(name)) value = one.substr(name.size());
    };
    switch (one.empty() ? '\0' : one.front()) {
    case 'c': take(calling_begin, found.calling_flow); break;
    case 'd':
      take(mark_begin, found.mark);
      take(called_begin, found.called_flow);
      break;
    case 'r':
      found.is_of_pair = found.is_of_pair || one == pair_name || one == pair_text.substr(1);
      break;
    default: break;
    }
  }
  return found;
}

/// An entry of ours, as it stands in a header.
struct own_entry : own_parameters {
  std::size_t mark_at = 0; ///< in the value
};

/// The value may be of ours: it has the form in which we write entries, and a mark of the right
/// size. Parameters may stand in another order: user agents write entries anew.
std::optional<own_entry> read_own(std::string_view value) {
  if ((!value.starts_with(begin_of_entry) && !value.starts_with(begin_of_secure_entry)) ||
      value.find('>') != value.size() - 1 || value.find('?') != std::string_view::npos)
    return std::nullopt;
  const std::string_view address = value.substr(0, value.size() - 1);
  const std::size_t user_end = address.find('@'); // a user may hold semicolons
  const std::size_t from = address.find(';', user_end == std::string_view::npos ? 0 : user_end);
  if (from == std::string_view::npos) return std::nullopt;
  own_entry found{read_parameters(address.substr(from + 1)), 0};
  if (found.mark.size() != dialog_mark::size) return std::nullopt;
  found.mark_at = static_cast<std::size_t>(found.mark.data() - value.data());
  return found;
}

marked_dialog dialog_of(std::string_view call_id, std::string_view calling_tag,
                        const own_parameters& entry) {
  return {call_id, calling_tag, entry.calling_flow, entry.called_flow};
}

std::uint64_t contact_place(const sip::message& m, const hash_key& secret) {
  const std::string_view contacts = front_and_rest(m, sip::header_id::contact);
  return contacts.empty() ? no_place : place_of(contacts, secret); // a star is no address
}

/// Target refresh requests: RFC 3261 12.2 and 14, RFC 3311 5.1, RFC 6665 4.4.1, RFC 5057 5.4.
bool refreshes_target(sip::method method) noexcept {
  switch (method) {
  case sip::method::invite:
  case sip::method::update:
  case sip::method::subscribe:
  case sip::method::notify:
  case sip::method::refer: return true;
  default: return false;
  }
}

std::uint64_t party_hash(std::string_view call_id, std::string_view tag, const hash_key& secret) {
  constexpr std::uint64_t kind = 0x7061727479; // "party": no other hash of the secret is like it
  return keyed_hash(secret, call_id, tag, kind);
}

bool put_entry(sip::message& m, const record_route_rules& rules, const route_entry& entry,
               std::string_view pair, std::string_view calling, std::string_view called) {
  const std::string_view tag = rules.append_fromtag ? m.from_tag() : std::string_view{};
  const auto unless_empty = [](std::string_view value, std::string_view text) {
    return value.empty() ? std::string_view{} : text;
  };
  // RFC 3261 16.6 step 4: what is asked for by sips: is recorded by sips:, which TLS is meant by.
  constexpr std::string_view secure = "sips:";
  const bool is_sips =
      is_secure(entry.transport) && iequals(m.request_uri().substr(0, secure.size()), secure);
  // RFC 3263 4.1: without it a number is reached by UDP.
  const bool is_named = entry.transport != (is_sips ? transport_kind::tls : transport_kind::udp);
  const std::string_view lr = rules.enable_full_lr ? ";lr=on>" : ";lr>";
  return m.edit()
      .put_front(record_route,
                 {is_sips ? begin_of_secure_entry : begin_of_entry, entry.user,
                  unless_empty(entry.user, "@"), entry.sent_by, is_named ? ";transport=" : "",
                  is_named ? uri_parameter(entry.transport) : "", pair, unless_empty(tag, ";ftag="),
                  tag, unless_empty(calling, calling_begin), calling,
                  unless_empty(called, called_begin), called, mark_begin, blank_mark, lr})
      .has_value();
}

/// Where an entry stands in a message. It stays good while marks are written: they have one size.
struct entry_place {
  std::size_t line = sip::message::npos;
  std::size_t begin = 0; ///< in the value of the line
  std::size_t size = 0;

  [[nodiscard]] std::string_view in(const sip::message& m) const noexcept {
    return m.value(line).substr(begin, size);
  }
  [[nodiscard]] bool write_mark(sip::message& m, const own_entry& own,
                                std::string_view mark) const {
    return m.edit().overwrite(line, begin + own.mark_at, mark).has_value();
  }
};

/// Calls `f(entry_place)` for each entry in order, until it returns false. It may write marks.
template <typename F>
void for_each_entry(const sip::message& m, F&& f) {
  for (std::size_t i = m.find(record_route); i != sip::message::npos;
       i = m.find(record_route, i + 1)) {
    for (std::size_t done = 0;;) {
      const std::string_view line = m.value(i);
      std::string_view rest = line.substr(done);
      const auto value = sip::next_value(record_route, rest);
      if (value.empty()) break;
      done = line.size() - rest.size();
      if (!f(entry_place{i, static_cast<std::size_t>(value.data() - line.data()), value.size()}))
        return;
    }
  }
}

} // namespace

// ---- in the request

bool push_record_route(sip::message& request, const record_route_rules& rules,
                       const route_entry& entry, const flow_token& calling) {
  return put_entry(request, rules, entry, {}, calling.view(), {});
}

bool record_way(sip::message& copy, const record_route_rules& rules, const route_entry* second,
                const flow_token& called) {
  std::string calling;
  const auto marked = copy.edit().update_front(record_route, [&](std::string_view old) {
    const auto own = read_own(old);
    if (!own) return std::string{old};
    calling = own->calling_flow;
    const std::size_t mark = own->mark_at - mark_begin.size();
    std::string text{old.substr(0, mark)};
    if (second) text += pair_text;
    if (!called.view().empty()) text.append(called_begin).append(called.view());
    return text += old.substr(mark);
  });
  // Whoever follows the route takes both entries away at once, and knows by r2 that they are two.
  return marked && (!second || put_entry(copy, rules, *second, pair_text, calling, called.view()));
}

bool seal_record_route(sip::message& request, const hash_key& secret) {
  struct own_place {
    entry_place at;
    own_entry own;
  };
  std::array<own_place, 2> ours;
  std::size_t found = 0;
  std::size_t wanted = 1;
  std::size_t n = 0;
  std::uint64_t hop = no_place;
  for_each_entry(request, [&](entry_place at) {
    const std::string_view value = at.in(request);
    // The entry below ours is the next hop on the way to the calling party.
    if (n == wanted) {
      hop = place_of(value, secret);
      return false;
    }
    const auto own = read_own(value);
    if (n++ == 0 && own && own->is_of_pair) wanted = ours.size();
    if (own) ours[found++] = {at, *own};
    return true;
  });
  if (found == 0) return true;
  dialog_mark mark{dialog_of(request.call_id(), request.from_tag(), ours[0].own), secret};
  mark.lead_to({}, contact_place(request, secret), hop);
  for (std::size_t i = 0; i < found; ++i)
    if (!ours[i].at.write_mark(request, ours[i].own, mark.view())) return false;
  return true;
}

// ---- in the response

void turn_record_route(sip::message& response, const hash_key& secret) {
  if (response.status() <= 100 || !response.has(record_route)) return;
  // RFC 3261 12.1.1: what sets up a dialog has a To tag and a Contact. Any other response, a
  // failure among them, gives the caller no entry that still leads to its own Contact, which it
  // wrote.
  const bool may_set_up = response.status() < 300 && !response.to_tag().empty();
  const std::uint64_t target = may_set_up ? contact_place(response, secret) : no_place;

  std::optional<entry_place> above; // the entry before this one: the next hop to the called party
  std::optional<dialog_mark> mark;
  bool expects_second = false; // of a pair, whose mark is that of the first
  for_each_entry(response, [&](entry_place at) {
    const auto own = read_own(at.in(response));
    const auto before = std::exchange(above, at);
    const bool is_second = std::exchange(expects_second, false) && own && own->is_of_pair &&
                           mark->has_dialog_of(own->mark);
    if (!own) return true;
    if (!is_second) {
      mark.emplace(dialog_of(response.call_id(), response.from_tag(), *own), secret);
      if (!mark->has_dialog_of(own->mark)) return true;
      // The mark of the entry before may be another one by now; it is no part of a place.
      mark->lead_to(response.to_tag(), target,
                    before ? place_of(before->in(response), secret) : no_place);
      expects_second = own->is_of_pair;
    }
    return at.write_mark(response, *own, target == no_place ? blank_mark : mark->view());
  });
}

// ---- in a request of the dialog

followed_route follow_own_route(const sip::message& request, const sip::uri& request_uri,
                                std::string_view own_params, const hash_key& secret,
                                const refreshed_targets& moved) noexcept {
  const own_parameters own = read_parameters(own_params);
  if (own.mark.size() != dialog_mark::size) return {};
  const auto key = request.key();
  if (!key || key->to_tag.empty()) return {};

  // Either party may have begun the dialog, and follows the entry to the other one.
  dialog_mark mark{dialog_of(key->call_id, key->from_tag, own), secret};
  const bool is_to_calling = !mark.has_dialog_of(own.mark);
  if (is_to_calling) mark = dialog_mark{dialog_of(key->call_id, key->to_tag, own), secret};
  if (!mark.has_dialog_of(own.mark)) return {};
  const std::string_view route = front_and_rest(request, sip::header_id::route);
  const std::uint64_t target = place_of(request_uri, secret);
  mark.lead_to(is_to_calling ? std::string_view{} : key->to_tag, target,
               route.empty() ? no_place : place_of(route, secret));
  if (!mark.has_hop_of(own.mark)) return {};
  if (!mark.has_target_of(own.mark) &&
      !moved.is_at(party_hash(key->call_id, key->to_tag, secret), target))
    return {};
  return {true, flow_token::parse(is_to_calling ? own.calling_flow : own.called_flow)};
}

void note_refresh(const sip::message& message, const hash_key& secret, refreshed_targets& moved) {
  if (!message.has(sip::header_id::contact)) return; // as most within a dialog
  const auto key = message.key();
  if (!key || !refreshes_target(key->cseq_method)) return;
  const std::uint64_t place = contact_place(message, secret);
  if (place == no_place) return;
  moved.note(party_hash(key->call_id, message.is_request() ? key->from_tag : key->to_tag, secret),
             place);
}

} // namespace tandem::stack
