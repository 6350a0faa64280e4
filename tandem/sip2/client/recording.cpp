// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/client/recording.hpp>

#include <tandem/base/split.hpp>
#include <tandem/sip2/protocol/date.hpp>
#include <tandem/sip2/protocol/parser.hpp>

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace tandem::sip2 {
namespace {

constexpr std::string_view hidden = "***"; // as to_log_line writes a password
constexpr std::size_t date_width = 18;

/// A line of a conversation within a line of a file.
struct said {
  bool is_question = false;
  std::string_view terminal; ///< whose; empty where only one is recorded
  std::string_view line;
  bool is_log = false;
};

std::optional<said> find_said(std::string_view text) {
  if (text.starts_with("> ") || text.starts_with("< "))
    return said{text[0] == '>', {}, text.substr(2), false};
  if (text.size() > date_width + 3 && looks_like_date(text.substr(0, date_width))) {
    const auto mark = text.substr(date_width, 3);
    if (mark == " > " || mark == " < ")
      return said{mark == " > ", {}, text.substr(date_width + 3), true};
  }
  // "... [192.0.2.7:49152 account id] INPUT 17..."
  for (const std::string_view mark : {"] INPUT ", "] OUTPUT "}) {
    const auto end = text.find(mark);
    if (end == std::string_view::npos) continue;
    const auto begin = text.rfind('[', end);
    if (begin == std::string_view::npos) continue;
    auto label = text.substr(begin + 1, end - begin - 1);
    label = label.substr(0, label.find(' '));
    return said{mark == "] INPUT ", label, text.substr(end + mark.size()), true};
  }
  return std::nullopt;
}

std::optional<message> read_line(const said& s, const wire_format& format) {
  auto line = s.line;
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
  for (const std::string_view end : {"\\r", "\\x0d"}) // as logs write it
    if (line.ends_with(end)) line.remove_suffix(end.size());
  wire_format as = s.is_log ? wire_format{} : format;
  as.detection = error_detection::off; // a log has hidden what the checksum was over
  const auto e = open_line(line, as);
  if (!e || !e->spec) return std::nullopt;
  return read_message(*e, as);
}

std::string text_of(const std::vector<std::string_view>& values) {
  std::string out;
  for (const auto v : values) out += fmt::format("{}'{}'", out.empty() ? "" : ", ", v);
  return out.empty() ? "nothing" : out;
}

} // namespace

std::vector<recorded> read_recording(std::string_view text, const wire_format& format) {
  std::vector<recorded> all;
  std::map<std::string, std::size_t, std::less<>> open; // the last question of each terminal
  for (const std::string_view line : split(text, '\n')) {
    const auto s = find_said(line);
    auto m = s ? read_line(*s, format) : std::nullopt;
    if (!m) continue;
    if (s->is_question) {
      open.erase(std::string{s->terminal});
      if (m->spec()->way != direction::to_acs || m->code == code::login ||
          m->code == code::request_acs_resend)
        continue;
      open[std::string{s->terminal}] = all.size();
      all.push_back({std::move(*m), std::nullopt});
    } else if (const auto asked = open.find(s->terminal);
               asked != open.end() && all[asked->second].question.spec()->answer == m->code) {
      all[asked->second].answer = std::move(*m);
      open.erase(asked);
    }
  }
  return all;
}

message ask_again(message question, std::string_view terminal_password,
                  std::string_view patron_password) {
  question.set_fixed("transaction date", format_date(std::chrono::system_clock::now()));
  std::vector<field> kept;
  for (auto& f : question.fields) {
    if (f.value == hidden) {
      f.value = f.id == field_id{"AC"}   ? terminal_password
                : f.id == field_id{"AD"} ? patron_password
                                         : std::string_view{};
      if (f.value.empty()) continue;
    }
    kept.push_back(std::move(f));
  }
  question.fields = std::move(kept);
  return question;
}

std::vector<std::string> find_differences(const message& then, const message& now) {
  if (then.code != now.code)
    return {fmt::format("was answered with {}, now with {}", then.code.text(), now.code.text())};
  std::vector<std::string> all;
  const auto* spec = then.spec();
  for (std::size_t i = 0; spec && i < spec->fixed.size(); ++i)
    if (spec->fixed[i].kind != fixed_kind::date && then.fixed_at(i) != now.fixed_at(i))
      all.push_back(fmt::format("{}: was '{}', is '{}'", spec->fixed[i].name, then.fixed_at(i),
                                now.fixed_at(i)));
  std::vector<field_id> ids;
  for (const auto* m : {&then, &now})
    for (const auto& f : m->fields)
      if (std::ranges::find(ids, f.id) == ids.end()) ids.push_back(f.id);
  for (const auto id : ids)
    if (const auto was = then.values(id), is = now.values(id); was != is)
      all.push_back(fmt::format("{}: was {}, is {}", id.text(), text_of(was), text_of(is)));
  return all;
}

} // namespace tandem::sip2
