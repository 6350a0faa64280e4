// SPDX-License-Identifier: Apache-2.0
// Where a request goes besides its Request-URI: the branches that lookup, append_branch and
// exec_dset collect (RFC 3261 16.5, the target set). Bounded; reused from request to request, and
// then without allocation. One thread.
#pragma once

#include <tandem/stack/forwarding.hpp>
#include <tandem/stack/target.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::server {

/// How to reach a URI when it is not by the URI itself.
struct reachability {
  std::string uri;         ///< route the request to this URI instead; empty: to the Request-URI
  std::string path;        ///< Route values to put on top (RFC 3327), empty for none
  socket_address received; ///< a registered phone: where its REGISTER came from
  flow_handle flow;        ///< a registered phone: the connection it keeps open
  transport_kind transport = transport_kind::udp; ///< of `received` or `flow`
  stack::named_by named = stack::named_by::us;    ///< who said that the URI is to be reached
  std::uint32_t paid = 0; ///< bytes of the REGISTER that said it, not spent yet

  void clear() noexcept {
    uri.clear();
    path.clear();
    received = {};
    flow = {};
    named = stack::named_by::us;
    paid = 0;
  }
};

struct destination {
  std::string uri; ///< the branch's Request-URI
  reachability reach;
  std::uint16_t q = 1000; ///< preference in thousandths
};

class destination_set {
 public:
  static constexpr std::size_t limit = 31; ///< branches beside the Request-URI; SER had 12

  /// A branch to fill in; null when the limit is reached. Valid until the next call.
  [[nodiscard]] destination* append(std::string_view uri) {
    if (count_ == limit) return nullptr;
    if (count_ == all_.size()) all_.emplace_back();
    destination& added = all_[count_++];
    added.uri.assign(uri);
    added.reach.clear();
    added.q = 1000;
    return &added;
  }

  void clear() noexcept { count_ = 0; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] std::span<const destination> all() const noexcept { return {all_.data(), count_}; }

 private:
  std::vector<destination> all_; ///< beyond count_: memory kept for the next request
  std::size_t count_ = 0;
};

} // namespace tandem::server
