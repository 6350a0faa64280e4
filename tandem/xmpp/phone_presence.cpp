// SPDX-License-Identifier: Apache-2.0
#include <tandem/xmpp/phone_presence.hpp>

#include <tandem/crypto/hash.hpp>
#include <tandem/xmpp/jid.hpp>

#include <array>
#include <new>

namespace tandem::xmpp {

namespace {

using enum phone_state;

constexpr std::array<std::string_view, 5> state_words{"offline", "online", "still-online",
                                                      "onthephone", "still-onthephone"};

struct edge {
  phone_state to;
  bool is_drawn; ///< the graph of perl-bosh has it
};

constexpr edge drawn(phone_state to) noexcept { return {to, true}; }
constexpr edge repaired(phone_state to) noexcept { return {to, false}; }

/// From each state (row) with each that is told (column, in the order of the names): the state that
/// it means.
constexpr std::array<std::array<edge, 5>, 5> graph{{
    // offline:   offline, online, still-online, onthephone, still-onthephone
    {repaired(offline), drawn(online), repaired(online), repaired(on_the_phone),
     repaired(on_the_phone)},
    // online
    {drawn(offline), repaired(still_online), drawn(still_online), drawn(on_the_phone),
     repaired(on_the_phone)},
    // still-online
    {drawn(offline), repaired(still_online), drawn(still_online), drawn(on_the_phone),
     repaired(on_the_phone)},
    // onthephone
    {drawn(offline), repaired(still_online), drawn(still_online), repaired(still_on_the_phone),
     drawn(still_on_the_phone)},
    // still-onthephone
    {drawn(offline), repaired(still_online), drawn(still_online), repaired(still_on_the_phone),
     drawn(still_on_the_phone)},
}};

const presence nothing{};

/// Six hexadecimal digits.
std::string short_hash(std::string_view of) {
  const auto made = crypto::hash(crypto::hash_function::sha256, {of});
  if (!made) throw std::bad_alloc{};
  return std::string{crypto::hex_digest{*made}.view().substr(0, 6)};
}

std::optional<std::string> value_of(std::string_view name, const phone_identity& of) {
  if (name == "hash6" || (name == "label" && of.label.empty())) return short_hash(of.instance);
  if (name == "label") return of.label;
  if (name == "ua") return of.user_agent.substr(0, of.user_agent.find_first_of(" /("));
  return std::nullopt;
}

} // namespace

std::string_view to_string(phone_state state) noexcept {
  return state_words[static_cast<std::size_t>(state)];
}

std::optional<phone_state> phone_state_of(std::string_view word) noexcept {
  for (std::size_t i = 0; i < state_words.size(); ++i)
    if (state_words[i] == word) return static_cast<phone_state>(i);
  return std::nullopt;
}

phone_style phone_style::with_seed_priorities() {
  phone_style made;
  made.online.priority = 0;
  made.on_the_phone.priority = 90;
  return made;
}

phone_presence::step phone_presence::take(phone_state told) noexcept {
  const presence* const before = &shown();
  const edge& taken = graph[static_cast<std::size_t>(state_)][static_cast<std::size_t>(told)];
  state_ = taken.to;
  return {.now = state_, .is_repaired = !taken.is_drawn, .is_news = &shown() != before};
}

const presence& phone_presence::shown() const noexcept {
  switch (state_) {
  case offline: return nothing;
  case online:
  case still_online: return style_.online;
  case on_the_phone:
  case still_on_the_phone: break;
  }
  return style_.on_the_phone;
}

std::optional<std::string> make_resource(std::string_view from, const phone_identity& of) {
  std::string made;
  while (!from.empty()) {
    const auto begin = from.find('{');
    made += from.substr(0, begin);
    if (begin == std::string_view::npos) break;
    const auto end = from.find('}', begin);
    if (end == std::string_view::npos) return std::nullopt;
    const auto value = value_of(from.substr(begin + 1, end - begin - 1), of);
    if (!value) return std::nullopt;
    made += *value;
    from.remove_prefix(end + 1);
  }
  if (!is_resource(made)) return std::nullopt;
  return made;
}

} // namespace tandem::xmpp
