// SPDX-License-Identifier: Apache-2.0
#include <tandem/process/plain_command.hpp>

#include <tandem/base/text.hpp>

#include <algorithm>

namespace tandem::process {

namespace {

/// Neither special to a shell anywhere in a word, nor the end of one. Not ~, which is at its start.
bool is_plain(char c) noexcept {
  return is_alnum(c) || std::string_view{"_/.,:@%+=-"}.find(c) != std::string_view::npos;
}

} // namespace

std::vector<std::string> plain_command(std::string_view text,
                                       const std::vector<std::string>& parameters) {
  std::vector<std::string> words;
  for (;;) {
    const auto begin = std::find_if_not(text.begin(), text.end(), is_blank);
    if (begin == text.end()) return words;
    // Without a slash it may be a word that the shell itself knows.
    if (words.empty() && *begin != '/') return {};
    const auto end = std::find_if(begin, text.end(), is_blank);
    const std::string_view word{begin, end};
    if (word == "\"$1\"" && !parameters.empty())
      words.push_back(parameters.front());
    else if (std::all_of(begin, end, is_plain))
      words.emplace_back(word);
    else
      return {};
    text = {end, text.end()};
  }
}

} // namespace tandem::process
