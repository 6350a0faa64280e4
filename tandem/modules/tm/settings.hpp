// SPDX-License-Identifier: Apache-2.0
// The parameters of module tm in one script.
#pragma once

#include <tandem/server/module.hpp>
#include <tandem/stack/proxy.hpp>
#include <tandem/stack/timer_settings.hpp>

namespace tandem::modules {

struct tm_settings final : server::module {
  stack::timer_settings timers;
  stack::proxy_settings proxy;
  duration first_retransmission = seconds{1}; ///< T1, where the script sets it
  bool is_noisy = true; ///< the caller hears 408 when a single ringing branch was given up

  void apply_to(server::core& owner) const override;
};

} // namespace tandem::modules
