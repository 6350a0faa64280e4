// SPDX-License-Identifier: Apache-2.0
// How many bytes of messages a shard keeps for its transactions: requests to be sent again,
// responses to be repeated, what suspended programs hold up. Counted in all and for the source of
// the request that caused it, since large requests to phones that do not answer would fill the
// memory long before the number of transactions is bounded. A source is what one subscriber owns
// (base/source_network.hpp). One thread; a steady load allocates nothing.
#pragma once

#include <tandem/base/intrusive_list.hpp>
#include <tandem/base/ip_address.hpp>
#include <tandem/stack/outbox.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace tandem::stack {

class kept_bytes;

/// What one source has filled. Internal to kept_bytes.
class kept_source : list_hook<> {
 public:
  kept_source(kept_bytes& of, const ip_address& network) noexcept : table_{of}, network_{network} {}

  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  /// As source_network() has it; none: nobody in particular.
  [[nodiscard]] const ip_address& network() const noexcept { return network_; }
  /// For the log.
  [[nodiscard]] std::string text() const {
    return network_ ? network_.to_string() : std::string{"copies of our own"};
  }

 private:
  friend class kept_bytes;
  friend class kept_charge;
  friend class intrusive_list<kept_source, void>;

  kept_bytes& table_;
  ip_address network_; ///< none: nobody in particular, bounded by what is kept in all alone
  std::size_t bytes_ = 0;
  std::uint32_t holders_ = 0; ///< charges that name it; without any it may be forgotten
};

/// For whose sake bytes are to be kept.
enum class keep_for : std::uint8_t {
  new_work, ///< up to the bound
  the_rest, ///< what belongs to work that was let in, up to twice the bound: it shall end well
};

/// Bounds of one shard, in bytes.
struct kept_limits {
  std::size_t in_all = std::size_t{512} << 20U;
  /// Some 25,000 calls that ring at a time, or 2,600 whose messages have more than 4 KB.
  std::size_t per_source = std::size_t{128} << 20U;
};

class kept_bytes {
 public:
  /// Sources that are remembered though nothing is kept for them.
  static constexpr std::size_t most_idle = 65'536;

  explicit kept_bytes(const kept_limits& limits) noexcept : limits_{limits} {}
  kept_bytes(const kept_bytes&) = delete;
  kept_bytes& operator=(const kept_bytes&) = delete;

  /// From the next request on; what is kept stays.
  void set_limits(const kept_limits& limits) noexcept { limits_ = limits; }

  /// The count of a source; the empty address: of nobody in particular. Lives as long as a charge
  /// names it, at least until the next call. Throws std::bad_alloc.
  [[nodiscard]] kept_source& of(const ip_address& source);

  /// So many bytes more are within the bounds.
  [[nodiscard]] bool has_room(const kept_source& source, std::size_t more,
                              keep_for use) const noexcept {
    const std::size_t times = use == keep_for::new_work ? 1 : 2;
    return is_within(in_all_, more, limits_.in_all, times) &&
           (!source.network_ || is_within(source.bytes_, more, limits_.per_source, times));
  }

  /// What is counted for all sources together.
  [[nodiscard]] std::size_t in_all() const noexcept { return in_all_; }
  /// For what is counted in all alone.
  void add(std::size_t bytes) noexcept { in_all_ += bytes; }
  void take_away(std::size_t bytes) noexcept { in_all_ -= bytes; }

 private:
  friend class kept_charge;

  static bool is_within(std::size_t now, std::size_t more, std::size_t limit,
                        std::size_t times) noexcept {
    return now / times <= limit && (now + more) / times <= limit;
  }

  kept_limits limits_;
  std::size_t in_all_ = 0;
  std::unordered_map<ip_address, kept_source> sources_;
  intrusive_list<kept_source> idle_; ///< the one that has been so for longest first
};

/// What somebody keeps at present, on the account of a source; given back when it ends. It may not
/// outlive the table.
class kept_charge {
 public:
  kept_charge() noexcept = default;
  kept_charge(kept_charge&& other) noexcept
      : source_{std::exchange(other.source_, nullptr)}, bytes_{std::exchange(other.bytes_, 0)} {}
  kept_charge& operator=(kept_charge other) noexcept {
    std::swap(source_, other.source_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~kept_charge() {
    if (source_) name(nullptr);
  }

  /// On whose account it goes; null: nobody counts.
  void name(kept_source* source) noexcept;
  [[nodiscard]] kept_source* source() const noexcept { return source_; }

  /// So many bytes from now on, whatever the bounds are.
  void set(std::size_t bytes) noexcept;
  /// So many more.
  void add(std::size_t bytes) noexcept { set(bytes_ + bytes); }
  /// The same within the bounds of work that was let in; false, and nothing changed, beyond them.
  [[nodiscard]] bool try_set(std::size_t bytes) noexcept;

 private:
  kept_source* source_ = nullptr;
  std::size_t bytes_ = 0;
};

/// A message that is kept, and counted where it is.
class kept_message {
 public:
  /// See kept_charge::name.
  void name(kept_source* source) noexcept { charge_.name(source); }
  [[nodiscard]] kept_source* source() const noexcept { return charge_.source(); }

  void keep(wire_message message) noexcept {
    charge_.set(message.block.capacity());
    message_ = std::move(message);
  }
  /// Within the bounds of work that was let in. Beyond them nothing is kept: false.
  bool try_keep(const wire_message& message) noexcept {
    drop();
    if (!charge_.try_set(message.block.capacity())) return false;
    message_ = message;
    return true;
  }
  void drop() noexcept { keep({}); }

  [[nodiscard]] const wire_message& get() const noexcept { return message_; }
  [[nodiscard]] std::string_view bytes() const noexcept { return message_.bytes(); }
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(message_); }

 private:
  wire_message message_;
  kept_charge charge_;
};

} // namespace tandem::stack
