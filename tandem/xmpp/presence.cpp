// SPDX-License-Identifier: Apache-2.0
#include <tandem/xmpp/presence.hpp>

#include <tandem/base/decimal.hpp>
#include <tandem/base/utf8.hpp>
#include <tandem/xmpp/bosh_answer.hpp>
#include <tandem/xmpp/xml_writer.hpp>

#include <array>
#include <utility>

namespace tandem::xmpp {

namespace {

constexpr std::array<std::string_view, 5> show_words{"", "away", "chat", "dnd", "xa"};
constexpr std::size_t longest_status = 1000;

/// The beginning of a text, not ending within a character.
std::string_view begin_of(std::string_view text, std::size_t most) noexcept {
  if (text.size() <= most) return text;
  std::string_view rest = text;
  std::size_t taken = 0;
  while (!rest.empty()) {
    static_cast<void>(take_utf8(rest));
    const std::size_t now = text.size() - rest.size();
    if (now > most) break;
    taken = now;
  }
  return text.substr(0, taken);
}

} // namespace

std::string_view to_string(presence_show show) noexcept {
  return show_words[static_cast<std::size_t>(show)];
}

std::optional<presence_show> presence_show_of(std::string_view word) noexcept {
  for (std::size_t i = 0; i < show_words.size(); ++i)
    if (show_words[i] == word) return static_cast<presence_show>(i);
  return std::nullopt;
}

std::string write_presence(const presence& shown, std::uint64_t id) {
  xml_writer xml;
  xml.open("presence", client_space);
  if (!shown.is_available) {
    xml.attribute("type", "unavailable").close();
    return std::move(xml).take();
  }
  xml.attribute("id", decimal{id}.view());
  if (shown.show != presence_show::none) xml.leaf("show", to_string(shown.show));
  if (!shown.status.empty()) xml.leaf("status", begin_of(shown.status, longest_status));
  xml.leaf("priority", std::to_string(shown.priority)).close();
  return std::move(xml).take();
}

} // namespace tandem::xmpp
