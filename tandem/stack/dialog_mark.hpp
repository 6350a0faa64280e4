// SPDX-License-Identifier: Apache-2.0
// The mark in a Record-Route entry of ours: it shows later that a request follows a route which was
// set up here, and to whom. Nothing is remembered: the mark is a keyed hash of the dialog, of the
// party that the entry leads to, and of the next hop beyond this element (RFC 3261 12.1, 16.6 step
// 4). Pure, any thread.
#pragma once

#include <tandem/base/hash.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tandem::sip {
class uri;
}

namespace tandem::stack {

/// Of a dialog what the request and every response to it show.
struct marked_dialog {
  std::string_view call_id;
  std::string_view calling_tag;  ///< From tag of the request that was recorded
  std::string_view calling_flow; ///< flow tokens in the same entry, empty for none
  std::string_view called_flow;
};

/// Where a URI leads: user, host, port, transport and maddr. Other parameters are left out: not
/// every user agent gives them back as they were.
[[nodiscard]] std::uint64_t place_of(const sip::uri& uri, const hash_key& secret) noexcept;
/// The same of a URI or an address (`"Bob" <sip:..>;x=y`), the first of the list that `text` begins
/// with; `no_place` when it is neither.
[[nodiscard]] std::uint64_t place_of(std::string_view text, const hash_key& secret) noexcept;
inline constexpr std::uint64_t no_place = 0;

/// Three times ten hexadecimal digits: dialog, party, next hop. 40 bits each: guessing one takes as
/// many requests as nobody sends unseen.
class dialog_mark {
 public:
  static constexpr std::size_t part = 10;
  static constexpr std::size_t size = 3 * part;

  dialog_mark(const marked_dialog& of, const hash_key& secret) noexcept;

  /// Completes the mark of an entry that leads to a party: to the calling one, whose tag is in the
  /// dialog already (empty here), or to the called one with this tag.
  /// \param target place of the party's Contact
  /// \param hop    place of the entry next to ours on the way there, no_place when there is none
  void lead_to(std::string_view called_tag, std::uint64_t target, std::uint64_t hop) noexcept;

  [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), text_.size()}; }

  // What a mark that came back has in common with this one.
  [[nodiscard]] bool has_dialog_of(std::string_view mark) const noexcept {
    return is_equal(mark, 0);
  }
  [[nodiscard]] bool has_target_of(std::string_view mark) const noexcept {
    return is_equal(mark, part);
  }
  [[nodiscard]] bool has_hop_of(std::string_view mark) const noexcept {
    return is_equal(mark, 2 * part);
  }

 private:
  [[nodiscard]] bool is_equal(std::string_view mark, std::size_t at) const noexcept {
    return mark.size() == size && mark.substr(at, part) == view().substr(at, part);
  }
  void write(std::size_t at, std::uint64_t bits) noexcept;

  hash_key secret_;
  std::uint64_t dialog_;
  std::array<char, size> text_{};
};

} // namespace tandem::stack
