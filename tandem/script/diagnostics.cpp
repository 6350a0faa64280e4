// SPDX-License-Identifier: Apache-2.0
// Complaints about a script, printed as compilers print them.
#include <tandem/script/diagnostics.hpp>

#include <algorithm>
#include <fmt/format.h>

namespace tandem::script {

namespace {

/// The line as a terminal may have it: control characters would move the caret or worse.
std::string printable(std::string_view line) {
  std::string out(line);
  for (char& c : out)
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f) c = '?';
  return out;
}

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U; }

/// What stands under the line: tabs stay tabs, a character of several bytes is one column.
std::string caret_line(std::string_view line, std::size_t column, std::size_t length) {
  std::string out;
  const std::size_t begin = std::min(column - 1, line.size());
  for (std::size_t i = 0; i < begin; ++i)
    if (!is_continuation(line[i])) out += line[i] == '\t' ? '\t' : ' ';
  out += '^';
  const std::size_t end = std::min(begin + length, line.size());
  for (std::size_t i = begin + 1; i < end; ++i)
    if (!is_continuation(line[i])) out += '~';
  return out;
}

struct paint {
  std::string_view error, warning, bold, plain;
};
constexpr paint no_paint{"", "", "", ""};
constexpr paint terminal{"\x1b[1;31m", "\x1b[1;35m", "\x1b[1m", "\x1b[0m"};

std::string counted(std::size_t n, std::string_view what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

} // namespace

void diagnostics::error(span where, std::string text, std::string hint) {
  add(severity::error, where, std::move(text), std::move(hint));
}

void diagnostics::warning(span where, std::string text, std::string hint) {
  add(severity::warning, where, std::move(text), std::move(hint));
}

void diagnostics::add(severity grade, span where, std::string text, std::string hint) {
  std::size_t& count = grade == severity::error ? errors_ : warnings_;
  if (++count > limit) return;
  found_.push_back({grade, where, std::move(text), std::move(hint)});
}

void diagnostics::sort() {
  std::stable_sort(found_.begin(), found_.end(), [](const diagnostic& a, const diagnostic& b) {
    return a.where.offset < b.where.offset;
  });
}

std::string diagnostics::to_string(colour use) const {
  if (found_.empty()) return {};
  const paint& p = use == colour::on ? terminal : no_paint;
  std::string out;
  auto to = std::back_inserter(out);
  for (const diagnostic& d : found_) {
    const position at = source_->at(d.where.offset);
    const std::string_view line = source_->line(at.line);
    const bool bad = d.grade == severity::error;
    fmt::format_to(to, "{}{}:{}:{}:{} {}{}:{} {}", p.bold, source_->name(), at.line, at.column,
                   p.plain, bad ? p.error : p.warning, bad ? "error" : "warning", p.plain, d.text);
    if (!d.hint.empty()) fmt::format_to(to, "; {}", d.hint);
    fmt::format_to(to, "\n{:5} | {}\n      | {}{}{}\n", at.line, printable(line),
                   bad ? p.error : p.warning, caret_line(line, at.column, d.where.length), p.plain);
  }
  if (errors_ != 0) fmt::format_to(to, "{}", counted(errors_, "error"));
  if (errors_ != 0 && warnings_ != 0) out += ", ";
  if (warnings_ != 0) fmt::format_to(to, "{}", counted(warnings_, "warning"));
  if (errors_ > limit || warnings_ > limit)
    fmt::format_to(to, " (the first {} of a kind are shown)", limit);
  out += '\n';
  return out;
}

std::string did_you_mean(std::string_view nearest) {
  return nearest.empty() ? std::string() : fmt::format("did you mean '{}'?", nearest);
}

} // namespace tandem::script
