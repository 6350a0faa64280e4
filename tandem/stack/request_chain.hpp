// SPDX-License-Identifier: Apache-2.0
// Who gets what no transaction takes: dialogs and user agents first, the routing core last. One
// thread.
#pragma once

#include <tandem/stack/transaction_user.hpp>

#include <string_view>
#include <vector>

namespace tandem::stack {

class request_chain {
 public:
  /// The last one, which takes what nobody in front takes. Set it before the first message; it
  /// outlives the chain.
  void set_core(request_user& core) noexcept { core_ = &core; }
  /// Is asked before the core and those that were put there before. It outlives the chain.
  void put_in_front(request_user& user) { front_.push_back(&user); }

  /// The first that takes a request or a stray response; null when there is no core.
  [[nodiscard]] request_user* user_of(const sip::message& message) const {
    for (auto user = front_.rbegin(); user != front_.rend(); ++user)
      if ((*user)->takes(message)) return *user;
    return core_;
  }

  /// Asks for other ways of a response (request_user::on_unreachable). False: nobody will tell any.
  [[nodiscard]] bool find_ways(server_handle server, std::string_view via,
                               const target& tried) const {
    for (auto user = front_.rbegin(); user != front_.rend(); ++user)
      if ((*user)->on_unreachable(server, via, tried)) return true;
    return core_ && core_->on_unreachable(server, via, tried);
  }

 private:
  request_user* core_ = nullptr;
  std::vector<request_user*> front_; ///< the last one is asked first
};

} // namespace tandem::stack
