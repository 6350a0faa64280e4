// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/wait.hpp>

#include <tandem/io/shard.hpp>
#include <tandem/server/core.hpp>

namespace tandem::server {

awaited::~awaited() {
  if (is_answered_) return;
  // Whoever destroys a token stands anywhere: the script goes on in a turn of its own.
  where_->shard.post([where = where_, run = run_, number = number_] {
    if (where->home) where->home->answer(run, number, nullptr);
  });
}

void awaited::deliver(std::shared_ptr<awaited> answered) {
  const awaited& a = *answered;
  if (io::shard::current() == &a.where_->shard) {
    if (a.where_->home) a.where_->home->answer(a.run_, a.number_, std::move(answered));
    return;
  }
  a.where_->shard.post([answered = std::move(answered)]() mutable {
    const awaited& here = *answered;
    if (here.where_->home) here.where_->home->answer(here.run_, here.number_, std::move(answered));
  });
}

} // namespace tandem::server
