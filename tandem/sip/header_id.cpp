// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/header_id.hpp>

#include <array>
#include <bit>
#include <cstring>
#include <type_traits>

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

constexpr std::uint32_t fold4(const char* p) {
  if (!std::is_constant_evaluated()) {
    std::uint32_t letters;
    std::memcpy(&letters, p, sizeof letters);
    if constexpr (std::endian::native == std::endian::little) return letters | 0x20202020u;
  }
  return fold(p[0]) | fold(p[1]) << 8 | fold(p[2]) << 16 | fold(p[3]) << 24;
}

/// The first four letters, the last four and the length, multiplied. The multiplier was found by
/// search; when a new name collides, the assertion below fails and another is to be searched for.
constexpr std::size_t slot_of(std::string_view name) {
  const std::size_t n = name.size();
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  if (n >= 4) {
    first = fold4(name.data());
    last = fold4(name.data() + n - 4);
  } else {
    first = fold(name[0]) | fold(name[n / 2]) << 8;
    last = fold(name[n - 1]);
  }
  return ((first | last << 32) + n) * 0xa6f1becb94d36a21u >> 54;
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

/// The four (eight) bytes there differ in more than case.
template <typename Word>
bool differ(const char* a, const char* b) noexcept {
  Word wa;
  Word wb;
  std::memcpy(&wa, a, sizeof wa);
  std::memcpy(&wb, b, sizeof wb);
  return ((wa ^ wb) & static_cast<Word>(~0x2020202020202020u)) != 0;
}

/// Equal when case is folded, a word at a time; both have `n` bytes.
bool same_letters(const char* a, const char* b, std::size_t n) noexcept {
  if (n >= 8) {
    for (std::size_t i = 0; i + 8 < n; i += 8)
      if (differ<std::uint64_t>(a + i, b + i)) return false;
    return !differ<std::uint64_t>(a + n - 8, b + n - 8);
  }
  if (n >= 4) return !differ<std::uint32_t>(a, b) && !differ<std::uint32_t>(a + n - 4, b + n - 4);
  for (std::size_t i = 0; i < n; ++i)
    if (fold(a[i]) != fold(b[i])) return false;
  return true;
}

/// Letters and '-' only: folding by 0x20 is then the folding of case (no byte but CR folds to '-').
bool is_plain(std::string_view name) noexcept {
  for (const char c : name)
    if (const auto l = fold(c); (l < 'a' || l > 'z') && c != '-') return false;
  return true;
}

} // namespace

const header_info& info(header_id id) noexcept { return infos[static_cast<std::size_t>(id)]; }

header_id find_header_in_line(std::string_view name) noexcept {
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
  const header_id id = find_header_in_line(name);
  return is_plain(name) ? id : header_id::unknown;
}

} // namespace tandem::sip
