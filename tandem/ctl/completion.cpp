// SPDX-License-Identifier: Apache-2.0
#include <tandem/ctl/completion.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace tandem::ctl {

namespace {

constexpr std::string_view bash =
    R"(# tandemctl completion bash; in ~/.bashrc: source <(tandemctl completion bash)
_tandemctl() {
    local words=("${COMP_WORDS[@]:1:COMP_CWORD}")
    COMPREPLY=()
    local IFS=$'\n'
    COMPREPLY=($(tandemctl complete -- "${words[@]}" 2>/dev/null))
    [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace
}
# = stands within a word here: NAME=VALUE is one.
_tandemctl_words() {
    local COMP_WORDBREAKS=${COMP_WORDBREAKS//=}
    _tandemctl
}
complete -F _tandemctl_words tandemctl
)";

constexpr std::string_view zsh = R"(#compdef tandemctl
# tandemctl completion zsh; in ~/.zshrc, after compinit: source <(tandemctl completion zsh)
_tandemctl() {
    local -a found names
    found=("${(@f)$(tandemctl complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    names=("${(@M)found:#*=}")
    found=("${(@)found:#*=}")
    (( ${#found} )) && compadd -- "${(@)found}"
    (( ${#names} )) && compadd -S '' -- "${(@)names}"
}
compdef _tandemctl tandemctl
)";

/// Words that this program knows itself.
constexpr std::string_view own[] = {"completion", "watch"};

void add_next_words(std::set<std::string>& to, const catalog& all,
                    const std::vector<std::string>& before, const std::string& begun) {
  const std::string prefix = before.empty() ? "" : fmt::format("{}.", fmt::join(before, "."));
  for (const auto& [name, help] : all.all()) {
    if (!name.starts_with(prefix)) continue;
    std::string word = name.substr(prefix.size());
    if (begun.find('.') == std::string::npos) word = word.substr(0, word.find('.'));
    if (word.starts_with(begun)) to.insert(std::move(word));
  }
}

} // namespace

std::optional<std::string_view> completion_script(std::string_view shell) noexcept {
  if (shell == "bash") return bash;
  if (shell == "zsh") return zsh;
  return std::nullopt;
}

std::vector<std::string> complete(const asker& ask, const std::vector<std::string>& words) {
  std::vector<std::string> before = words;
  std::string begun;
  if (!before.empty()) {
    begun = before.back();
    before.pop_back();
  }
  std::set<std::string> found;
  if (!before.empty() && before.front() == "completion") {
    for (const std::string_view shell : {"bash", "zsh"})
      if (before.size() == 1 && shell.starts_with(begun)) found.emplace(shell);
    return {found.begin(), found.end()};
  }
  if (before.empty())
    for (const std::string_view word : own)
      if (word.starts_with(begun)) found.emplace(word);
  const bool is_of_another =
      !before.empty() && (before.front() == "watch" || before.front() == "help");
  if (is_of_another && before.front() == "watch") before.erase(before.begin());
  const auto all = catalog::fetch(ask);
  if (!all) return {found.begin(), found.end()};
  if (is_of_another && !before.empty() && before.front() == "help") {
    before.erase(before.begin());
    add_next_words(found, *all, before, begun);
    return {found.begin(), found.end()};
  }
  add_next_words(found, *all, before, begun);
  const auto of = all->find(before);
  if (!of) return {found.begin(), found.end()};
  if (const auto declared = declared_command::fetch(ask, of->name)) {
    for (const auto& p : declared->parameters) {
      const std::string name = p.name + "=";
      const bool is_given = std::ranges::any_of(
          before, [&](const std::string& word) { return word.starts_with(name); });
      if (!is_given && name.starts_with(begun)) found.insert(name);
    }
  }
  return {found.begin(), found.end()};
}

} // namespace tandem::ctl
