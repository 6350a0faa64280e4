// SPDX-License-Identifier: Apache-2.0
// What every element asks of every message, read once and kept as places in its bytes: which header
// names there are, the top Via, the tags, Call-ID and CSeq (RFC 3261 8.1.1). Places survive that
// the message is moved or cloned. Plain values, any thread.
#pragma once

#include <tandem/sip/header_id.hpp>
#include <tandem/sip/header_set.hpp>
#include <tandem/sip/method.hpp>
#include <tandem/sip/parse_error.hpp>
#include <tandem/sip/text_place.hpp>

#include <cstdint>
#include <optional>

namespace tandem::sip {

enum class host_kind : std::uint8_t;
class cursor;

/// The parameters of a Via that routing asks for, as places in the text of the parameters. One that
/// is there begins behind 0.
struct via_marks {
  text_place branch, received, rport, maddr, ttl;
  bool has_repeated = false; ///< one of them stands twice; the first counts
};

/// A Via as places in the text that holds it.
struct via_places {
  /// Reads one via-parm where `at` stands in a text of at most 65,535 bytes.
  std::optional<parse_error> read(cursor& at) noexcept;

  text_place whole, protocol, version, transport, host, params;
  via_marks marks;
  std::uint16_t port = 0;
  host_kind kind{};
  bool has_port = false;
};

/// One bit for each header that is read, so that an edit of one takes back no other.
class essential_set {
 public:
  constexpr essential_set() noexcept = default;
  /// Empty for a header that is none of them.
  constexpr explicit essential_set(header_id id) noexcept
      : bits_{is_essential(id) ? bit(id) : std::uint8_t{0}} {}
  [[nodiscard]] static constexpr essential_set all() noexcept {
    essential_set set;
    for (auto id = header_id::via; is_essential(id);
         id = static_cast<header_id>(static_cast<unsigned>(id) + 1))
      set.add(id);
    return set;
  }

  [[nodiscard]] static constexpr bool is_essential(header_id id) noexcept {
    return id >= header_id::via && id <= header_id::cseq;
  }
  [[nodiscard]] constexpr bool empty() const noexcept { return bits_ == 0; }
  [[nodiscard]] constexpr bool has(header_id id) const noexcept { return (bits_ & bit(id)) != 0; }
  /// The lowest of the set, which must not be empty: Via, From, To, Call-ID, CSeq.
  [[nodiscard]] constexpr header_id first() const noexcept {
    unsigned id = 0;
    while (!(bits_ >> id & 1u)) ++id;
    return static_cast<header_id>(id);
  }
  constexpr void add(header_id id) noexcept { bits_ |= bit(id); }
  constexpr void remove(header_id id) noexcept { bits_ &= static_cast<std::uint8_t>(~bit(id)); }
  constexpr void remove(essential_set other) noexcept {
    bits_ &= static_cast<std::uint8_t>(~other.bits_);
  }
  [[nodiscard]] constexpr essential_set without(essential_set other) const noexcept {
    essential_set set = *this;
    set.remove(other);
    return set;
  }
  friend constexpr bool operator==(essential_set, essential_set) noexcept = default;

 private:
  static constexpr std::uint8_t bit(header_id id) noexcept {
    return static_cast<std::uint8_t>(1u << (static_cast<unsigned>(id) & 7u));
  }

  std::uint8_t bits_ = 0;
};
static_assert(static_cast<unsigned>(header_id::via) == 1 &&
                  static_cast<unsigned>(header_id::cseq) == 5,
              "headers.def begins with Via, From, To, Call-ID and CSeq");

/// What is known of a message so far. It stands at the head of the index of the header lines, and
/// clones that share their index share it.
struct alignas(8) essentials {
  essential_set known;    ///< read since the last edit of their lines
  essential_set good;     ///< of these, there and readable
  essential_set in_edits; ///< of these, in the text of the edits
  method cseq_method = method::unknown;
  std::uint32_t cseq = 0;
  text_place from_tag, to_tag, call_id, cseq_method_text;
  text_place from_address, to_address; ///< see message::plain_address()
  via_places via;
  line_names names; ///< a name stays when its lines are erased

  /// Reads the value of that header, which stands at `at` in a text of at most 65,535 bytes.
  /// \return it is readable.
  bool read(header_id id, cursor at) noexcept;
  /// The lines of that name are about to be others.
  void forget(header_id id) noexcept { known.remove(essential_set{id}); }
};

} // namespace tandem::sip
