// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/wait.hpp>

#include <tandem/io/shard.hpp>
#include <tandem/server/core.hpp>

namespace tandem::server {

/// The answer on its way to the core: made with the token, so that it arrives without memory too.
struct awaited::arrival final : io::errand {
  arrival(std::shared_ptr<const answer_inbox> in, run_handle of, std::uint32_t token)
      : where{std::move(in)}, waiting{of}, number{token} {}

  void run() override {
    if (where->core) where->core->answer(waiting, number, std::move(answer));
  }

  std::shared_ptr<const answer_inbox> where;
  run_handle waiting;
  std::uint32_t number;
  std::shared_ptr<awaited> answer = nullptr; ///< none: "no"
};

awaited::awaited(std::shared_ptr<const answer_inbox> where, run_handle run, std::uint32_t number)
    : arrival_{std::make_unique<arrival>(std::move(where), run, number)} {}

awaited::~awaited() {
  if (is_answered_) return;
  // Whoever destroys a token stands anywhere: the script goes on in a turn of its own.
  io::shard& loop = arrival_->where->shard;
  loop.post(std::move(arrival_));
}

void awaited::deliver(std::shared_ptr<awaited> answered) {
  std::unique_ptr<arrival> way = std::move(answered->arrival_);
  way->answer = std::move(answered);
  io::shard& loop = way->where->shard;
  if (io::shard::current() == &loop)
    way->run();
  else
    loop.post(std::move(way));
}

} // namespace tandem::server
