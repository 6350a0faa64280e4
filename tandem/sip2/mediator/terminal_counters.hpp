// SPDX-License-Identifier: Apache-2.0
// What terminals count together, for the metrics. Plain numbers of one thread.
#pragma once

#include <array>
#include <cstdint>

namespace tandem::sip2 {

struct terminal_counters {
  std::uint64_t requests = 0;         ///< intact messages of the protocol
  std::uint64_t answers = 0;          ///< written, those of failure included
  std::uint64_t failures = 0;         ///< answers made here because the back-end gave none
  std::uint64_t bad_answers = 0;      ///< of the back-end, that were no message for the request
  std::uint64_t bad_checksums = 0;    ///< messages whose checksum was wrong, or missing
  std::uint64_t resends = 0;          ///< answers repeated for a 97
  std::uint64_t duplicates = 0;       ///< requests answered again without asking the back-end
  std::uint64_t unknown_codes = 0;    ///< messages whose code the protocol does not have
  std::uint64_t refused_requests = 0; ///< before a login, or of too old a version
  std::uint64_t logins = 0;           ///< accepted
  std::uint64_t refused_logins = 0;   ///< refused by us or by the back-end
  std::uint64_t idle_closes = 0;      ///< connections closed for silence
  std::uint64_t overflows = 0;        ///< connections closed for a line without end
  std::array<std::uint64_t, 8> backend_failures{}; ///< by backend_failure
};

} // namespace tandem::sip2
