// SPDX-License-Identifier: Apache-2.0
// Location of servers (RFC 3263): from the URI of the next hop to the targets to send to, in the
// order to try them. A machine without I/O: it says what must be asked of the DNS, is told the
// answer, and says the targets in the end. Views the URI's text. One thread.
#pragma once

#include <tandem/base/ip_address.hpp>
#include <tandem/base/result.hpp>
#include <tandem/stack/next_hop.hpp>
#include <tandem/stack/target.hpp>

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace tandem::stack {

/// What is asked of the DNS. A and AAAA are one question: resolvers answer both together.
enum class dns_type : std::uint8_t { address };

struct dns_question {
  std::string_view name;
  dns_type type = dns_type::address;
};

class server_location {
 public:
  using target_list = boost::container::small_vector<target, 1>; ///< mostly one

  /// \param uri outlives the location. Fails when no hop can be found in it.
  [[nodiscard]] static result<server_location, hop_errc> of(const sip::uri& uri);

  /// What must be known next; nothing when the search is over.
  [[nodiscard]] std::optional<dns_question> question() const noexcept;

  /// The answer to question(): addresses in the order to try them, none when the name has none.
  void take_addresses(std::span<const ip_address> found);

  /// Where to send, once the search is over; empty when there is nowhere.
  [[nodiscard]] target_list& targets() noexcept { return targets_; }

 private:
  explicit server_location(const next_hop& hop);

  next_hop hop_;
  target_list targets_;
  bool is_over_ = false;
};

} // namespace tandem::stack
