// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/textops/replacement.hpp>

#include <tandem/modules/textops/header_text.hpp>
#include <tandem/sip/message_editor.hpp>

#include <array>
#include <fmt/format.h>
#include <re2/re2.h>

namespace tandem::modules {

namespace {

constexpr std::size_t most_groups = 10;

/// The lines of `text` in place of line `at`. \return how many there are; nothing when refused.
std::optional<std::size_t> put_lines(sip::message& m, std::size_t at, std::string_view text) {
  std::string room;
  const auto fields = split_header_text(text, room);
  if (!fields) return std::nullopt;
  if (fields->size() == 1 && fields->front().name == m.header(at).name) {
    if (!m.edit().replace_line(at, fields->front().value)) return std::nullopt;
    return 1;
  }
  if (!insert_fields(m, at, *fields)) return std::nullopt;
  m.edit().erase_line(at + fields->size());
  return fields->size();
}

} // namespace

std::optional<std::string> replace_in(std::string_view text, const script::pattern& what,
                                      occurrences which, const write_replacement& write) {
  const re2::StringPiece whole{text.data(), text.size()};
  const re2::RE2& expression = what.compiled();
  const std::size_t count = std::min<std::size_t>(
      most_groups, static_cast<std::size_t>(expression.NumberOfCapturingGroups()) + 1);
  std::array<re2::StringPiece, most_groups> found;
  std::array<std::string_view, most_groups> groups;
  std::string out;
  std::size_t at = 0;
  std::size_t copied = 0;
  bool is_found = false;
  while (at <= text.size() && expression.Match(whole, at, text.size(), re2::RE2::UNANCHORED,
                                               found.data(), static_cast<int>(count))) {
    is_found = true;
    for (std::size_t i = 0; i < count; ++i) groups[i] = {found[i].data(), found[i].size()};
    const auto begin = static_cast<std::size_t>(groups[0].data() - text.data());
    // `.*` at the end of a line leaves the line its end.
    if (groups[0].ends_with('\r') && text.substr(begin + groups[0].size()).starts_with('\n'))
      groups[0].remove_suffix(1);
    out.append(text.substr(copied, begin - copied));
    write(std::span{groups}.first(count), out);
    copied = begin + groups[0].size();
    if (out.size() + (text.size() - copied) > sip::max_message_size) return std::nullopt;
    if (which == occurrences::first) break;
    at = groups[0].empty() ? copied + 1 : copied;
  }
  if (!is_found) return std::nullopt;
  out.append(text.substr(copied));
  return out;
}

bool replace_in(sip::message& m, const script::pattern& what, occurrences which,
                const write_replacement& write) {
  sip::message changed = m.clone();
  bool is_found = false;
  std::string text;
  for (std::size_t i = 0; i < changed.header_count();) {
    const sip::header_line line = changed.header(i);
    text.assign(line.name).append(": ").append(line.value);
    const auto replaced = replace_in(std::string_view{text}, what, which, write);
    if (!replaced) {
      ++i;
      continue;
    }
    const auto lines = put_lines(changed, i, *replaced);
    if (!lines) return false;
    is_found = true;
    if (which == occurrences::first) break;
    i += *lines;
  }
  if (!is_found || which == occurrences::all) {
    if (const auto body = replace_in(changed.body(), what, which, write)) {
      if (!changed.edit().set_body(*body)) return false;
      is_found = true;
    }
  }
  if (is_found) m = std::move(changed);
  return is_found;
}

// ---- "/expression/replacement/flags"

/// Reads the text of one subst() call, whose variables are cut out already.
class substitution_reader {
 public:
  explicit substitution_reader(script::check& c) : check_{c} {
    if (c.is_constant(0))
      pieces_.push_back({std::string{c.text(0)}, {}});
    else
      pieces_ = c.at(0).pieces;
  }

  std::shared_ptr<const void> read() {
    std::string_view first = pieces_.front().literal;
    if (first.empty()) return complain("the expression comes first, without variables");
    delimiter_ = first.front();
    if (delimiter_ == '\\' || is_alnum(delimiter_))
      return complain("a letter, digit or backslash cannot be the delimiter");
    const std::size_t end = end_of_expression(first);
    if (end == std::string_view::npos)
      return complain("the end of the expression is missing, or there is a variable in it");
    std::string expression = unescaped(first.substr(1, end - 1));

    std::vector<substitution::part> parts;
    if (!read_replacement(end + 1, parts)) return complain("the replacement has no end");
    auto sense = script::letter_case::respected;
    auto which = occurrences::first;
    for (const char flag : flags_) {
      if (flag == 'i')
        sense = script::letter_case::ignored;
      else if (flag == 'g')
        which = occurrences::all;
      else
        return complain(fmt::format("there is no flag '{}'", flag), "i and g are there");
    }
    auto compiled = script::pattern::compile(expression, sense, script::text_shape::lines);
    if (!compiled) return complain("the expression cannot be read: " + compiled.error());
    for (const substitution::part& p : parts)
      if (p.group > compiled->compiled().NumberOfCapturingGroups())
        return complain(fmt::format("the expression has no group {}", p.group));

    std::shared_ptr<substitution> made{new substitution{std::move(*compiled)}};
    made->which_ = which;
    made->parts_ = std::move(parts);
    return made;
  }

 private:
  std::shared_ptr<const void> complain(std::string text, std::string hint = {}) {
    if (hint.empty()) hint = "usage: /expression/replacement/flags";
    check_.error(0, std::move(text), std::move(hint));
    return nullptr;
  }

  std::size_t end_of_expression(std::string_view text) const {
    for (std::size_t i = 1; i < text.size(); ++i) {
      if (text[i] == '\\')
        ++i;
      else if (text[i] == delimiter_)
        return i;
    }
    return std::string_view::npos;
  }

  /// A delimiter that was escaped so that it ends nothing is itself in the expression.
  std::string unescaped(std::string_view text) const {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == delimiter_) ++i;
      out += text[i];
    }
    return out;
  }

  static char escape(char c) {
    switch (c) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return c;
    }
  }

  /// From `begin` of the first piece to the delimiter; what follows that are the flags.
  bool read_replacement(std::size_t begin, std::vector<substitution::part>& parts) {
    substitution::part part;
    const auto push = [&] { parts.push_back(std::exchange(part, {})); };
    for (std::size_t p = 0; p < pieces_.size(); ++p) {
      const std::string_view text = pieces_[p].literal;
      for (std::size_t i = p == 0 ? begin : 0; i < text.size(); ++i) {
        if (text[i] == delimiter_) {
          push();
          flags_ = text.substr(i + 1);
          return p + 1 == pieces_.size() && !pieces_[p].variable.info;
        }
        if (text[i] != '\\' || i + 1 == text.size()) {
          part.literal += text[i];
        } else if (is_digit(text[++i])) {
          part.group = text[i] - '0';
          push();
        } else {
          part.literal += escape(text[i]);
        }
      }
      if (!pieces_[p].variable.info) continue;
      part.variable = pieces_[p].variable;
      push();
    }
    return false;
  }

  script::check& check_;
  std::vector<script::text_piece> pieces_;
  char delimiter_ = '/';
  std::string flags_;
};

std::shared_ptr<const void> substitution::prepare(script::check& c) {
  return substitution_reader{c}.read();
}

write_replacement substitution::writer(script::context& message) const {
  return [this, &message](std::span<const std::string_view> groups, std::string& out) {
    for (const part& p : parts_) {
      out += p.literal;
      if (p.group >= 0) out += groups[static_cast<std::size_t>(p.group)];
      if (!p.variable.info) continue;
      script::variable_read read{message, p.variable, out, 0};
      const std::size_t before = out.size();
      // What a peer sent neither ends a line nor begins one.
      if (!p.variable.info->read(read)) out.resize(before);
      for (std::size_t i = before; i < out.size(); ++i)
        if (out[i] == '\r' || out[i] == '\n') out[i] = ' ';
    }
  };
}

} // namespace tandem::modules
