// SPDX-License-Identifier: Apache-2.0
// Regular expressions of scripts, on RE2.
#include <tandem/script/pattern.hpp>

#include <re2/re2.h>

namespace tandem::script {

namespace {

/// As regcomp(REG_EXTENDED | REG_ICASE | REG_NOSUB) understands them: `.` takes a newline too, `^`
/// and `$` are the ends of the text, and bytes are bytes whatever the character set.
re2::RE2::Options options_for(letter_case sense, text_shape shape) {
  re2::RE2::Options o;
  o.set_posix_syntax(true);
  o.set_perl_classes(true);  // \w \s \d, GNU has two of them
  o.set_word_boundary(true); // \b
  o.set_one_line(shape == text_shape::whole);
  o.set_dot_nl(shape == text_shape::whole);
  o.set_never_capture(false);
  o.set_encoding(re2::RE2::Options::EncodingLatin1);
  o.set_case_sensitive(sense == letter_case::respected);
  o.set_log_errors(false);
  o.set_max_mem(1 << 20);
  return o;
}

} // namespace

pattern::pattern(std::string text, std::unique_ptr<re2::RE2> compiled) noexcept
    : text_(std::move(text)), compiled_(std::move(compiled)) {}
pattern::pattern(pattern&&) noexcept = default;
pattern& pattern::operator=(pattern&&) noexcept = default;
pattern::~pattern() = default;

result<pattern, std::string> pattern::compile(std::string_view text, letter_case sense,
                                              text_shape shape) {
  auto compiled = std::make_unique<re2::RE2>(re2::StringPiece(text.data(), text.size()),
                                             options_for(sense, shape));
  if (!compiled->ok()) return fail(std::string(compiled->error()));
  return pattern(std::string(text), std::move(compiled));
}

result<pattern, std::string> pattern::compile_whole(std::string_view text) {
  return compile("^(" + std::string(text) + ")$");
}

bool pattern::matches(std::string_view text) const {
  const re2::StringPiece piece(text.data(), text.size());
  return compiled_->Match(piece, 0, piece.size(), re2::RE2::UNANCHORED, nullptr, 0);
}

} // namespace tandem::script
