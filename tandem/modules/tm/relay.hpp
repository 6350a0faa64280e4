// SPDX-License-Identifier: Apache-2.0
// The transactions that scripts relay, on one shard: finds out where a request goes, hands it to
// the proxy, and runs failure_route and onreply_route when the proxy has something to show. One
// thread.
#pragma once

#include <tandem/base/slot_map.hpp>
#include <tandem/script/registry.hpp>
#include <tandem/server/core.hpp>
#include <tandem/server/locator.hpp>
#include <tandem/stack/proxy.hpp>

#include <boost/container/static_vector.hpp>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace tandem::modules {

class relay final : public stack::proxy_user {
 public:
  explicit relay(server::core& home);
  relay(const relay&) = delete;
  relay& operator=(const relay&) = delete;

  /// t_newtran(): makes the transaction of the request. False, with the context's error, when there
  /// can be none.
  bool begin(server::message_context& m);

  /// t_relay(): forwards to the Request-URI and the branches, in a failure_route to the branches
  /// alone. Suspends when a host must be looked up.
  script::outcome forward(server::message_context& m);

  /// t_relay_to: the same with a next hop for all ways.
  script::outcome forward_to(server::message_context& m, std::string_view hop_uri);

  /// t_replicate(): a copy in a transaction of its own, whose replies go nowhere.
  script::outcome replicate(server::message_context& m, std::string_view hop_uri);

  /// forward(): without a transaction.
  script::outcome forward_stateless(server::message_context& m, std::string_view hop_uri);

  /// send(): the bytes go on as they are.
  script::outcome send_copy(server::message_context& m, std::string_view hop_uri);

  /// t_reply().
  bool reply(server::message_context& m, int status, std::string_view reason);

  /// t_on_failure, t_on_reply: what the context has armed counts for its transaction from now on.
  void arm(server::message_context& m);

  // stack::proxy_user
  void on_reply(stack::context_handle context, stack::user_tag tag, unsigned branch,
                sip::message& response, const stack::arrival& from) override;
  stack::failure_verdict on_failure(stack::context_handle context, stack::user_tag tag, int status,
                                    const sip::message* response) override;
  void on_final(stack::context_handle context, stack::user_tag tag, int status) override;
  void on_end(stack::context_handle context, stack::user_tag tag) override;

 private:
  /// The request as it came.
  struct origin {
    stack::arrival from;
    std::string uri;
    std::string bytes;
  };

  /// What a script's transaction has beside the proxy's response context.
  struct relayed {
    std::shared_ptr<const server::loaded_script> script;
    server::armed_blocks armed;
    std::uint32_t flags = 0;
    std::unique_ptr<const origin> came; ///< only where a failure_route may want it
  };
  using relayed_key = handle<relayed>;

  /// A Request-URI with the way to it.
  struct way {
    std::string_view uri;
    std::string_view hop_uri; ///< leads to the next hop where nothing is found yet
    std::string_view path;    ///< Route values to put on top
    server::located found;
  };
  static constexpr std::size_t most_ways = server::destination_set::limit + 1;
  using way_list = boost::container::static_vector<way, most_ways>;
  struct search;
  /// What to do once it is known of every way where it leads.
  using send_ways = script::outcome (relay::*)(server::message_context&, std::span<way>);

  script::outcome locate(server::message_context& m, std::span<way> ways, send_ways then);
  void located_one(const std::shared_ptr<search>& of, std::size_t index, server::located&& found);
  static void collect(server::message_context& m, way_list& ways, std::string& route_hop);
  bool make_transaction(server::message_context& m);
  result<unsigned, stack::forward_errc> send_all(server::message_context& m, std::span<way> ways);
  script::outcome relay_ways(server::message_context& m, std::span<way> ways);
  script::outcome send_stateless(server::message_context& m, std::span<way> ways);
  script::outcome copy_ways(server::message_context& m, std::span<way> ways);
  script::outcome send_unchanged(server::message_context& m, std::span<way> ways);
  script::outcome cancel(server::message_context& m);
  /// A line in the log when there is no listener for any of these addresses.
  void tell_when_unreachable(const server::message_context& m,
                             std::span<const stack::target> targets);
  script::outcome refused(server::message_context& m, stack::forward_errc why);

  server::core& home_;
  server::locator locator_;
  slot_map<relayed> relayed_;
  instant next_complaint_{};
  std::uint64_t untold_ = 0; ///< complaints that were left out of the log
};

} // namespace tandem::modules
