// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/header_id.hpp>

#include <array>
#include <cstring>

namespace tandem::sip {
namespace {

constexpr std::array<header_info, header_count> infos{{
    {"", 0, header_shape::lines, "text_value", ""},
#define TANDEM_HEADER(id, name, compact, shape, value, source)                                     \
  {name, compact, header_shape::shape, #value, source},
#include <tandem/sip/headers.def>
#undef TANDEM_HEADER
}};

/// 0x20 folds the case of a letter and leaves '-' alone; names in the table have nothing else.
constexpr std::uint32_t fold(char c) { return static_cast<unsigned char>(c) | 0x20u; }

/// Four letters and the length, multiplied. The multiplier was found by search; when a new name
/// collides, is_perfect below fails to compile and another is to be searched for.
constexpr std::size_t slot_of(std::string_view name) {
  const std::size_t n = name.size();
  const std::uint32_t letters = fold(name[0]) | fold(name[n / 3]) << 8 |
                                fold(name[n * 2 / 3]) << 16 | fold(name[n - 1]) << 24;
  const auto length = static_cast<std::uint32_t>(n) * 0x9E3779B1u;
  return ((letters ^ length) * 0x79601195u) >> 22;
}

constexpr std::size_t table_size = 1024;
constexpr std::size_t longest_name = 32;

struct perfect_table {
  std::array<std::uint8_t, table_size> ids{};
  bool is_perfect = true;

  constexpr void put(std::string_view name, std::size_t id) {
    std::uint8_t& slot = ids[slot_of(name)];
    if (slot != 0 || name.size() > longest_name) is_perfect = false;
    slot = static_cast<std::uint8_t>(id);
  }

  constexpr perfect_table() {
    for (std::size_t id = 1; id < infos.size(); ++id) {
      put(infos[id].name, id);
      if (infos[id].compact) put({&infos[id].compact, 1}, id);
    }
  }
};

constexpr perfect_table table;
static_assert(table.is_perfect, "two names of headers.def share a slot: search another multiplier");
static_assert(header_count <= 128, "an index entry has seven bits for the id");

/// Equal when case is folded, eight bytes at a time; both have `n` bytes.
bool same_letters(const char* a, const char* b, std::size_t n) noexcept {
  constexpr std::uint64_t folding = 0x2020202020202020u;
  const auto load = [](const char* p) {
    std::uint64_t word;
    std::memcpy(&word, p, sizeof word);
    return word;
  };
  if (n < 8) {
    for (std::size_t i = 0; i < n; ++i)
      if (fold(a[i]) != fold(b[i])) return false;
    return true;
  }
  for (std::size_t i = 0; i + 8 < n; i += 8)
    if ((load(a + i) ^ load(b + i)) & ~folding) return false;
  return ((load(a + n - 8) ^ load(b + n - 8)) & ~folding) == 0;
}

/// Letters and '-' only: folding by 0x20 is then the folding of case (no byte but CR folds to '-').
bool is_plain(std::string_view name) noexcept {
  for (const char c : name)
    if (const auto l = fold(c); (l < 'a' || l > 'z') && c != '-') return false;
  return true;
}

} // namespace

const header_info& info(header_id id) noexcept { return infos[static_cast<std::size_t>(id)]; }

header_id find_header_of_token(std::string_view name) noexcept {
  if (name.empty() || name.size() > longest_name) return header_id::unknown;
  const auto id = table.ids[slot_of(name)];
  if (id == 0) return header_id::unknown;
  if (name.size() == 1)
    return fold(name[0]) == fold(infos[id].compact) ? static_cast<header_id>(id)
                                                    : header_id::unknown;
  if (name.size() != infos[id].name.size() ||
      !same_letters(name.data(), infos[id].name.data(), name.size()))
    return header_id::unknown;
  return static_cast<header_id>(id);
}

header_id find_header(std::string_view name) noexcept {
  const header_id id = find_header_of_token(name);
  return is_plain(name) ? id : header_id::unknown;
}

} // namespace tandem::sip
