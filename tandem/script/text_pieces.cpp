// SPDX-License-Identifier: Apache-2.0
// Reads pseudo-variables in strings.
#include <tandem/script/text_pieces.hpp>

#include <fmt/format.h>

#include <tandem/base/text.hpp>
#include <tandem/script/token.hpp>

namespace tandem::script {

namespace {

class splitter {
 public:
  splitter(std::string_view text, const text_site& at, const names& known, unknown_variable policy,
           diagnostics& found)
      : text_(text), site_(at), names_(known), policy_(policy), found_(found) {}

  std::vector<text_piece> run() {
    while (at_ < text_.size()) {
      const char next = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
      if (text_[at_] == '$' && next == '$') {
        literal_ += '$';
        at_ += 2;
      } else if (text_[at_] == '$' && (is_alpha(next) || next == '(')) {
        variable();
      } else {
        literal_ += text_[at_++];
      }
    }
    if (!literal_.empty() || pieces_.empty()) pieces_.push_back({std::move(literal_), {}});
    return std::move(pieces_);
  }

 private:
  [[nodiscard]] bool at(char c) const { return at_ < text_.size() && text_[at_] == c; }

  [[nodiscard]] span place(std::size_t begin, std::size_t end) const {
    if (site_.raw.empty())
      return {site_.where.offset + static_cast<std::uint32_t>(begin),
              static_cast<std::uint32_t>(end - begin)};
    const std::uint32_t first = raw_offset(site_.raw, begin);
    return {site_.where.offset + first, raw_offset(site_.raw, end) - first};
  }

  /// $name | $name(argument) | $(name) | $(name[index]) | $(name(argument)[index])
  void variable() {
    const std::size_t begin = at_++;
    const bool enclosed = at('(');
    if (enclosed) ++at_;
    const std::size_t name_begin = at_;
    while (at_ < text_.size() && (is_alnum(text_[at_]) || text_[at_] == '_')) ++at_;
    const std::string_view name = text_.substr(name_begin, at_ - name_begin);
    // `$(date)` in a shell command is no mistake in a script that knows no variables.
    const variable_info* info = names_.find_variable(name);
    if (info == nullptr) {
      if (policy_ == unknown_variable::is_text) return keep(begin);
      const std::string_view near = names_.nearest_variable(name);
      std::string hint = near.empty() ? std::string("write $$ for a dollar sign")
                                      : did_you_mean(fmt::format("${}", near));
      return refuse(begin, fmt::format("unknown variable '${}'", name), std::move(hint));
    }
    variable_use use;
    use.info = info;
    if (info->takes == variable_info::argument::required && !read_argument(begin, use)) return;
    if (enclosed && at('[') && !read_index(begin, use)) return;
    if (enclosed) {
      if (at('{')) return refuse(begin, "transformations of variables are not known here", {});
      if (!at(')')) return refuse(begin, fmt::format("expected ')' after '$({}'", name), {});
      ++at_;
    }
    pieces_.push_back({std::move(literal_), std::move(use)});
    literal_.clear();
  }

  bool read_argument(std::size_t begin, variable_use& use) {
    const std::size_t close = at('(') ? text_.find(')', at_) : text_.npos;
    if (close == text_.npos || close == at_ + 1) {
      refuse(begin, fmt::format("${} needs an argument", use.info->name),
             fmt::format("write ${}(Name)", use.info->name));
      return false;
    }
    use.argument = text_.substr(at_ + 1, close - at_ - 1);
    at_ = close + 1;
    return true;
  }

  bool read_index(std::size_t begin, variable_use& use) {
    const std::size_t close = text_.find(']', at_);
    const auto number = close == text_.npos
                            ? std::nullopt
                            : parse_signed_number<int>(text_.substr(at_ + 1, close - at_ - 1));
    if (!number) {
      refuse(begin, "expected a number and ']' after '['", {});
      return false;
    }
    use.index = *number;
    use.has_index = true;
    at_ = close + 1;
    return true;
  }

  void keep(std::size_t begin) { literal_ += text_.substr(begin, at_ - begin); }

  void refuse(std::size_t begin, std::string text, std::string hint) {
    found_.error(place(begin, std::max(at_, begin + 1)), std::move(text), std::move(hint));
  }

  std::string_view text_;
  const text_site& site_;
  const names& names_;
  unknown_variable policy_;
  diagnostics& found_;
  std::size_t at_ = 0;
  std::string literal_;
  std::vector<text_piece> pieces_;
};

} // namespace

std::vector<text_piece> split_text(std::string_view text, const text_site& at, const names& known,
                                   unknown_variable policy, diagnostics& found) {
  return splitter(text, at, known, policy, found).run();
}

} // namespace tandem::script
