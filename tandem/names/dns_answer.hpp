// SPDX-License-Identifier: Apache-2.0
// Reads the answer of a name server (RFC 1035 4, 2782, 3403, 3596). Only records that belong to the
// question count: those of its name, or of the name that a row of CNAMEs in the same answer leads
// to. What stands there of other names, and the additional records, may be anybody's and is not
// looked at. Any bytes may come; time and memory are bounded by their size. Any thread.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/base/dns_records.hpp>
#include <tandem/base/result.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tandem::names {

/// Types of records, with their numbers (RFC 1035 3.2.2 and the registry of the IANA).
enum class record_type : std::uint16_t {
  a = 1,
  cname = 5,
  soa = 6,
  aaaa = 28,
  srv = 33,
  naptr = 35
};

/// So many records of an answer are kept: of addresses the first ones, of others those that are to
/// be tried first.
inline constexpr std::size_t most_records = 32;

/// So many CNAMEs lead from one name to another.
inline constexpr std::size_t longest_alias_row = 8;

/// Letters, digits, "-", "_" and dots, at most 253 of them, 63 between dots (RFC 1035 2.3.4, 2782);
/// in lower case and without the final dot. Empty for anything else.
[[nodiscard]] std::string canonical_name(std::string_view name);

struct dns_answer {
  dns_records records; ///< none: the name has none of that type
  /// The shortest life of what it was read from, CNAMEs included. Without records that of "there is
  /// none" (RFC 2308 5), where the answer says it.
  std::optional<seconds> ttl;
};

/// Why an answer cannot be used.
enum class answer_fault : std::uint8_t {
  broken,  ///< it ends early, or a name in it has no end
  aliases, ///< CNAMEs that lead in a circle, or through too many names
};

/// \param bytes the whole message
/// \param name  that was asked for, canonical
/// \param type  a, aaaa, srv or naptr. Throws std::bad_alloc alone.
[[nodiscard]] result<dns_answer, answer_fault> read_answer(std::string_view bytes,
                                                           std::string_view name, record_type type);

} // namespace tandem::names
