// SPDX-License-Identifier: Apache-2.0
// The entrance of a shard: bytes become messages, what is broken or too much is answered without a
// transaction, the rest goes to the transaction layer with its Via completed (RFC 3261 18.2.1).
// Used on the thread of its shard.
#pragma once

#include <tandem/base/counter.hpp>
#include <tandem/stack/transaction_layer.hpp>
#include <tandem/transport/options.hpp>
#include <tandem/transport/shard_transport.hpp>
#include <tandem/transport/source_limits.hpp>

#include <cstdint>
#include <string_view>

namespace tandem::transport {

/// Counters of an entrance; they only grow.
struct entrance_counters {
  counter requests;
  counter responses;
  counter unreadable; ///< no message at all: dropped
  counter worthless;  ///< responses that must not be processed: dropped
  counter broken;     ///< requests answered with 400, 505 or 513
  counter misrouted;  ///< responses whose top Via is not ours: dropped
  counter overload;   ///< requests answered with 503 for the load
  counter limited;    ///< requests refused for their source: 503, or dropped where broken
};

class entrance final : public message_user {
 public:
  /// Becomes the user of `net`. Both outlive the entrance.
  entrance(shard_transport& net, stack::transaction_layer& layer,
           const overload_options& options = {});
  ~entrance();
  entrance(const entrance&) = delete;
  entrance& operator=(const entrance&) = delete;

  void on_message(block_ref&& block, std::uint32_t size, const stack::arrival& from) override;
  void on_broken(block_ref&& block, std::uint32_t size, sip::parse_errc error,
                 const stack::arrival& from) override;
  void on_send_error(stack::origin on_behalf_of, stack::send_error reason) override;
  void on_datagram_refused(std::string_view quoted) override;

  /// From the next request on other bounds hold; what sources have sent so far stays counted.
  void set_bounds(const overload_options& options);

  /// New work is refused at present.
  [[nodiscard]] bool is_overloaded() const noexcept;

  [[nodiscard]] const entrance_counters& counters() const noexcept { return counters_; }

 private:
  void take_message(block_ref&& block, std::uint32_t size, const stack::arrival& from);
  void take_broken(block_ref&& block, std::uint32_t size, sip::parse_errc error,
                   const stack::arrival& from);
  void take_request(sip::message& request, const stack::arrival& from);
  void take_response(sip::message& response, const stack::arrival& from);
  /// What a source may send that begins nothing, broken requests among it, in this second.
  [[nodiscard]] bool may_go_on(const stack::arrival& from);
  [[nodiscard]] bool is_refused(const sip::message& request, const stack::arrival& from);
  void answer(const sip::message& request, const stack::arrival& from, int status,
              std::string_view reason = {});

  shard_transport& net_;
  stack::transaction_layer& layer_;
  overload_options options_;
  source_limits limits_;  ///< of what begins something
  source_limits ongoing_; ///< of all the rest
  entrance_counters counters_;
};

} // namespace tandem::transport
