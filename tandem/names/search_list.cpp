// SPDX-License-Identifier: Apache-2.0
#include <tandem/names/search_list.hpp>

#include <tandem/base/split.hpp>
#include <tandem/base/text.hpp>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <sstream>
#include <unistd.h>

namespace tandem::names {

namespace {

constexpr std::size_t most_domains = 32;
constexpr std::size_t most_ndots = 15; // resolv.conf(5)
constexpr std::string_view ndots_option = "ndots:";

std::vector<std::string_view> words_of(std::string& line) {
  std::ranges::replace(line, '\t', ' ');
  std::ranges::replace(line, '\r', ' ');
  std::vector<std::string_view> words;
  for (const std::string_view word : split(line, ' '))
    if (!word.empty()) words.push_back(word);
  return words;
}

} // namespace

search_list search_list::parse(std::string_view text, std::string_view host_name) {
  search_list list;
  if (const auto dot = host_name.find('.'); dot != std::string_view::npos)
    list.domains.emplace_back(host_name.substr(dot + 1));
  for (const std::string_view line : split(text, '\n')) {
    if (line.starts_with('#') || line.starts_with(';')) continue;
    std::string copy{line};
    const auto words = words_of(copy);
    if (words.size() < 2) continue;
    const bool is_domain = words[0] == "domain";
    if (is_domain || words[0] == "search") {
      const std::size_t last = is_domain ? 2 : std::min(words.size(), most_domains + 1);
      list.domains.assign(words.begin() + 1, words.begin() + static_cast<std::ptrdiff_t>(last));
    } else if (words[0] == "options") {
      for (const std::string_view word : words)
        if (word.starts_with(ndots_option))
          if (const auto dots = parse_number<std::size_t>(word.substr(ndots_option.size())))
            list.ndots = std::min(*dots, most_ndots);
    }
  }
  return list;
}

search_list search_list::read(const std::string& path) {
  std::array<char, 256> own{};
  if (::gethostname(own.data(), own.size() - 1) != 0) own[0] = '\0';
  std::ostringstream text;
  text << std::ifstream{path}.rdbuf(); // which keeps what is thrown where this is no file
  return parse(text.view(), own.data());
}

std::vector<std::string> search_list::names_for(std::string_view host) const {
  std::vector<std::string> names;
  if (!ip_address::parse(host) && !host.ends_with('.'))
    for (const std::string& domain : domains) {
      if (domain != ".") names.push_back(std::string{host} + '.' + domain);
    }
  const auto dots = static_cast<std::size_t>(std::ranges::count(host, '.'));
  names.emplace(dots >= ndots ? names.begin() : names.end(), host);
  return names;
}

resolver::answer find_by_search(io::shard& loop, resolver& names, const search_list& list,
                                std::string_view host, duration limit) {
  if (const auto known = names.find(host, address_family::any)) return *known;
  const instant end = now() + limit;
  auto why = resolve_error::not_found;
  for (const std::string& name : list.names_for(host)) {
    std::optional<resolver::answer> found;
    const auto asked = names.resolve(name, address_family::any,
                                     [&found](const resolver::answer& a) { found = a; });
    loop.run_until([&found] { return found.has_value(); }, end - now());
    if (!found) {
      names.cancel(asked);
      return fail(resolve_error::timed_out);
    }
    if (*found) return *found;
    // A name that is none with a domain behind it is the domain's fault.
    if (found->error() != resolve_error::not_found && found->error() != resolve_error::bad_name)
      why = found->error();
  }
  return fail(resolve_error{why});
}

} // namespace tandem::names
