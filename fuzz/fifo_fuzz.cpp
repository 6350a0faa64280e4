// SPDX-License-Identifier: Apache-2.0
// What programs write to the FIFO, whole and cut in two: the same requests either way, of bounded
// size, whose replies stay in their folder; and a request behind it is found.
#include <tandem/control/fifo_request.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

using namespace tandem::control;

namespace {

std::optional<fifo_reader::line_count> find(std::string_view name) {
  if (name == "ps") return fifo_reader::line_count{0, 0};
  if (name == "print") return fifo_reader::line_count{1, 1};
  if (name == "ul_add") return fifo_reader::line_count{2, 4};
  return std::nullopt;
}

void check(const fifo_request& r) {
  if (r.reply.find_first_of("./\\\n") != r.reply.npos || r.reply.find('\0') != r.reply.npos)
    std::abort();
  std::size_t size = 0;
  for (const std::string& line : r.lines) {
    if (line.find('\n') != line.npos) std::abort();
    size += line.size();
  }
  const auto wanted = find(r.command);
  if (size > fifo_reader::longest_request || r.lines.size() > (wanted ? wanted->most : 0))
    std::abort();
  if (r.what == fifo_request::problem::none && (!wanted || r.lines.size() < wanted->least))
    std::abort();
}

std::vector<std::string> read(std::string_view first, std::string_view second) {
  std::vector<std::string> seen;
  fifo_reader reader{find,
                     [&](fifo_request r) {
                       check(r);
                       seen.push_back(std::to_string(static_cast<int>(r.what)) + r.command + ">" +
                                      r.reply);
                       for (std::string& line : r.lines) seen.push_back(std::move(line));
                     },
                     [&](std::string_view) { seen.emplace_back("junk"); }};
  reader.feed(first);
  reader.feed(second);
  reader.feed("\n:print:last\nbehind it\n");
  if (seen.size() < 2 || seen.back() != "behind it" || seen[seen.size() - 2] != "0print>last")
    std::abort();
  return seen;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
  const std::size_t cut = data[0] * bytes.size() / 256;
  if (read(bytes, {}) != read(bytes.substr(0, cut), bytes.substr(cut))) std::abort();
  return 0;
}
