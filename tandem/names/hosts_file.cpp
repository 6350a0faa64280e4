// SPDX-License-Identifier: Apache-2.0
#include <tandem/names/hosts_file.hpp>

#include <tandem/base/split.hpp>
#include <tandem/base/text.hpp>
#include <tandem/io/unique_fd.hpp>

#include <array>
#include <fcntl.h>
#include <sys/stat.h>

namespace tandem::names {

namespace {

constexpr duration look_interval = seconds{1};
constexpr std::size_t most_bytes = std::size_t{4} << 20;

std::string_view next_word(std::string_view& line) {
  while (!line.empty() && is_blank(line.front())) line.remove_prefix(1);
  const auto end = line.find_first_of(" \t\r");
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(word.size());
  return word;
}

} // namespace

void hosts_file::read(std::string_view text) {
  names_.clear();
  for (std::string_view line : split(text, '\n')) {
    line = line.substr(0, line.find('#'));
    const auto ip = ip_address::parse(next_word(line));
    if (!ip) continue;
    for (auto name = next_word(line); !name.empty(); name = next_word(line))
      names_[to_lower_copy(name)].push_back(*ip);
  }
}

void hosts_file::look(instant now) {
  if (path_.empty() || (looked_ != instant::min() && now - looked_ < look_interval)) return;
  looked_ = now;
  const io::unique_fd fd{::open(path_.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat info {};
  if (!fd || fstat(fd.get(), &info) != 0) {
    names_.clear();
    changed_ = {};
    return;
  }
  if (info.st_mtim.tv_sec == changed_.tv_sec && info.st_mtim.tv_nsec == changed_.tv_nsec) return;
  changed_ = info.st_mtim;
  std::string text;
  std::array<char, 4096> piece;
  for (ssize_t size = 0;
       text.size() < most_bytes && (size = ::read(fd.get(), piece.data(), piece.size())) > 0;)
    text.append(piece.data(), static_cast<std::size_t>(size));
  read(text);
}

const std::vector<ip_address>* hosts_file::find(const std::string& name, instant now) {
  look(now);
  const auto found = names_.find(name);
  return found == names_.end() ? nullptr : &found->second;
}

} // namespace tandem::names
