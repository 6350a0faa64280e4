// SPDX-License-Identifier: Apache-2.0
// The transports of the process: binds the listeners, one socket of each for every shard, and
// carries messages between the shards. Made on the main thread before the loops run, destroyed
// there after they have ended.
#pragma once

#include <tandem/base/hash.hpp>
#include <tandem/io/mailroom.hpp>
#include <tandem/io/shard_group.hpp>
#include <tandem/transport/letter.hpp>
#include <tandem/transport/listeners.hpp>
#include <tandem/transport/options.hpp>
#include <tandem/transport/shard_transport.hpp>

#include <memory>
#include <vector>

namespace tandem::transport {

///   io::shard_group shards{2};
///   transport::transport net{shards, points};
///   net[0].set_user(&user_of_shard_0); ...
///   shards.run();
class transport {
 public:
  /// Binds every point, with port 0 to a free port. Throws std::runtime_error, with a sentence for
  /// the operator, when one cannot be bound.
  /// \param tls what a secure point needs: without it, that point cannot be bound
  transport(io::shard_group& shards, std::vector<listen_point> points,
            const transport_options& options = {}, tls_contexts tls = {});
  ~transport();
  transport(const transport&) = delete;
  transport& operator=(const transport&) = delete;

  /// The transport of a shard.
  [[nodiscard]] shard_transport& operator[](std::size_t shard) noexcept { return *parts_[shard]; }
  [[nodiscard]] std::uint16_t shard_count() const noexcept {
    return static_cast<std::uint16_t>(parts_.size());
  }

  [[nodiscard]] const listener_table& listeners() const noexcept { return *listeners_; }
  [[nodiscard]] const transport_options& options() const noexcept { return options_; }

  /// The shard that a message is handled on, which was not parsed yet (home.hpp).
  /// \param here the shard that it came in on, where it stays when it names no other
  [[nodiscard]] std::uint16_t home_of(std::string_view message, std::uint16_t here) const noexcept;

 private:
  friend class shard_transport;

  void open_letter(io::shard& at, letter& l);

  transport_options options_;
  const tls_contexts tls_; ///< of the start
  hash_key key_;
  std::unique_ptr<listener_table> listeners_;
  own_addresses own_addresses_;
  std::vector<std::unique_ptr<shard_transport>> parts_;
  std::unique_ptr<io::mailroom<letter>> mail_;
};

} // namespace tandem::transport
