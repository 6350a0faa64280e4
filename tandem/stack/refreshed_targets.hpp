// SPDX-License-Identifier: Apache-2.0
// Parties that moved within their dialog (RFC 3261 12.2: target refresh): where they are reached
// now. What a mark in a Record-Route says of the target was true when the dialog began and is not
// written anew. Bounded: a party that moved long ago makes room for a later one, and requests to it
// are then judged as those to a stranger. One thread; allocates once, for the first that moves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tandem::stack {

class refreshed_targets {
 public:
  static constexpr std::size_t most = 16'384;

  /// \param party keyed hash of the dialog and the party's tag \param place where it is from now on
  void note(std::uint64_t party, std::uint64_t place);

  /// The party said last that it is there.
  [[nodiscard]] bool is_at(std::uint64_t party, std::uint64_t place) const noexcept;

 private:
  struct entry {
    std::uint64_t party = 0;
    std::uint64_t place = 0;
  };
  static constexpr std::size_t ways = 8; ///< places of an entry, the latest first

  std::vector<entry> all_;
};

} // namespace tandem::stack
