// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/shard_server.hpp>

#include <tandem/io/shard.hpp>
#include <tandem/server/listen_settings.hpp>

namespace tandem::server {

namespace {
constexpr duration drain_interval = milliseconds{50};
}

shard_server::shard_server(io::shard& home, transport::shard_transport& net, services& shared,
                           process::spawner& spawner,
                           const std::shared_ptr<const loaded_script>& script, trace_file* trace)
    : home_{home}, net_{net}, hosts_{home}, layer_{net, {}}, core_{{home, net, layer_, shared,
                                                                    hosts_, spawner},
                                                                   script},
      entrance_{net, layer_, overload_settings(script->parameters())}, drain_{*this} {
  if (!trace) return;
  tap_.emplace(*trace);
  net.set_tap(&*tap_);
}

void shard_server::load(const std::shared_ptr<const loaded_script>& script) {
  core_.load(script);
  entrance_.set_bounds(overload_settings(script->parameters()));
}

void shard_server::drain(duration limit, std::function<void()> done) {
  core_.drain();
  drain_.until = home_.now() + limit;
  drain_.done = std::move(done);
  drain_.on_timer(home_.now());
}

void shard_server::drain_watch::on_timer(instant now) {
  if (now < until && owner.core_.has_unanswered()) {
    owner.home_.timers().arm(*this, now + drain_interval);
    return;
  }
  done();
}

} // namespace tandem::server
