// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/shard_group.hpp>

#include <csignal>

namespace tandem::io {

shard_group::shard_group(unsigned count) {
  for (unsigned i = 0; i < count; ++i)
    shards_.push_back(std::make_unique<shard>(static_cast<std::uint16_t>(i)));
}

shard_group::~shard_group() { join(); }

std::vector<shard*> shard_group::all() const {
  std::vector<shard*> result;
  for (const auto& s : shards_) result.push_back(s.get());
  return result;
}

void shard_group::start() {
  if (!threads_.empty()) return;
  // Signals are for shard 0: what is sent to the process must not find another thread.
  sigset_t all_signals;
  sigset_t before;
  sigfillset(&all_signals);
  pthread_sigmask(SIG_SETMASK, &all_signals, &before);
  for (std::size_t i = 1; i < shards_.size(); ++i)
    threads_.emplace_back([s = shards_[i].get()] { s->run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void shard_group::run() {
  start();
  shards_.front()->run();
  join();
}

void shard_group::stop() noexcept {
  for (auto& s : shards_) s->stop();
}

void shard_group::join() {
  for (std::size_t i = 1; i < shards_.size() && !threads_.empty(); ++i) shards_[i]->stop();
  for (std::thread& t : threads_) t.join();
  threads_.clear();
}

} // namespace tandem::io
